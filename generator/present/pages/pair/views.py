"""What the template of a comparison's page gets: finished values.

As in :mod:`generator.present.pages.views`, strings are formatted and URLs are relative to the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart
from generator.present.pages.sections import Section, TableRow
from generator.present.pages.views import ColorBar, Link, Notice, PageBase, Picture


@dataclass(frozen=True, slots=True)
class PairModel:
    """One of the two models.

    Attributes:
        letter: ``A`` or ``B``, by which charts with little room call it.
        label: what pages call it.
        version: start of its commit or weights' hash; may be empty.
        tokens: its prefix, in words; empty when nothing was measured with it.
        failure: why nothing was measured with it.
    """

    letter: str
    label: str
    id: str
    url: str
    version: str
    tokens: str
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class PairTable:
    """A table that stands open: what it shows, its columns, and rows whose first cell is a head."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class PairMap:
    """A small map with its label."""

    label: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class SeenPart:
    """The part of a picture that its maps cover, so that places line up.

    Attributes:
        label: whose, where the models saw different parts; empty for both.
        picture: of the whole picture; its alternative text may be empty.
        width: of the original, in pixels.
        view: left, top, width and height of the part, in pixels of the original, as SVG has them.
    """

    label: str
    picture: Picture
    width: int
    height: int
    view: str


@dataclass(frozen=True, slots=True)
class PairImage:
    """One image: what the models saw of it, and maps side by side."""

    title: str
    url: str
    seen: tuple[SeenPart, ...]
    maps: tuple[PairMap, ...]


@dataclass(frozen=True, slots=True)
class Budgets:
    """Where one group of queries spends its attention, in both models.

    Attributes:
        charts: one for each model that has the group.
        absent: of the models that have it not, and why.
    """

    title: str
    charts: tuple[Chart, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A found object on a thumbnail, in pixels of the original picture.

    Attributes:
        method: ``lost``, ``tokencut`` or ``truth`` (marked by people), for the styles.
    """

    method: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FoundObjectsRow:
    """What is found in one image with one model's features.

    Attributes:
        picture: the thumbnail; None where it could not be published.
        width: of the original, in pixels.
        text: the boxes in words, and why a box is missing.
    """

    label: str
    picture: Picture | None
    width: int
    height: int
    boxes: tuple[BoxMark, ...]
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One image with what is found in it by both models."""

    title: str
    url: str
    models: tuple[FoundObjectsRow, ...]


@dataclass(frozen=True, slots=True)
class PairPage:
    """Two models compared, the whole case in one scroll.

    Attributes:
        path: of the page, relative to the site.
        models: the first and the second.
        images: over how many images, in words.
        missing: why there is nothing to compare; None where there is.
        contents: links to the sections.
        caveats: what it must not be taken for.
        numbers: the numbers it is made from.
        literature: numbers from papers on these checkpoints; None for other checkpoints.
        maps: the first images with both models' maps.
        bar: color bar of the maps.
        more: the rest of the images; None when all are shown.
        cutoffs: section on the share of outliers.
        budgets: where groups of queries spend their attention.
        budgets_text: what its bars are.
        onset: section on the layers where norms and sinks begin.
        registers: maps of registers as queries; empty where neither model has any.
        registers_text: what they are, or why there are none.
        objects: what is found without labels.
        objects_text: what boxes are, or why there are none.
        truth: scores against marked objects, image by image; None where nobody has marked any.
        agreement: section on how alike the maps are.
        agreement_table: its numbers; None where nothing can be compared.
        differences: section on numbers paired by image.
        similarity: sections on heads matched and on layers alike; empty without images.
        definitions: links to the methods page for every quantity used.
    """

    path: str
    frame: PageBase
    title: str
    models: tuple[PairModel, PairModel]
    images: str
    missing: Notice | None
    contents: tuple[Link, ...]
    sentences: tuple[str, ...]
    caveats: tuple[str, ...]
    numbers: PairTable | None
    literature: PairTable | None
    maps: tuple[PairImage, ...]
    bar: ColorBar
    more: Link | None
    norms: Section | None
    cutoffs: Section | None
    budgets: tuple[Budgets, ...]
    budgets_text: str
    onset: Section | None
    registers: tuple[PairImage, ...]
    registers_text: str
    objects: tuple[ObjectRow, ...]
    objects_text: str
    truth: Section | None
    truth_tables: tuple[PairTable, ...]
    agreement: Section | None
    agreement_table: PairTable | None
    differences: Section | None
    differences_table: PairTable | None
    similarity: tuple[Section, ...]
    definitions: tuple[Link, ...]
