"""Size model of a site from shapes, and the reduction to fit a size limit.

Bytes for each value depend on the compression, which is unknown before measuring. The constants
come from DINOv2 and the demo gallery, in base64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from generator.capture.checkpoint.layouts import VisionConfig
from generator.present.files.reductions import (
    COARSE,
    KEPT_LAYERS,
    STEPS,
    Detail,
    Reduction,
    wall_grid,
)
from generator.records.record import PatchQueries, TokenLayout

VALUE = 1.0
"""Bytes for each value of a map with a prefix token as query."""

PATCH_VALUE = 0.9
"""Bytes for each value of a map with a patch as query, scaled to its own maximum."""

NORM = 0.6
WALL_VALUE = 0.4
EXTREMES = 2
HEADER = 2200
DRAWN = 15
"""Number of analysis maps of a cell."""

FEATURES = 43
"""Bytes of a patch's features for interactive cosines."""

DRAWN_PAGE = 30_000
"""Bytes that analyses add to an image page and the manifest, for each model."""

PICTURE = 900
"""Fixed bytes of a map as a picture."""


@dataclass(frozen=True, slots=True)
class CellPrice:
    """Size of one model on one image in the site, in bytes.

    Attributes:
        tokens: maps of token queries, by detail.
        patches: maps of patch queries; 0 if their rows are not kept.
        patch_means: maps of patch queries with the mean over heads only.
        analyses: pictures of analyses and their part of the page; 0 if none are drawn.
        wall: picture of all maps, for readers without JavaScript.
        rest: numbers and the thumbnail, which are always kept.
    """

    image: str
    tokens: Mapping[Detail, int]
    patches: int
    patch_means: int
    analyses: int
    wall: int
    rest: int

    def bytes(self, reduction: Reduction) -> int:
        """Bytes after a reduction."""
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
    """Size of a site after its reduction.

    Attributes:
        whole: bytes without reduction.
        bytes: bytes after the reduction.
        reduction: parts that are left out.
        fits: whether the site is within the limit.
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
    """Estimate the size of one model on one image.

    Args:
        layout: token layout of the input.
        patch_queries: kept rows of patch queries.
        drawn: whether analyses are drawn.
    """
    layers, heads, patches = vision.layers, vision.heads, layout.patches
    coarse = min(layout.rows, COARSE) * min(layout.cols, COARSE)
    drawn_cells = prod(wall_grid(layout.rows, layout.cols))
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
        wall=int(layers * (heads + 1 + EXTREMES) * drawn_cells * WALL_VALUE + PICTURE),
        rest=int(12_000 + 800 * (layers + 1) + 8 * patches + 60 * layers * heads + PICTURE),
    )


def model_price(vision: VisionConfig) -> int:
    """Estimate the size of a model's page, with its charts and their data."""
    maps = vision.layers * vision.heads
    return 190_000 + 3_200 * maps + 2 * maps**2


PAIR_SECONDS = 0.13
"""Seconds of a process for each image of a page about two models."""


def cell_seconds(vision: VisionConfig, layout: TokenLayout, *, drawn: bool) -> float:
    """Estimate the time to make one model's part of an image page, of one process.

    Args:
        layout: token layout of the input.
        drawn: whether analyses are drawn.
    """
    values = vision.layers * (vision.heads + 1) * layout.patches * (len(layout.prefix) + 1)
    analyses = (0.02 + 40e-6 * layout.patches) if drawn else 0.0
    return 0.05 + 350e-9 * values + analyses


def model_seconds(vision: VisionConfig, images: int) -> float:
    """Estimate the time to make a model's page and what averages over its images.

    Args:
        images: pictures that the page is about.
    """
    return 0.05 + 0.0002 * vision.layers * vision.heads + 0.03 * images


def fitting(shared: int, cells: Sequence[CellPrice], limit: int | None) -> SitePrice:
    """The smallest reduction that fits the limit.

    Args:
        shared: bytes of the site without cells.
        limit: most bytes; None for no limit.
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
    space = limit - size(found)
    kept: list[str] = []
    for image in images[:-1]:
        own = [cell for cell in cells if cell.image == image]
        with_heads = Reduction(found.steps, (image,), found.images)
        space -= sum(cell.bytes(with_heads) - cell.bytes(found) for cell in own)
        if space < 0:
            break
        kept.append(image)
    found = Reduction(found.steps, tuple(kept), found.images)
    return SitePrice(whole, size(found), found, fits=size(found) <= limit)
