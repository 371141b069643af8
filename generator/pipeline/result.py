"""What a build made, for scripts and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from generator.pipeline.build import Outcome
from generator.records.run import Failure
from generator.text.amounts import size_in_words
from generator.text.phrases import counted


@dataclass(frozen=True, slots=True, repr=False)
class BuildResult:
    """A built site, with its numbers and failures. Usable as the path of its first page.

    Attributes:
        site: folder of the site.
        models: number of models, including failed ones.
        images: number of images, including failed ones.
        measured: number of records measured by this build.
        reused: number of records found in the store.
        pages: number of pages.
        bytes: size of the site.
        failures: models, images and cells that failed, with the reason and the next step.
        notes: warnings about numbers; what an anonymous or a reduced site leaves out.
    """

    site: Path
    models: int
    images: int
    measured: int
    reused: int
    pages: int
    bytes: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    @property
    def page(self) -> Path:
        """The first page, ``index.html``."""
        return self.site / "index.html"

    def __fspath__(self) -> str:
        return str(self.page)

    def __repr__(self) -> str:
        return f"<BuildResult {self.page}: {self._numbers}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: a link, the numbers and the failures."""
        lines = [f"failed: {failure.message} {failure.hint}".rstrip() for failure in self.failures]
        said = "".join(f"<li>{escape(line)}</li>" for line in (*self.notes, *lines))
        page = escape(str(self.page))
        listed = f"<ul>{said}</ul>" if said else ""
        return f'<p><a href="{page}">{page}</a>: {escape(self._numbers)}</p>{listed}'

    @property
    def _numbers(self) -> str:
        failed = f", {counted(len(self.failures), 'failure')}" if self.failures else ""
        return (
            f"{counted(self.models, 'model')} x {counted(self.images, 'image')}, "
            f"{self.measured} measured, {self.reused} from the store, "
            f"{size_in_words(self.bytes)}{failed}"
        )


def result_of(outcome: Outcome, out: Path) -> BuildResult:
    """The result of a build.

    Args:
        out: folder of the site.
    """
    return BuildResult(
        site=out,
        models=len(outcome.run.models),
        images=len(outcome.run.images),
        measured=outcome.measured,
        reused=outcome.reused,
        pages=outcome.site.pages,
        bytes=outcome.site.bytes,
        failures=outcome.failures,
        notes=outcome.notes,
    )
