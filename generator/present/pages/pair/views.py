"""Views of the pair page.

Strings are formatted and URLs are relative to the page, as in :mod:`generator.present.pages.views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.analysis.compare.findings import Finding
from generator.present.pages.sections import Section, Table, TableRow
from generator.present.pages.views import ColorBar, Link, Notice, PageBase, Picture


@dataclass(frozen=True, slots=True)
class PairModel:
    """One of the two models.

    Attributes:
        letter: ``A`` or ``B``, the short label in charts.
        label: label of the model.
        version: short commit or hash of the weights; may be empty.
        tokens: its prefix tokens in words, and layers that attend within windows; empty if nothing
            was measured with it.
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
class CropPart:
    """The part of a picture that its maps cover, so that positions line up.

    Attributes:
        label: letter of the model whose view it is; empty if both models share it.
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
class MapRow:
    """One image: the part that the models saw, and maps beside it.

    Attributes:
        note: a number about the maps; may be empty.
    """

    title: str
    url: str
    note: str
    crops: tuple[CropPart, ...]
    maps: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class MapGrid:
    """Images down, maps across.

    Attributes:
        columns: labels of the maps, above them.
        rows: the images that are shown.
        more: further images, folded.
    """

    columns: tuple[str, ...]
    rows: tuple[MapRow, ...]
    more: tuple[MapRow, ...] = ()


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
class ModelBoxes:
    """Objects found in one image with one model's features.

    Attributes:
        crop: the part of the picture that the model sees; None if it could not be published.
        boxes: in pixels of the original.
    """

    label: str
    crop: CropPart | None
    boxes: tuple[BoxMark, ...]


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One image with the objects found by both models."""

    title: str
    url: str
    models: tuple[ModelBoxes, ...]


@dataclass(frozen=True, slots=True)
class PairPage:
    """View of the pair page.

    Attributes:
        path: site-relative path of the page.
        models: the first and the second.
        images: number of common images, in words.
        missing: why there is nothing to compare; None if there is.
        contents: links to the sections.
        note: what the findings are over.
        findings: the most telling numbers; empty if there is nothing to compare.
        numbers: table of key numbers.
        literature: published numbers on these checkpoints; None for other checkpoints.
        maps: images with both models' maps; None if there is nothing to compare.
        rule: which images these are.
        bar: color bar of the maps.
        more: link to all images; None if all are shown.
        norms: section on norms and outliers.
        budgets: section on where attention goes.
        registers: maps of registers as queries; None if neither model has any.
        registers_text: description of these maps, or why there are none.
        objects: objects found without labels.
        objects_text: description of the boxes, or why there are none.
        boxes: the boxes in words, and why a box is missing.
        truth: section on scores against marked objects; None without marked objects.
        agreement: section on the agreement of maps; None if nothing can be compared.
        differences: section on numbers paired by image.
        similarity: sections on matched heads and the similarity of layers; empty without images.
        caveats: limits of the comparison.
        definitions: links to the methods page for every quantity used.
    """

    path: str
    frame: PageBase
    title: str
    models: tuple[PairModel, PairModel]
    images: str
    missing: Notice | None
    contents: tuple[Link, ...]
    note: str
    findings: tuple[Finding, ...]
    numbers: PairTable | None
    literature: PairTable | None
    maps: MapGrid | None
    rule: str
    bar: ColorBar
    more: Link | None
    norms: Section | None
    budgets: Section | None
    registers: MapGrid | None
    registers_text: str
    objects: tuple[ObjectRow, ...]
    objects_text: str
    boxes: Table | None
    truth: Section | None
    agreement: Section | None
    differences: Section | None
    similarity: tuple[Section, ...]
    caveats: tuple[str, ...]
    definitions: tuple[Link, ...]

    @property
    def titles(self) -> Mapping[str, str]:
        """Headings of the sections that are no :class:`Section`, by id."""
        return _TITLES


_TITLES = {
    "finding": "Findings",
    "maps": "Maps",
    "registers": "Registers as queries",
    "objects": "Objects found without labels",
    "agreement": "Agreement of the maps",
    "caveats": "Limits and definitions",
}
