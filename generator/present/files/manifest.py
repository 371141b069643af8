"""Manifest of a site: the dataclasses of ``manifest.json``.

The JSON schema is generated from these dataclasses. Paths are relative to the site's root.
Nothing here depends on when or where the site was built.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from generator.present.drawing.quantize import FORMULA, STEPS
from generator.present.files.reductions import Detail, Step
from generator.present.files.settings import Settings
from generator.records.paper import Paper
from generator.records.record import (
    Environment,
    FieldOfView,
    ModelFacts,
    Preprocessing,
    TokenLayout,
    View,
)
from generator.records.run import Cell, Failure, ModelEntry, Sequence, Sweep
from generator.spec.figures import FigureSpec

SCHEMA_VERSION = 4
GENERATOR = "attention-gallery"

Item = TypeVar("Item")

Kind = Literal[
    "chunk",
    "patches",
    "wall",
    "map",
    "picture",
    "thumb",
    "averages",
    "average-maps",
    "outlier-rates",
    "weights",
    "head-similarity",
    "layer-similarity",
    "similarity",
    "pair-similarity",
    "positions",
    "filters",
    "divergence",
    "agreement",
    "digest",
    "maps",
    "alike",
    "truth",
    "figure",
    "features",
    "teaser",
    "crop",
    "social",
    "paper-figure",
]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A heavy file of the site.

    Attributes:
        path: path relative to the site's root, with ``/``.
        kind: ``chunk`` (numbers of one query), ``patches`` (numbers of all patches as queries),
            ``wall`` (all maps of a query, colored), ``map`` (last layer, mean over heads),
            ``digest`` (numbers of a cell's analyses), ``maps`` (maps of its analyses), ``alike``
            (features of its patches), ``truth`` (scores against marked objects), ``figure`` (a map
            of an analysis, colored), ``picture``, ``thumb`` or ``divergence`` (all pairs of an
            image's models); for a model ``features`` (feature colors over its images),
            ``averages`` (numbers by position over images), ``average-maps`` and ``outlier-rates``
            (their pictures), ``head-similarity``, ``layer-similarity`` and ``similarity`` (a
            picture of either), ``weights`` (description of its weights), ``positions`` (cosines
            of position embeddings) and ``filters`` (of the patch embedding); for two models
            ``agreement`` (of their maps of an image, with baselines), ``pair-similarity`` (of
            their heads) and ``layer-similarity``; for the front page ``teaser`` (a map), ``crop``
            (a picture cropped to a model's input) and ``social`` (for link previews); for a paper
            ``paper-figure`` (a figure, its LaTeX or its bibliography).
        query: id of the query, for chunks, walls and maps.
        made_of: hash of all inputs of the file; a rebuild reuses the file if it is unchanged.
        sha256: hash of the bytes.
        bytes: size of the file.
    """

    path: str
    kind: Kind
    query: str
    made_of: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Program:
    """The program that built the site.

    Attributes:
        name: name of the program.
        version: version of the program.
        render_version: version of rendering; raised when files of unchanged records change.
    """

    name: str
    version: str
    render_version: int


@dataclass(frozen=True, slots=True)
class ScaleEntry:
    """The shared color scale.

    Attributes:
        unit: unit of the numbers.
        low: low end, in times uniform.
        high: high end, in times uniform.
        rule: rule that gives the ends.
    """

    unit: str
    low: float
    high: float
    rule: str


@dataclass(frozen=True, slots=True)
class QuantizationEntry:
    """Storage of values in chunks.

    Attributes:
        bits: bits of a code.
        formula: conversion of a code to attention in times uniform.
        maximum: the maximum in the formula.
        steps: largest code.
        error_bound: largest error of a decoded value.
    """

    bits: int = 8
    formula: str = FORMULA
    maximum: str = "each map's own, float32, in the chunk's header"
    steps: int = STEPS
    error_bound: str = "maximum * (sqrt(value / maximum) / 255 + 1 / 510**2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelItem(ModelEntry):
    """A model of the run.

    Attributes:
        facts: facts of the loaded model; null if none of its cells has a record.
        files: files of the model, such as the pictures of its weights.
    """

    facts: ModelFacts | None
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class FrameItem:
    """The place of an image in a sequence.

    Attributes:
        sequence: slug of the sequence.
        number: number from 1, among the selected pictures.
        time: seconds since the clip's first picture; null for numbered pictures.
    """

    sequence: str
    number: int
    time: float | None


