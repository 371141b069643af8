"""Views of the pair page.

Strings are formatted and URLs are relative to the page, as in :mod:`generator.present.pages.views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.present.charts.chart import Chart
from generator.present.pages.sections import Section, TableRow
from generator.present.pages.views import ColorBar, Link, Notice, PageBase, Picture


@dataclass(frozen=True, slots=True)
class PairModel:
    """One of the two models.

    Attributes:
        letter: ``A`` or ``B``, the short label in charts.
        label: label of the model.
        version: short commit or hash of the weights; may be empty.
        tokens: its prefix tokens in words; empty if nothing was measured with it.
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
    """An open table; the first cell of each row is a head."""

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
    """The part of a picture that its maps cover, so that positions line up.

    Attributes:
        label: label of the model whose view it is; empty if both models share it.
        picture: the whole picture; its alternative text may be empty.
        width: width of the original, in pixels. view: SVG view box of the part, in pixels of the
            original.
    """

    label: str
    picture: Picture
    width: int
    height: int
    view: str


@dataclass(frozen=True, slots=True)
class PairImage:
    """One image: the views of the models, and maps side by side."""

    title: str
    url: str
    seen: tuple[SeenPart, ...]
    maps: tuple[PairMap, ...]


@dataclass(frozen=True, slots=True)
class Budgets:
    """Attention budgets of one group of queries, in both models.

    Attributes:
        charts: one for each model that has the group.
        absent: why the group is missing in a model.
    """

    title: str
    charts: tuple[Chart, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A found object on a thumbnail, in pixels of the original picture.

    Attributes:
        method: ``lost``, ``tokencut`` or ``truth`` (a marked box), for the styles.
    """

    method: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FoundObjectsRow:
    """Objects found in one image with one model's features.

    Attributes:
        seen: the part of the picture that the model sees; None if it could not be published.
        boxes: in pixels of the original.
        text: the boxes in words, and why a box is missing.
    """

    label: str
    seen: SeenPart | None
    boxes: tuple[BoxMark, ...]
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One image with the objects found by both models."""

    title: str
    url: str
    models: tuple[FoundObjectsRow, ...]


@dataclass(frozen=True, slots=True)
class PairPage:
    """View of the pair page.

    Attributes:
        path: site-relative path of the page.
        models: the first and the second.
        images: number of common images, in words.
        missing: why there is nothing to compare; None if there is.
        contents: links to the sections.
        caveats: limits of the comparison.
        numbers: table of the numbers in ``sentences``.
        literature: published numbers on these checkpoints; None for other checkpoints.
        maps: the first images with both models' maps.
        bar: color bar of the maps.
        more: link to further images; None if all are shown.
        cutoffs: section on the share of outliers.
        budgets: attention budgets of groups of queries.
        budgets_text: description of the bars.
        onset: section on the layers where norms and sinks begin.
        registers: maps of registers as queries; empty if neither model has any.
        registers_text: description of these maps, or why there are none.
        objects: objects found without labels.
        objects_text: description of the boxes, or why there are none.
        truth: section on scores against marked objects; None without marked objects.
        agreement: section on the agreement of maps.
        agreement_table: numbers of ``agreement``; None if nothing can be compared.
        differences: section on numbers paired by image.
        similarity: sections on matched heads and the similarity of layers; empty without images.
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

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the sections that are no :class:`Section`, by id."""
        return _TITLES


_TITLES = {
    "finding": "In words",
    "maps": "Maps",
    "budgets": "Where attention goes",
    "registers": "Registers as queries",
    "objects": "Objects found without labels",
    "agreement": "How alike the maps are",
    "caveats": "What this does not say",
}
