"""Views of the index's controls, and data for its scripts.

The fields of :class:`IndexData` are the contract with ``templates/static/js/index-types.d.ts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.views import Notice


@dataclass(frozen=True, slots=True)
class ControlOption:
    """An option of a control."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Finder:
    """Controls that filter and sort images on the index.

    Attributes:
        data: URL of the script with all images.
        root: relative URL of the site root, ``../`` or empty.
        orders: sort orders; the first is the gallery's own.
        groups: groups with their number of images; empty if there is one group.
    """

    data: str
    root: str
    orders: tuple[ControlOption, ...]
    groups: tuple[ControlOption, ...]


@dataclass(frozen=True, slots=True)
class IndexModel:
    """A model, for the scripts of the index.

    Attributes:
        row: number of the last layer.
        what: query of its small maps.
    """

    slug: str
    label: str
    row: str
    what: str


@dataclass(frozen=True, slots=True)
class IndexStatistic:
    """A statistic that images are sorted by, for the scripts of the index.

    Attributes:
        says: what its number is, in front of it.
        unit: ``%`` for a share of 1, or empty.
    """

    id: str
    says: str
    unit: str


@dataclass(frozen=True, slots=True)
class IndexSequence:
    """A sequence, for the scripts of the index.

    Attributes:
        summary: frames and duration in one line.
        strip: slug, and hash, width and height of the thumbnail, of a few frames.
    """

    slug: str
    summary: str
    strip: tuple[tuple[str, str, int, int], ...]


@dataclass(frozen=True, slots=True)
class IndexImage:
    """An image, for the scripts of the index.

    Attributes:
        slug: slug of the image; empty if it has no page.
        group: index of its group.
        crop: name, width and height of the small copy of what the models saw; empty for none.
        values: its statistics in order; null where one doesn't apply.
        maps: for each model the hash of its map, height on the page, share on patches and maximum,
            or the index of the reason that it is missing.
        failure: index of the reason that the image could not be used; null for none.
        sequence: sequence that the image represents as its first frame; null for a single image.
    """

    slug: str
    title: str
    name: str
    group: int
    crop: tuple[str | int, ...]
    alt: str
    values: tuple[float | None, ...]
    maps: tuple[tuple[str | float, ...] | int, ...]
    failure: int | None
    sequence: IndexSequence | None = None


@dataclass(frozen=True, slots=True)
class IndexData:
    """Data of all images of the gallery, for the scripts of the index.

    Attributes:
        statistics: statistics that images are sorted by; the first is shown unless sorted.
        aligned: whether all models saw the same part of each picture.
        reasons: distinct reasons why something is missing.
        images: in the order of the pages.
    """

    models: tuple[IndexModel, ...]
    statistics: tuple[IndexStatistic, ...]
    groups: tuple[str, ...]
    aligned: bool
    reasons: tuple[Notice, ...]
    images: tuple[IndexImage, ...]


@dataclass(frozen=True, slots=True)
class PageScript:
    """A script that holds data of the gallery.

    Attributes:
        path: site-relative path of the script.
    """

    path: str
    text: str
