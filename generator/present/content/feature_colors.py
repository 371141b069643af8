"""Patch features as colors: principal components of each model (Oquab 2024, section 7.5).

In a small gallery, components are fitted to all images together, so that colors compare across
images. In a larger one they are fitted to each image alone. The components of every model are
aligned to those of the first model with features, and the page prints the residual.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.analysis.absent import NotApplicable
from generator.analysis.features.colors import (
    SharedComponents,
    aligned,
    colors,
    range_of,
    shared_components,
)
from generator.analysis.features.objects import NO_FEATURES
from generator.errors import GalleryError
from generator.present.cells.fitted import keep_fitted
from generator.present.files.cache import Part, SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import PackedFiles
from generator.records.record import (
    FloatArray,
    ReadRecord,
    TokenLayout,
    View,
    outlier_patches,
)
from generator.records.run import Run

COLORS_VERSION = 6
"""Cache version. Raise it when the colors of unchanged records change."""

TOGETHER = 24
"""Most images that are fitted together. Features of a wide model at 37x37 take 3 MB an image."""


@dataclass(frozen=True, slots=True)
class FeatureColors:
    """Feature colors of one model over a group of images.

    Attributes:
        pictures: for each image uint8 ``[row, col, RGBA]``; transparent in the background.
        first_explained: share of the variance of all patches along the component that separates
            the foreground.
        explained: share of the foreground's variance along the three components together.
        foreground: share of the patches that are foreground.
        left_out: number of outliers that were left out of the fits.
        residual: residual of the alignment to the first model, in times the squared size of that
            model's components; None for that model itself.
        shuffled: residual with patches paired at random; None for the first model.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    first_explained: float
    explained: float
    foreground: float
    left_out: int
    residual: float | None
    shuffled: float | None


COLORS = PackedFiles("features", FeatureColors)


@dataclass(frozen=True, slots=True)
class ColoredFeatures:
    """Feature colors of one model on one image.

    Attributes:
        source: file of the colors of the group.
        first_explained: as in :class:`FeatureColors`.
        kept: share of this image's patches that are foreground.
        images: number of images that the components were fitted to.
        reference: slug of the model that colors are aligned to.
    """

    source: FileEntry
    picture: FileEntry
    first_explained: float
    explained: float
    foreground: float
    left_out: int
    residual: float | None
    shuffled: float | None
    kept: float
    images: int
    reference: str


@dataclass(frozen=True, slots=True)
class _FeatureGroup:
    """Records of one model for a group of images: (slug of the image, key of the record)."""

    model: str
    cells: tuple[tuple[str, str], ...]

    @property
    def records(self) -> str:
        return ",".join(key for _, key in self.cells)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Components of a group, and the view that each image's grid covers."""

    components: SharedComponents
    views: tuple[View, ...]


Colored = dict[tuple[str, str], ColoredFeatures | NotApplicable]
Ahead = Callable[
    [Callable[..., object], Sequence[tuple[_FeatureGroup, ...]]],
    Iterator[tuple[_FeatureGroup, ...]],
]
"""Yields groups in order, each when workers have called a function on it."""


def begin_feature_colors(
    run: Run, read: ReadRecord, cache: SiteCache, keys: Mapping[tuple[str, str], str], ahead: Ahead
) -> Callable[[], Colored]:
    """Begin with the feature colors of every cell.

    Args:
        read: gives the record of a key; called only for colors that the previous site lacks.
        keys: (model, image) -> key of the record, for cells with features.
        ahead: yields groups in order, each when workers have put its files into the cache.

    Returns:
        writes the colors to the site, when workers are done with them.
    """
    ready = ahead(_colored_group, [*_groups(run, keys)])

    def put() -> Colored:
        found: Colored = {}
        for groups in ready:
            found |= _colored_group(cache, read, groups)
        return found

    return put


def _colored_group(
    cache: SiteCache, read: ReadRecord, groups: tuple[_FeatureGroup, ...]
) -> Colored:
    """Write the feature colors of all models on a group of images to the site."""
    fitted = functools.cache(lambda group: _fitted(group, cache, read))
    found: Colored = {}
    for group in groups:
        found |= _published(cache, group, groups[0], fitted)
    return found


def fitted_alone(run: Run) -> bool:
    """Whether components are fitted to each image alone, as there are too many images."""
    return len(_usable(run)) > TOGETHER


def _usable(run: Run) -> list[str]:
    return [image.slug for image in run.images if image.failure is None]


def _groups(run: Run, keys: Mapping[tuple[str, str], str]) -> Iterator[tuple[_FeatureGroup, ...]]:
    """For each group of images, its models. Models without a record of one image are left out."""
    images = _usable(run)
    for group in [[image] for image in images] if fitted_alone(run) else [images]:
        models = (
            _FeatureGroup(
                model.slug,
                tuple(
                    (image, keys[model.slug, image])
                    for image in group
                    if (model.slug, image) in keys
                ),
            )
            for model in run.models
        )
        there = tuple(model for model in models if model.cells)
        if there:
            yield there


