"""Size reductions: what a site leaves out, in which order, to stay within its size limit.

Each step of :data:`STEPS` adds to the steps before it. The record store keeps everything, so a
larger limit restores all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

KEPT_LAYERS = 3
"""Number of last layers that keep single heads when other layers lose theirs."""

COARSE = 16
"""Rows and columns of the coarse grid."""

WALL_CELLS = 16
"""Longer side of the maps of a rendered wall, in cells."""


def wall_grid(rows: int, cols: int) -> tuple[int, int]:
    """Rows and columns of the maps of a rendered wall: in proportion, none more than the grid's."""
    share = min(WALL_CELLS / max(rows, cols), 1)
    return max(round(rows * share), 1), max(round(cols * share), 1)


Detail = Literal["native", "coarse", "last", "mean"]
"""Maps of a cell in the site, for tokens as queries: all heads on the native grid; all heads on a
grid of at most ``COARSE`` x ``COARSE``; on that grid, single heads of the last ``KEPT_LAYERS``
layers only; on that grid, the mean over heads only."""

PATCHES = "attention with patches as queries"
LOW_HEADS = f"single heads of all but the last {KEPT_LAYERS} layers (their mean over heads stays)"

Step = Literal["patch-heads", "patches", "analyses", "walls", "grid", "low-heads", "heads"]

WORDS: dict[Step, str] = {
    "patch-heads": f"single heads of {PATCHES} (their mean over heads stays)",
    "patches": PATCHES,
    "analyses": "pictures of the analyses of each image",
    "walls": "colored walls for readers without JavaScript",
    "grid": (
        f"maps on grids finer than {COARSE} × {COARSE} (their area means on {COARSE} × {COARSE} "
        "stay)"
    ),
    "low-heads": LOW_HEADS,
    "heads": "single heads of all layers (their mean over heads stays)",
}
"""Each step in words, for readers."""

STEPS: tuple[Step, ...] = tuple(WORDS)
"""Steps in order. The last step is taken image by image: single heads stay on as many
images as fit (see :func:`generator.present.site.size.images_in_order`)."""

ORDER = "; ".join(WORDS.values())
"""All steps in one sentence."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """Steps that a site takes, and the images they spare.

    Attributes:
        steps: steps that left something out, in order.
        whole: slugs of the images that keep single heads although the last step is taken.
        images: number of images with maps.
    """

    steps: tuple[Step, ...] = ()
    whole: tuple[str, ...] = ()
    images: int = 0

    def __contains__(self, step: Step) -> bool:
        return step in self.steps

    def detail(self, image: str) -> Detail:
        """Which maps the cells of an image have."""
        if "heads" in self.steps and image not in self.whole:
            return "mean"
        if "low-heads" in self.steps:
            return "last"
        return "coarse" if "grid" in self.steps else "native"

    def said(self, step: Step) -> str:
        """A step in words, with the images that it spares."""
        if step != "heads" or not self.whole:
            return WORDS[step]
        rest = self.images - len(self.whole)
        return f"{WORDS[step]} on {rest} of {self.images} images"

    @property
    def words(self) -> tuple[str, ...]:
        """Descriptions of the steps, without those that a later step includes."""
        return tuple(self.said(step) for step in self.stated)

    @property
    def stated(self) -> tuple[Step, ...]:
        """The steps without those that a later one includes."""
        return tuple(self._told())

    def _told(self) -> Iterator[Step]:
        for step in self.steps:
            covered = (step == "patch-heads" and "patches" in self.steps) or (
                step == "low-heads" and "heads" in self.steps and not self.whole
            )
            if not covered:
                yield step

    def taken(self, step: Step) -> Reduction:
        """The reduction with one more step."""
        return replace(self, steps=(*self.steps, step))
