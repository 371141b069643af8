"""What a site leaves out when it would be larger than allowed, in a stated order.

The order is data (:data:`STEPS`), and each step is taken on top of those before it. The record
store always keeps everything: a larger budget brings all of it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

KEPT_LAYERS = 3
"""Layers from the last up whose heads stay when those of the others go."""

COARSE = 16
"""Rows and columns of the grid that finer maps are shown on when they are made coarser."""

Detail = Literal["native", "coarse", "last", "mean"]
"""How much of a cell's maps of tokens is in the site: all heads on the native grid; all heads on a
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
"""Each step as a reader is told."""

STEPS: tuple[Step, ...] = tuple(WORDS)
"""What goes, first to last. The last step is taken image by image: single heads stay on as many
images as fit (see :func:`generator.present.site.size.images_in_order`)."""

ORDER = "; ".join(WORDS.values())
"""The whole order in one sentence."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a site leaves out.

    Attributes:
        steps: that were taken and had something to leave out, in order.
        whole: slugs of the images whose single heads stay where the last step is among ``steps``.
        images: how many images have maps.
    """

    steps: tuple[Step, ...] = ()
    whole: tuple[str, ...] = ()
    images: int = 0

    def __contains__(self, step: Step) -> bool:
        return step in self.steps

    def detail(self, image: str) -> Detail:
        """How much there is of the maps of an image's cells."""
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
        """What is left out, as a reader is told; a step that a later one makes pointless is not."""
        return tuple(self.said(step) for step in self.told)

    @property
    def told(self) -> tuple[Step, ...]:
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
        """The same with one step more."""
        return replace(self, steps=(*self.steps, step))