@dataclass(frozen=True, slots=True)
class ImageItem:
    """An image, its origin and its published copies.

    Attributes:
        slug: name in paths.
        name: name of the original file, without folders.
        title: title on pages.
        alt: description of the picture; may be empty.
        credit: author.
        license: license.
        source: origin, such as a URL.
        group: heading in lists; may be empty.
        sha256: hash of the original file's bytes.
        width: width of the oriented original, in pixels.
        height: height of the oriented original, in pixels.
        files: published copies, without metadata, and files over all models.
        failure: reason why the picture could not be used or published; null if it could.
        frame: place in a sequence; null for a single picture.
    """

    slug: str
    name: str
    title: str
    alt: str
    credit: str
    license: str
    source: str
    group: str
    sha256: str
    width: int
    height: int
    files: tuple[FileEntry, ...]
    failure: Failure | None
    frame: FrameItem | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Conditions of a measurement. Cells with the same conditions share one.

    Attributes:
        layout: layout of the tokens.
        view: part of the original picture that the patch grid covers.
        preprocessing: preprocessing of the model's input.
        environment: device, dtype and versions of the measurement.
    """

    layout: TokenLayout
    view: View
    preprocessing: Preprocessing
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class CellItem(Cell):
    """A cell of the run, with its files.

    Attributes:
        measurement: index of its conditions in ``measurements``, from 0; null without a record.
        files: chunks with the numbers of each query, and colored pictures of them.
        detail: content of the chunks of tokens as queries: ``native``, every head on the
            patches' grid; ``coarse``, every head as area means on a grid of at most 16x16;
            ``last``, on that grid, single heads of the last 3 layers only; ``mean``, on that grid,
            the mean over heads only.
    """

    measurement: int | None
    files: tuple[FileEntry, ...]
    detail: Detail = "native"


@dataclass(frozen=True, slots=True)
class PairItem:
    """Two models with a comparison page.

    Attributes:
        one: slug of the first model.
        two: slug of the second.
        images: slugs of the images of both.
        files: agreement of their maps by image, similarities, and maps of registers.
    """

    one: str
    two: str
    images: tuple[str, ...]
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class FigureItem:
    """A figure for a paper.

    Attributes:
        title: title of the figure.
        request: the request, with models and images by their slugs.
        files: the picture, its LaTeX and its bibliography; empty if it could not be drawn.
        failure: reason why it could not be drawn; null if it was.
    """

    title: str
    request: FigureSpec
    files: tuple[FileEntry, ...]
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ReductionItem:
    """A step of size reduction. The records keep the parts that are left out.

    Attributes:
        step: id of the step, in this order: ``patch-heads``, ``patches``, ``analyses``,
            ``walls``, ``grid``, ``low-heads``, ``heads``.
        text: the step in words.
        spared: slugs of images that the step does not reduce; empty if there are none.
    """

    step: Step
    text: str
    spared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextEntry:
    """A page, style or script of the site.

    Attributes:
        path: relative to the site's root, with ``/``.
        sha256: hash of the bytes.
        bytes: size of the file.
    """

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Contents of a site. Paths are relative to the folder of this file.

    Attributes:
        schema: version of these fields.
        generator: program that built the site.
        title: title of the gallery.
        description: one paragraph; may be empty.
        command: command line that repeats the build.
        field_of_view: part of each picture in the models' input.
        scale: shared color scale.
        quantization: storage of values in chunks.
        settings: settings of drawing.
        models: models in the gallery's order.
        images: images in the gallery's order.
        measurements: conditions of measurements, each once.
        cells: a cell per model and image, models fastest.
        pages: paths of all pages, sorted.
        texts: pages, styles and scripts, sorted by path.
        front: files of the front page.
        patch_scale: shared color scale of patches as queries; null without such maps.
        pairs: models compared two by two.
        figures: figures for papers.
        paper: paper of the gallery; null without one.
        site_url: address of the published site, ending in a slash; empty if unknown.
        anonymous: whether names, links and folders are withheld.
        sequences: clips and numbered folders with images as frames.
        sweeps: checkpoints of one model by training step.
        reductions: steps of size reduction that keep the site within ``settings.max_bytes``.
    """

    schema: int
    generator: Program
    title: str
    description: str
    command: str
    field_of_view: FieldOfView
    scale: ScaleEntry
    quantization: QuantizationEntry
    settings: Settings
    models: tuple[ModelItem, ...]
    images: tuple[ImageItem, ...]
    measurements: tuple[Measurement, ...]
    cells: tuple[CellItem, ...]
    pages: tuple[str, ...]
    texts: tuple[TextEntry, ...] = ()
    front: tuple[FileEntry, ...] = ()
    patch_scale: ScaleEntry | None = None
    pairs: tuple[PairItem, ...] = ()
    figures: tuple[FigureItem, ...] = ()
    paper: Paper | None = None
    site_url: str = ""
    anonymous: bool = False
    sequences: tuple[Sequence, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    reductions: tuple[ReductionItem, ...] = ()

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file but pages, styles and scripts."""
        models = [file for model in self.models for file in model.files]
        images = [file for image in self.images for file in image.files]
        return (
            *self.front,
            *models,
            *images,
            *(file for cell in self.cells for file in cell.files),
            *(file for pair in self.pairs for file in pair.files),
            *(file for figure in self.figures for file in figure.files),
        )


def carried(entry: Any, kind: type[Item], **more: Any) -> Item:
    """Convert an entry to another dataclass: the fields that both have, and further ones.

    Args:
        more: further fields of the result; they override those of the entry.
    """
    common = {item.name for item in fields(entry)} & {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: getattr(entry, name) for name in common} | more)