def _published(
    cache: SiteCache,
    group: _FeatureGroup,
    reference: _FeatureGroup,
    fitted: Callable[[_FeatureGroup], _Fitted | NotApplicable],
) -> Colored:
    parts: dict[str, Part] = {
        "records": group.records,
        "reference": reference.records,
        "version": COLORS_VERSION,
    }
    alone = len(group.cells) == 1
    stem = f"data/{group.model}/{group.cells[0][0] + '.' if alone else ''}features"
    made: FeatureColors | NotApplicable | None = None
    if cache.readable(COLORS.kind, stem, parts) is None:
        made = _colored(group, reference, fitted)
        if isinstance(made, NotApplicable):
            return {(group.model, image): made for image, _ in group.cells}

    def now() -> FeatureColors:
        assert isinstance(made, FeatureColors), "what the former site lacks has been made"
        return made

    source = COLORS.put(cache, stem, parts, now)
    found = COLORS.read(cache.root / source.path)
    return {
        (group.model, image): ColoredFeatures(
            source=source,
            picture=cache.put(
                "figure",
                f"data/{group.model}/{image}.features",
                {"features": source.made_of, "place": place},
                partial(_png, picture),
                suffix=".png",
            ),
            first_explained=found.first_explained,
            explained=found.explained,
            foreground=found.foreground,
            left_out=found.left_out,
            residual=found.residual,
            shuffled=found.shuffled,
            kept=float((picture[..., 3] > 0).mean()),
            images=len(group.cells),
            reference=reference.model,
        )
        for place, ((image, _), picture) in enumerate(zip(group.cells, found.pictures, strict=True))
    }


def _colored(
    group: _FeatureGroup,
    reference: _FeatureGroup,
    fitted: Callable[[_FeatureGroup], _Fitted | NotApplicable],
) -> FeatureColors | NotApplicable:
    """The colors of a group, aligned to the reference."""
    own, other = fitted(group), fitted(reference)
    if isinstance(own, NotApplicable):
        return own
    components, chosen = own.components, own.components
    same = [image for image, _ in group.cells] == [image for image, _ in reference.cells]
    if group != reference and same and isinstance(other, _Fitted):
        turned = aligned(components, own.views, other.components, other.views)
        if not isinstance(turned, NotApplicable):
            components, chosen = turned, other.components
    kept = np.concatenate([mask.ravel() for mask in components.foreground])
    return FeatureColors(
        pictures=tuple(_rgba(each) for each in colors(components, range_of(chosen))),
        first_explained=components.first_explained,
        explained=float(components.explained.sum()),
        foreground=float(kept.mean()),
        left_out=components.left_out,
        residual=components.residual,
        shuffled=components.shuffled,
    )


def _fitted(group: _FeatureGroup, cache: SiteCache, read: ReadRecord) -> _Fitted | NotApplicable:
    """The components of a group; records are read one at a time and only features are kept."""
    if len(group.cells) == 1:
        return _fitted_alone(group.cells[0][1], cache, read)
    features: list[FloatArray] = []
    layouts: list[TokenLayout] = []
    views: list[View] = []
    left_out: list[NDArray[np.bool_]] = []
    for _, key in group.cells:
        try:
            record = read(key)
        except GalleryError as error:
            return NotApplicable(error.message)
        if record.features is None:
            return NO_FEATURES
        outliers = np.zeros(record.layout.patches, dtype=np.bool_)
        outliers[outlier_patches(record.norms[:, record.layout.patch_slice]).patches] = True
        features.append(record.features.last)
        layouts.append(record.layout)
        views.append(record.view)
        left_out.append(outliers)
    found = shared_components(features, layouts, left_out=left_out)
    return found if isinstance(found, NotApplicable) else _Fitted(found, tuple(views))


def _fitted_alone(record: str, cache: SiteCache, read: ReadRecord) -> _Fitted | NotApplicable:
    """The components of one record."""
    try:
        kept = keep_fitted(cache.kept, record, read)
    except GalleryError as error:
        return NotApplicable(error.message)
    found = kept.components
    return found if isinstance(found, NotApplicable) else _Fitted(found, (kept.view,))


def _rgba(values: FloatArray) -> NDArray[np.uint8]:
    """Convert colors in [0, 1], NaN in the background, to uint8 ``[row, col, RGBA]``."""
    inside = np.isfinite(values[..., 0])
    found = np.zeros((*values.shape[:2], 4), dtype=np.uint8)
    found[..., :3] = np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    found[..., 3] = np.where(inside, 255, 0)
    return found


def _png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture, "RGBA").save(file, format="PNG", compress_level=6)
    return file.getvalue()
