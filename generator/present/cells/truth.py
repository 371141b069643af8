"""Scores of a cell's maps and boxes against marked objects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.digest import CellDigest, FoundObject, FoundObjects
from generator.analysis.compare.agreement import center_gaussian, shuffled, uniform_map
from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.objects import NO_FEATURES
from generator.analysis.features.truth import (
    Box,
    GridTruth,
    MapScores,
    best_iou,
    boxes_in_view,
    score_map,
    truth_of_boxes,
    truth_on_grid,
)
from generator.errors import GalleryError
from generator.images.annotations import Mask, read_mask
from generator.present.cells.chunks.chunk import CellFacts
from generator.present.cells.digests import Digests, vectors_of
from generator.present.cells.files import CellContent
from generator.present.files.cache import Part, SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import PackedFiles
from generator.records.packing import pack
from generator.records.record import FloatArray
from generator.records.run import Failure, ImageEntry, Run

Marks = Literal["mask", "boxes"]

UNIFORM = "uniform"
MAPS = ("last layer", "rollout", "last layer of another picture", UNIFORM, "centered Gaussian")
"""Maps that are scored: two of the model, and three baselines that don't use the picture."""


@dataclass(frozen=True, slots=True)
class BoxOverlaps:
    """IoU of the boxes found in one kind of vectors with the marked boxes.

    Attributes:
        vectors: keys, queries or values of the last block.
        lost: IoU of LOST's box with the marked box that it fits best.
        tokencut: IoU of TokenCut's box with the marked box that it fits best.
    """

    vectors: str
    lost: float | NotApplicable
    tokencut: float | NotApplicable


@dataclass(frozen=True, slots=True)
class CellTruth:
    """Scores of one model on one image with marked objects.

    Attributes:
        marks: what the maps are scored against: the mask, or boxes without a mask.
        objects: bool ``[row, col]``, patches that are mostly object.
        maps: scores of each of :data:`MAPS`.
        boxes: marked boxes, clipped to the part of the picture that the model saw.
        boxed: whether the picture has marked boxes.
        overlaps: IoU of found boxes for each kind of vectors; empty without marked boxes or
            vectors.
    """

    marks: Marks
    objects: BoolArray
    maps: tuple[MapScores | NotApplicable, ...]
    boxes: tuple[Box, ...]
    boxed: bool
    overlaps: tuple[BoxOverlaps, ...]


SCORES = PackedFiles("truth", CellTruth)


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of all cells against marked objects.

    Attributes:
        truth: (model, image) -> scores, or why there are none.
        files: (model, image) -> file of the scores, so that a copy of the site needs no masks.
    """

    truth: Mapping[tuple[str, str], CellTruth | Failure]
    files: Mapping[tuple[str, str], FileEntry]


def put_truth(
    run: Run,
    cells: Mapping[tuple[str, str], CellContent | Failure],
    digests: Digests,
    cache: SiteCache,
) -> Scored:
    """Score the cells of marked images and write the scores to the site.

    A run that is read from a site has no masks or boxes; its score files are reused.
    """
    truth = score_cells(run, cells, digests)
    files: dict[tuple[str, str], FileEntry] = {}
    for cell in run.cells:
        at = cell.model, cell.image
        stem = f"data/{cell.model}/{cell.image}.truth"
        found = truth.get(at)
        if isinstance(found, CellTruth):
            content = hashlib.sha256(pack(found)).hexdigest()
            parts: dict[str, Part] = {"truth": content, "record": cell.record}
            files[at] = SCORES.put(cache, stem, parts, partial(_same, found))
        elif found is None and cell.truth:
            file = cache.reuse(cell.truth, stem, ".safetensors")
            if file is not None:
                truth[at], files[at] = SCORES.read(cache.root / file.path), file
    return Scored(truth, files)


def _same(found: CellTruth) -> CellTruth:
    return found


def score_cells(
    run: Run, cells: Mapping[tuple[str, str], CellContent | Failure], digests: Digests
) -> dict[tuple[str, str], CellTruth | Failure]:
    """Score every cell whose image has a mask or boxes; a mask that cannot be read is a failure."""
    found: dict[tuple[str, str], CellTruth | Failure] = {}
    marked = [i for i in run.images if i.failure is None and (i.mask or i.boxes)]
    partners = shuffled(len(marked)) or (None,) * len(marked)
    boxed = any(image.boxes for image in marked)
    searched = {m.slug: vectors_of(digests, m.slug) if boxed else () for m in run.models}
    for image, partner in zip(marked, partners, strict=True):
        try:
            mask = read_mask(image.mask, image.mask_orientation) if image.mask else None
        except GalleryError as error:
            found |= {
                (model.slug, image.slug): Failure(error.message, error.hint) for model in run.models
            }
            continue
        for model in run.models:
            cell = cells.get((model.slug, image.slug))
            digest = digests.of(model.slug, image.slug)
            if isinstance(cell, CellContent) and digest is not None:
                other = None
                if partner is not None:
                    other = digests.of(model.slug, marked[partner].slug)
                found[model.slug, image.slug] = _scored(
                    image, mask, cell.facts, digest, other, searched[model.slug]
                )
    return found


def _scored(
    image: ImageEntry,
    mask: Mask | None,
    facts: CellFacts,
    digest: CellDigest,
    other: CellDigest | None,
    searched: tuple[str, ...],
) -> CellTruth:
    layout, view = facts.layout, facts.view
    boxes = boxes_in_view((box.box for box in image.boxes), view)
    truth: GridTruth = (
        truth_of_boxes(boxes, layout, view)
        if mask is None
        else truth_on_grid(mask.objects, mask.void, layout, view)
    )
    maps = (
        digest.last,
        digest.rolled,
        _of_another(digest, other),
        uniform_map(layout.rows, layout.cols),
        center_gaussian(layout.rows, layout.cols),
    )
    return CellTruth(
        marks="boxes" if mask is None else "mask",
        objects=truth.inside > truth.outside,
        maps=tuple(
            values if isinstance(values, NotApplicable) else score_map(values, truth)
            for values in maps
        ),
        boxes=boxes,
        boxed=bool(image.boxes),
        overlaps=_overlaps(digest, searched, boxes) if image.boxes else (),
    )


def _of_another(digest: CellDigest, other: CellDigest | None) -> FloatArray | NotApplicable:
    """Map of another picture, the shuffled baseline of this one."""
    if other is None:
        return NotApplicable("no other picture has marks")
    if other.last.shape != digest.last.shape:
        return NotApplicable("the other picture has another grid")
    return other.last


def _overlaps(
    digest: CellDigest, vectors: tuple[str, ...], boxes: tuple[Box, ...]
) -> tuple[BoxOverlaps, ...]:
    """Largest IoU of each found box with the marked boxes; 0 where a method found nothing.

    Images without a found box count, since leaving them out would favor models that find little.
    """
    if digest.lost == NO_FEATURES:
        return ()
    found = {objects.vectors: objects for objects in digest.objects}
    return tuple(
        BoxOverlaps(kind, *(_iou(each, boxes) for each in _both(found.get(kind))))
        for kind in vectors
    )


def _both(found: FoundObjects | None) -> tuple[FoundObject | NotApplicable | None, ...]:
    return (None, None) if found is None else (found.lost, found.tokencut)


def _iou(
    found: FoundObject | NotApplicable | None, boxes: tuple[Box, ...]
) -> float | NotApplicable:
    nowhere = (0.0, 0.0, 0.0, 0.0)
    return best_iou(found.pixels if isinstance(found, FoundObject) else nowhere, boxes)
