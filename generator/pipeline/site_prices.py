"""What a gallery takes as a site, and what would be left out of it, from shapes alone. Estimates.

Bytes of a value depend on how alike neighbors are, which nobody knows before measuring: they are
those of DINOv2 and of the demo gallery, in base64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from generator.capture.checkpoint.layouts import VisionConfig
from generator.present.files.reductions import COARSE, KEPT_LAYERS, STEPS, Detail, Reduction
from generator.records.record import PatchQueries, TokenLayout

VALUE = 1.0
"""Bytes of a value of a map of a token."""

PATCH_VALUE = 0.9
"""Bytes of a value of a map of a patch: each has a maximum of its own."""

NORM = 0.6
WALL_VALUE = 0.4
HEADER = 2200
DRAWN = 15
"""Maps of a cell's analyses."""

FEATURES = 43
"""Bytes of a patch's features, for cosines under the pointer."""

DRAWN_PAGE = 30_000
"""What they add to the page of an image, for each model, and to the manifest."""

PICTURE = 900
"""Bytes of a map as a picture, but for its patches."""


@dataclass(frozen=True, slots=True)
class CellPrice:
    """Bytes of one model on one image.

    Attributes:
        image: its slug.
        tokens: maps of tokens as queries, by how much they hold.
        patches: maps of patches as queries; 0 where their rows are not kept.
        patch_means: the same with the mean over heads only.
        analyses: pictures of analyses, with what they add to the page; 0 where none are drawn.
        wall: for readers without JavaScript.
        rest: numbers and the thumbnail, which are always there.
    """

    image: str
    tokens: Mapping[Detail, int]
    patches: int
    patch_means: int
    analyses: int
    wall: int
    rest: int

    def bytes(self, reduction: Reduction) -> int:
        """Of what is left."""
        patches = self.patch_means if "patch-heads" in reduction else self.patches
        return (
            self.rest
            + self.tokens[reduction.detail(self.image)]
            + (0 if "patches" in reduction else patches)
            + (0 if "analyses" in reduction else self.analyses)
            + (0 if "walls" in reduction else self.wall)
        )


@dataclass(frozen=True, slots=True)
class SitePrice:
    """A site that has been kept within a size.

    Attributes:
        whole: bytes of everything.
        bytes: of what is left.
        reduction: what is left out.
        fits: whether that is within the size.
    """

    whole: int
    bytes: int
    reduction: Reduction
    fits: bool


def cell_price(
    image: str,
    vision: VisionConfig,
    layout: TokenLayout,
    patch_queries: PatchQueries,
    *,
    queries: int,
    drawn: bool,
) -> CellPrice:
    """What one model on one image takes.

    Args:
        image: its slug.
        vision: the model's geometry.
        layout: tokens of the input.
        patch_queries: rows of the patches that are kept.
        queries: tokens as queries.
        drawn: whether its analyses are drawn.
    """
    layers, heads, patches = vision.layers, vision.heads, layout.patches
    coarse = min(layout.rows, COARSE) * min(layout.cols, COARSE)
    low = min(KEPT_LAYERS, layers)
    shown: dict[Detail, tuple[int, int]] = {
        "native": (layers * (heads + 1), patches),
        "coarse": (layers * (heads + 1), coarse),
        "last": (layers + low * heads, coarse),
        "mean": (layers, coarse),
    }
    groups = len(layout.prefix) + 1

    def tokens(maps: int, cells: int) -> int:
        header = HEADER + maps * (10 + 9 * groups) + 5 * layers * heads * (1 + groups)
        return int(queries * (maps * cells * VALUE + NORM * (layers + 1) * cells + header))

    def rows(columns: int) -> int:
        each = patches * PATCH_VALUE + 4 * 4 / 3 + 2 * groups * 4 / 3
        return int(layers * columns * patches * each + HEADER)

    kept = {"off": 0, "mean": 1, "heads": heads + 1}[patch_queries]
    return CellPrice(
        image=image,
        tokens={detail: tokens(*counts) for detail, counts in shown.items()},
        patches=rows(kept) if kept else 0,
        patch_means=rows(1) if kept else 0,
        analyses=(DRAWN * (PICTURE + 3 * patches) + FEATURES * patches + DRAWN_PAGE) * drawn,
        wall=int(layers * (heads + 1) * patches * WALL_VALUE + PICTURE),
        rest=int(12_000 + 800 * (layers + 1) + 8 * patches + 60 * layers * heads + PICTURE),
    )


def model_price(vision: VisionConfig) -> int:
    """What the page of a model takes, with its charts and what they are drawn from."""
    maps = vision.layers * vision.heads
    return 190_000 + 3_200 * maps + 2 * maps**2


def fitting(shared: int, cells: Sequence[CellPrice], limit: int | None) -> SitePrice:
    """The least that has to be left out.

    Args:
        shared: bytes that are always there, beside the cells.
        cells: of the gallery.
        limit: bytes allowed; None for any.
    """
    images = tuple(dict.fromkeys(cell.image for cell in cells))
    found = Reduction(images=len(images))

    def size(reduction: Reduction) -> int:
        return shared + sum(cell.bytes(reduction) for cell in cells)

    whole = size(found)
    if limit is None or whole <= limit:
        return SitePrice(whole, whole, found, fits=True)
    for step in STEPS[:-1]:
        before = size(found)
        taken = found.taken(step)
        if size(taken) < before:
            found = taken
            if size(found) <= limit:
                return SitePrice(whole, size(found), found, fits=True)
    found = found.taken("heads")
    room = limit - size(found)
    kept: list[str] = []
    for image in images[:-1]:
        own = [cell for cell in cells if cell.image == image]
        with_heads = Reduction(found.steps, (image,), found.images)
        room -= sum(cell.bytes(with_heads) - cell.bytes(found) for cell in own)
        if room < 0:
            break
        kept.append(image)
    found = Reduction(found.steps, tuple(kept), found.images)
    return SitePrice(whole, size(found), found, fits=size(found) <= limit)
