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

SCHEMA_VERSION = 3
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
    "seen",
    "social",
    "paper-figure",
]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A heavy file of the site.

    Attributes:
        path: relative to the site's root, with ``/``.
        kind: ``chunk`` (numbers of one query), ``patches`` (numbers of all patches as queries),
            ``wall`` (all maps of a query, colored), ``map`` (last layer, mean over heads),
            ``digest`` (numbers of a cell's analyses), ``maps`` (the maps among them), ``alike``
            (features of its patches), ``truth`` (how they agree with marked objects), ``figure``
            (one of those, colored), ``picture``, ``thumb`` or ``divergence`` (of an image's
            models, pair by pair); for a model ``features`` (colors of its features over its
            images), ``averages`` (numbers by place over images) and, drawn from them,
            ``average-maps`` and ``outlier-rates``; ``head-similarity`` (of all its heads),
            ``layer-similarity`` (of its layers) and ``similarity`` (either, drawn); ``weights``
            (what is said of its weights), ``positions`` (cosines of position embeddings) and
            ``filters`` (of the patch embedding); for two models ``agreement`` (of their maps of an
            image, with baselines) and ``pair-similarity`` (of their heads) and
            ``layer-similarity``; for the front page
            ``teaser`` (a map), ``seen`` (what a model saw of a picture) and ``social`` (for link
            previews); for a paper ``paper-figure`` (a figure, its LaTeX or its bibliography).
        query: id of the query, for chunks, walls and maps.
        made_of: hash of all inputs that decide the bytes; a rebuild takes the file over by it.
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
    """What built the site.

    Attributes:
        name: of the program.
        version: of the program.
        render_version: raised when files change for the same record and settings.
    """

    name: str
    version: str
    render_version: int


@dataclass(frozen=True, slots=True)
class ScaleEntry:
    """The shared color scale.

    Attributes:
        unit: what the numbers are.
        low: low end, in times uniform.
        high: high end, in times uniform.
        rule: how the ends were found.
    """

    unit: str
    low: float
    high: float
    rule: str


@dataclass(frozen=True, slots=True)
class QuantizationEntry:
    """How chunks store values.

    Attributes:
        bits: of a code.
        formula: from a code to attention in times uniform.
        maximum: which maximum the formula takes.
        steps: largest code.
        error_bound: how far a decoded value lies from the record's, at most.
    """

    bits: int = 8
    formula: str = FORMULA
    maximum: str = "each map's own, float32, in the chunk's header"
    steps: int = STEPS
    error_bound: str = "maximum * (sqrt(value / maximum) / 255 + 1 / 510**2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelItem(ModelEntry):
    """A model of the run, with the facts of what ran.

    Attributes:
        facts: what is known of the model that ran; null when none of its cells has a record.
        files: its own files, such as the pictures of its weights.
    """

    facts: ModelFacts | None
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class FrameItem:
    """The place of an image in a sequence.

    Attributes:
        sequence: slug of the sequence.
        number: from 1, among the pictures that were taken.
        time: seconds since the clip's first picture; null for numbered pictures.
    """

    sequence: str
    number: int
    time: float | None


@dataclass(frozen=True, slots=True)
class ImageItem:
    """An image, its origin and its published copies.

    Attributes:
        slug: its name in paths.
        name: of the original file, without folders.
        title: what pages call it.
        alt: what is to be seen, in words; may be empty.
        credit: who made it.
        license: under which license.
        source: where it comes from.
        group: heading it is listed under; may be empty.
        sha256: hash of the original file's bytes.
        width: of the oriented original, in pixels.
        height: of the oriented original, in pixels.
        files: published copies, without metadata, and what the models' maps say together.
        failure: why the picture could not be used or published; null when it could.
        frame: its place in a sequence; null for a picture by itself.
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
    """How records were measured. Cells measured alike share one.

    Attributes:
        layout: which token is which.
        view: the part of the original picture that the patch grid covers.
        preprocessing: how the model's input was made.
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
        measurement: how the record was measured, as a place in ``measurements``, from 0; null when
            there is no record.
        files: chunks with the numbers of each query, and colored pictures of them.
        detail: how much the chunks of tokens as queries hold: ``native``, every head on the
            patches' grid; ``coarse``, every head as area means on a grid of at most 16x16;
            ``last``, on that grid, single heads of the last 3 layers only; ``mean``, on that grid,
            the mean over heads only.
    """

    measurement: int | None
    files: tuple[FileEntry, ...]
    detail: Detail = "native"


@dataclass(frozen=True, slots=True)
class PairItem:
    """Two models that are compared on a page of their own.

    Attributes:
        one: slug of the first model.
        two: slug of the second.
        images: slugs of the images that both have.
        files: how their maps of each image agree, and maps of registers on the page.
    """

    one: str
    two: str
    images: tuple[str, ...]
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class FigureItem:
    """A figure for a paper.

    Attributes:
        title: what it shows.
        request: what was asked for, with models and images by their slugs.
        files: the picture, its LaTeX and its bibliography; none where it could not be drawn.
        failure: why it could not be drawn; null when it was.
    """

    title: str
    request: FigureSpec
    files: tuple[FileEntry, ...]
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ReductionItem:
    """Something that was left out to keep the site within its size. The records have it.

    Attributes:
        step: in the order in which things go: ``patch-heads``, ``patches``, ``analyses``,
            ``walls``, ``grid``, ``low-heads``, ``heads``.
        text: what it is, in words.
        spared: slugs of images that keep it; empty when none does.
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
    """Everything a site is made of. Paths are relative to the folder of this file.

    Attributes:
        schema: version of these fields.
        generator: what built the site.
        title: of the gallery.
        description: one paragraph; may be empty.
        command: the command line that makes the gallery again.
        field_of_view: what part of each picture the models saw.
        scale: the shared color scale.
        quantization: how chunks store values.
        settings: how records are drawn.
        models: in order.
        images: in order.
        measurements: how records were measured, each once.
        cells: one for each model and image, models fastest.
        pages: paths of all pages, sorted.
        texts: pages, styles and scripts, sorted by path.
        front: files of the front page.
        patch_scale: the shared color scale of patches as queries; null where there are none.
        pairs: models compared two by two.
        figures: for papers, drawn with the site.
        paper: that the gallery belongs to; null without one.
        site_url: where the site will stand, ending in a slash; empty when nobody said.
        anonymous: whether names, links and folders were left out on purpose.
        sequences: clips and numbered folders that images are frames of.
        sweeps: models that are checkpoints of one model, with their steps.
        reductions: what was left out to keep the site within ``settings.max_bytes``, in order.
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
