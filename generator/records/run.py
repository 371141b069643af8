"""What a run found: the models, the images, and one cell for each pair of them.

Measuring fills a :class:`Run`; presenting reads it together with the records it names. A model or
an image that failed stays in its place, with the reason, so that nothing disappears from a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.records.extras import Intervened
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
        label: what the page calls it; the id unless the user says otherwise.
        id: hub id, or the folder's name.
        revision: revision asked for; empty for a folder.
        commit: resolved commit; empty for a folder or a model that failed.
        failure: set when no image could be measured with this model.
        weights: key of what is seen of it without an image, in the store; empty where there is
            nothing.
        gated: whether its authors grant access on the hub; False when the hub was not asked.
        register: its test-time register; None for the model as it is.
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
    """An object that somebody has drawn a box around.

    In pixels of the oriented picture: pixel n lies between n and n + 1, so right - left is a width.

    Attributes:
        left: left edge.
        top: top edge.
        right: right edge.
        bottom: bottom edge.
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
    """The place of an image in its sequence.

    Attributes:
        sequence: it is of.
        number: from 1, among the pictures that were taken.
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
        path: where the original lies; never published.
        sha256: hash of the file's bytes; empty when it could not be read.
        width: of the oriented picture, in pixels; 0 when it could not be opened.
        height: of the oriented picture, in pixels.
        title: shown above the picture; the file's stem unless credits name one.
        alt: what is to be seen, for people who cannot see it; may be empty.
        credit: who made it.
        license: under which license.
        source: where it comes from.
        group: a heading to list it under; may be empty.
        failure: set when the file could not be used.
        note: what its owner should know of its pixels, such as that it is nearly black; mostly
            empty.
        mask: a PNG of the picture's size that is not zero where the objects are; never published;
            None where nobody has drawn one.
        mask_orientation: EXIF's of the picture, where the mask was drawn on its stored pixels; 1
            where it was drawn on the upright picture.
        boxes: around the objects, as somebody has drawn them.
        frame: its place in a sequence; None for a picture by itself.
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
    """The sequences that images are frames of, in order."""
    frames = (image.frame for image in images)
    return tuple(dict.fromkeys(frame.sequence for frame in frames if frame is not None))


@dataclass(frozen=True, slots=True)
class Cell:
    """One model on one image: either the key of a record, or the reason there is none.

    Attributes:
        model: slug of the model.
        image: slug of the image.
        record: key of the record; empty where there is none.
        failure: why there is none.
        truth: hash of what the site's agreement with marked objects is made of, for a run that is
            read from that site: masks and boxes are not at hand there. Empty for a new run.
    """

    model: str
    image: str
    record: str = ""
    failure: Failure | None = None
    truth: str = ""


@dataclass(frozen=True, slots=True)
class Author:
    """An author of the gallery's paper.

    Attributes:
        name: of the author.
        url: of a page about the author; may be empty.
        affiliation: may be empty.
    """

    name: str
    url: str = ""
    affiliation: str = ""


@dataclass(frozen=True, slots=True)
class PaperLink:
    """A button of the front page.

    Attributes:
        label: what the button says.
        url: where it leads.
    """

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class TeaserCell:
    """A map to show at the top of the front page.

    Attributes:
        model: slug of the model.
        image: slug of the image.
        layer: from 1; 0 for the last.
        head: from 1; 0 for their mean.
        query: name of a token, or ``received``; ``CLS`` is what every model can answer.
        patch: row and column of the patch that is the query, from 1; None when it is a token.
    """

    model: str
    image: str
    layer: int = 0
    head: int = 0
    query: str = "CLS"
    patch: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """What a gallery says of its paper; everything may be empty.

    Attributes:
        authors: in order.
        venue: where it appeared.
        year: when it appeared.
        doi: its identifier.
        abstract: paragraphs with empty lines between them.
        bibtex: how to cite it.
        links: buttons, in order.
        teaser: maps to show at the top.
    """

    authors: tuple[Author, ...] = ()
    venue: str = ""
    year: int | None = None
    doi: str = ""
    abstract: str = ""
    bibtex: str = ""
    links: tuple[PaperLink, ...] = ()
    teaser: tuple[TeaserCell, ...] = ()


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
    """Everything a site is made of, apart from the records themselves.

    Attributes:
        title: of the gallery.
        description: one paragraph under the title; may be empty.
        command: the command line that makes the run again, without absolute paths.
        field_of_view: what part of each picture the models saw.
        models: the models, in order.
        images: the images, in order.
        cells: one for each model and image, models fastest.
        paper: that the gallery belongs to.
        site_url: where the site will stand, ending in a slash; empty when nobody said.
        mixed: whether models with and without a class token are compared.
        pairs: slugs of models that get a page of their own together; None for those that differ in
            registers only, as far as their configs say.
        anonymous: whether names, links and folders were left out on purpose.
        sweeps: checkpoints that belong together.
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
        """The cell of a model's and an image's slug."""
        return next(c for c in self.cells if c.model == model and c.image == image)

    def sweep_of(self, model: str) -> Sweep | None:
        """The sweep that a model's slug is a checkpoint of; None for a model of its own."""
        return next((sweep for sweep in self.sweeps if model in sweep.models), None)

    @property
    def listed(self) -> tuple[ModelEntry, ...]:
        """The models, of each sweep the last checkpoint only: where one must stand for all."""
        inner = {model for sweep in self.sweeps for model in sweep.models[:-1]}
        return tuple(model for model in self.models if model.slug not in inner)

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """The sequences that images are frames of, in order."""
        return sequences_of(self.images)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Every failure of the run, models first, then images, then cells."""
        entries: tuple[ModelEntry | ImageEntry | Cell, ...]
        entries = (*self.models, *self.images, *self.cells)
        return tuple(entry.failure for entry in entries if entry.failure is not None)
