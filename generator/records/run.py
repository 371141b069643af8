"""Result of a run: models, images, and one cell for each pair of them.

The pipeline fills a :class:`Run`; pages are made from it and its records. A model or an image that
failed keeps its place with the reason, so pages show the failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.records.extras import Intervened
from generator.records.paper import Paper
from generator.records.record import FieldOfView


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model, an image or a cell is empty.

    Attributes:
        message: what happened, naming the model or image.
        hint: what to do next; may be empty.
    """

    message: str
    hint: str = ""

    @property
    def text(self) -> str:
        """Message and hint."""
        return f"{self.message} {self.hint}".rstrip()


@dataclass(frozen=True, slots=True)
class AddedRegister:
    """A test-time register of a model of the gallery.

    Attributes:
        made: what it is made of.
        calibration: names of the pictures on which its neurons were looked for.
        shown: how many of these pictures the gallery shows.
    """

    made: Intervened
    calibration: tuple[str, ...]
    shown: int


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the gallery, in the order the user named them.

    Attributes:
        slug: safe for file names and URLs, unique in the run.
        label: name on pages; the id by default.
        id: hub id, or the folder's name.
        revision: revision asked for; empty for a folder.
        commit: resolved commit; empty for a folder or a model that failed.
        failure: set when no image could be measured with this model.
        weights: store key of the arrays from its weights; empty if there are none.
        gated: whether the hub requires access approval; False when the hub was not asked.
        register: its test-time register; None for the unmodified model.
    """

    slug: str
    label: str
    id: str
    revision: str = ""
    commit: str = ""
    failure: Failure | None = None
    weights: str = ""
    gated: bool = False
    register: AddedRegister | None = None


@dataclass(frozen=True, slots=True)
class ObjectBox:
    """The annotated bounding box of an object.

    In pixels of the oriented picture: pixel n lies between n and n + 1, so right - left is a width.

    Attributes:
        label: name of its class; may be empty.
    """

    left: float
    top: float
    right: float
    bottom: float
    label: str = ""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of the oriented picture."""
        return (self.left, self.top, self.right, self.bottom)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A clip or a numbered folder whose pictures follow each other in time.

    Attributes:
        slug: safe for file names and URLs, unique among the run's sequences.
        label: what the pages call it.
        source: name of the file or folder, without the folders it lies in.
        sha256: hash of the file's bytes; empty for a folder.
        of: pictures that it holds, of which some may have been taken.
        taken: which were taken, in words.
        damage: what was wrong with the rest of it, in words; empty when nothing was.
    """

    slug: str
    label: str
    source: str
    sha256: str
    of: int
    taken: str
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Position of an image in its sequence.

    Attributes:
        number: frame number, from 1, among the selected frames.
        time: seconds since the clip's first picture; None for numbered pictures.
    """

    sequence: Sequence
    number: int
    time: float | None = None


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image of the gallery, in order.

    Attributes:
        slug: safe for file names and URLs, unique in the run.
        name: the file's name, without folders.
        path: path of the original; never published.
        sha256: hash of the file's bytes; empty when it could not be read.
        width: width of the oriented picture, in pixels; 0 when it could not be opened.
        height: height of the oriented picture, in pixels.
        title: shown above the picture; the file's stem unless credits name one.
        alt: text alternative of the picture; may be empty.
        source: origin of the picture, from credits.
        group: heading of its group; may be empty.
        failure: set when the file could not be used.
        note: warning about its pixels, such as a nearly black picture; mostly empty.
        mask: PNG of the picture's size with non-zero pixels on objects; never published; None
            without a mask.
        mask_orientation: EXIF orientation to apply to the mask, if it was drawn on stored pixels; 1
            if it was drawn on the upright picture.
        boxes: annotated bounding boxes.
        frame: position in a sequence; None for a single picture.
    """

    slug: str
    name: str
    path: Path
    sha256: str
    width: int
    height: int
    title: str
    alt: str = ""
    credit: str = ""
    license: str = ""
    source: str = ""
    group: str = ""
    failure: Failure | None = None
    note: str = ""
    mask: Path | None = None
    mask_orientation: int = 1
    boxes: tuple[ObjectBox, ...] = ()
    frame: Frame | None = None


def sequences_of(images: Iterable[ImageEntry]) -> tuple[Sequence, ...]:
    """The sequences of these images, in order."""
    frames = (image.frame for image in images)
    return tuple(dict.fromkeys(frame.sequence for frame in frames if frame is not None))


@dataclass(frozen=True, slots=True)
class Cell:
    """One model on one image: either the key of a record, or the reason there is none.

    Attributes:
        model: slug of the model.
        image: slug of the image.
        record: key of the record; empty if there is none.
        failure: reason for a missing record.
        truth: hash of the masks and boxes behind the scores, for a run that is read from a site,
            which has no masks and boxes. Empty for a new run.
    """

    model: str
    image: str
    record: str = ""
    failure: Failure | None = None
    truth: str = ""


@dataclass(frozen=True, slots=True)
class SweepStep:
    """A checkpoint of a sweep.

    Attributes:
        step: of the training.
        model: slug of the checkpoint.
    """

    step: int
    model: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """One model at several steps of its training; each checkpoint is a model of the run.

    Attributes:
        slug: its name in paths, unique among sweeps.
        label: what pages call it.
        named: whether somebody chose the label; otherwise it is the name of a folder.
        steps: by step.
    """

    slug: str
    label: str
    named: bool
    steps: tuple[SweepStep, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Slugs of the checkpoints, by step."""
        return tuple(each.model for each in self.steps)


@dataclass(frozen=True, slots=True)
class Run:
    """All data of a site apart from the records.

    Attributes:
        description: one paragraph under the title; may be empty.
        command: command line that repeats the run, without absolute paths.
        field_of_view: part of each picture that the models saw.
        models: the models, in order.
        images: the images, in order.
        cells: one for each model and image, models fastest.
        paper: the gallery's paper; None without one.
        site_url: URL of the published site, ending in a slash; empty if unknown.
        mixed: whether models with and without a class token are compared.
        pairs: slugs of the models of each comparison page; None for models that differ only in
            registers, judged by their configs.
        anonymous: whether the site leaves out names, links and folders.
        sweeps: training sweeps of the gallery.
    """

    title: str
    description: str
    command: str
    field_of_view: FieldOfView
    models: tuple[ModelEntry, ...]
    images: tuple[ImageEntry, ...]
    cells: tuple[Cell, ...]
    paper: Paper | None = None
    site_url: str = ""
    mixed: bool = False
    pairs: tuple[tuple[str, str], ...] | None = None
    anonymous: bool = False
    sweeps: tuple[Sweep, ...] = ()

    def cell(self, model: str, image: str) -> Cell:
        """Find the cell of a model and an image by their slugs."""
        return next(c for c in self.cells if c.model == model and c.image == image)

    def sweep_of(self, model: str) -> Sweep | None:
        """The sweep of a model; None for a model outside sweeps."""
        return next((sweep for sweep in self.sweeps if model in sweep.models), None)

    @property
    def listed(self) -> tuple[ModelEntry, ...]:
        """The models, with only the last checkpoint of each sweep."""
        inner = {model for sweep in self.sweeps for model in sweep.models[:-1]}
        return tuple(model for model in self.models if model.slug not in inner)

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """The sequences of these images, in order."""
        return sequences_of(self.images)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Every failure of the run, models first, then images, then cells."""
        entries: tuple[ModelEntry | ImageEntry | Cell, ...]
        entries = (*self.models, *self.images, *self.cells)
        return tuple(entry.failure for entry in entries if entry.failure is not None)
