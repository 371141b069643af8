"""What finds an image on the index: its controls, and what the scripts get.

The fields of :class:`IndexData` are the contract with ``templates/static/js/index-types.d.ts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.views import CreditLine, Notice


@dataclass(frozen=True, slots=True)
class ControlOption:
    """An option of a control."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Finder:
    """What filters and sorts the images, for the scripts of the index.

    Attributes:
        data: URL of the script with all images.
        root: URL of the site's folder, as ``../`` or empty.
        orders: what images can be sorted by; the first is the gallery's own order.
        groups: groups with the number of their images; empty when there is one group.
    """

    data: str
    root: str
    orders: tuple[ControlOption, ...]
    groups: tuple[ControlOption, ...]


@dataclass(frozen=True, slots=True)
class IndexModel:
    """A model, for the scripts of the index.

    Attributes:
        row: the last layer's number.
        what: whose attention its small maps show.
    """

    slug: str
    label: str
    row: str
    what: str


@dataclass(frozen=True, slots=True)
class IndexSequence:
    """A sequence, for the scripts of the index.

    Attributes:
        summary: frames and duration in one line.
        strip: slug and the hash in the thumbnail's name of a few frames.
    """

    slug: str
    summary: str
    strip: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IndexImage:
    """An image, for the scripts of the index. Short names: there may be a thousand.

    Attributes:
        slug: of the image; empty when it has no page.
        group: index among the groups.
        thumb: hash in the file's name, width and height of its thumbnail; empty without one.
        credit: index among the credits.
        figures: its numbers in one line.
        values: its numbers, in the order of the statistics; null where one doesn't apply.
        maps: for each model the hash in the file's name, height on the page, share on patches and
            maximum, or the index of the reason that there is none.
        failure: index of the reason that the image could not be used; null when it could.
        sequence: that the image stands for as its first frame; null for a picture by itself.
    """

    slug: str
    title: str
    name: str
    group: int
    thumb: tuple[str | int, ...]
    alt: str
    credit: int
    figures: str
    values: tuple[float | None, ...]
    maps: tuple[tuple[str | float, ...] | int, ...]
    failure: int | None
    sequence: IndexSequence | None = None


@dataclass(frozen=True, slots=True)
class IndexData:
    """Everything that the scripts of the index need to show any image of the gallery.

    Attributes:
        statistics: ids of the numbers by which images are sorted.
        credits: maker and license of images.
        reasons: why something is missing.
        images: in the order of the pages.
    """

    models: tuple[IndexModel, ...]
    statistics: tuple[str, ...]
    groups: tuple[str, ...]
    credits: tuple[CreditLine, ...]
    reasons: tuple[Notice, ...]
    images: tuple[IndexImage, ...]


@dataclass(frozen=True, slots=True)
class PageScript:
    """A script made of a gallery's data.

    Attributes:
        path: relative to the site.
    """

    path: str
    text: str
