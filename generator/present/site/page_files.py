"""Files that describe a site: pages, the manifest and its schema."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import TemplateError

from generator.errors import StoreError
from generator.present.content.contents import Contents
from generator.present.files.manifest import TextEntry
from generator.present.files.manifest_file import (
    MANIFEST,
    MANIFEST_SCHEMA,
    manifest_bytes,
    schema_bytes,
)
from generator.present.files.program import hash_of
from generator.present.pages.environment import make_environment
from generator.present.site.former_pages import FormerPages
from generator.present.site.inventory import manifest_of
from generator.present.site.plan import Page, Site
from generator.records.run import Run


class PageFiles:
    """Writes pages and manifest to the staging folder, again after each size reduction.

    Attributes:
        pages: paths of the pages, sorted.
    """

    def __init__(
        self, run: Run, stage: Path, templates: Path | None, version: str, former: FormerPages
    ) -> None:
        self.pages: tuple[str, ...] = ()
        self._run = run
        self._stage = stage
        self._templates = templates
        self._version = version
        self._former = former
        self._written: dict[str, TextEntry] = {}

    def write(self, contents: Contents) -> None:
        """Write pages and manifest; they replace those written before.

        Raises:
            StoreError: a template fails.
        """
        for path in self._written:
            (self._stage / path).unlink()  # never written over: it may be a link to the former page
        self._written = {}
        self.pages = self._write_pages(Site(self._run, contents, self._version))
        manifest = manifest_of(self._run, contents, self.pages, self._texts(), self._version)
        self._put(MANIFEST, manifest_bytes(manifest))
        self._put(MANIFEST_SCHEMA, schema_bytes())
        # GitHub Pages would drop names that start with an underscore
        self._put(".nojekyll", b"")

    def _write_pages(self, site: Site) -> tuple[str, ...]:
        environment = make_environment(self._templates)
        if site.script is not None:
            self._put(site.script.path, site.script.text.encode())
        kinds: tuple[tuple[str, Iterable[Page]], ...] = (
            ("index", site.index),
            ("image", site.images),
            ("sequence", site.sequences),
            ("model", site.models),
            ("pair", site.pairs),
            ("sweep", site.sweeps),
            ("methods", (site.methods,)),
        )
        written: list[str] = []
        for kind, pages in kinds:
            try:
                for page in pages:
                    made_of = self._former.made_of(kind, page)
                    if not self._reused(made_of, page.path):
                        template = environment.get_template(f"{kind}.html.jinja2")
                        text = self._put(page.path, template.render(page=page).encode())
                        self._former.add(made_of, text)
                    written.append(page.path)
            except TemplateError as error:
                raise StoreError(
                    f"The template of the {kind} page fails: {error}.",
                    "Compare it with the program's own; templates/README.md lists what pages hold.",
                ) from error
        return tuple(sorted(written))

    def _texts(self) -> tuple[TextEntry, ...]:
        """Checksums of pages, styles and scripts."""
        assets = (path for path in (self._stage / "assets").rglob("*") if path.is_file())
        found = dict(self._written)
        for path in assets:
            data, name = path.read_bytes(), path.relative_to(self._stage).as_posix()
            found[name] = TextEntry(name, hash_of(data), len(data))
        return tuple(found[name] for name in sorted(found))

    def _reused(self, made_of: str, path: str) -> bool:
        """Link the page of the previous site, if it is made of the same."""
        target = self._stage / path
        target.parent.mkdir(parents=True, exist_ok=True)
        entry = self._former.link(made_of, path, target)
        if entry is not None:
            self._written[path] = entry
        return entry is not None

    def _put(self, path: str, data: bytes) -> TextEntry:
        target = self._stage / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self._written[path] = TextEntry(path, hash_of(data), len(data))
        return self._written[path]
