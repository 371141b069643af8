"""What a figure is made from: a gallery, and what of it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.figure import Figure

from generator.errors import SpecError
from generator.export.drawing import seen, size_of
from generator.export.figures.sheet import Absent, Frame, Plate, frame_of
from generator.export.figures.style import Face, Letters
from generator.export.figures.tones import Tone, own_range, times_uniform
from generator.export.selection import OneMap, Selection, chosen_maps
from generator.export.source import Source
from generator.extras import ModelWeights
from generator.latex import Piece
from generator.present.patches import PATCH
from generator.records import AttentionRecord, FloatArray, View
from generator.run import ImageEntry, ModelEntry
from generator.store import weights_key

ScaleChoice = Literal["shared", "map"]

USUAL = 5.6
"""Height of pictures below each other that a figure has unless more are asked for, in inches."""

PHOTO = 420
"""Width of a photograph in a figure, in pixels: 300 a printed inch at the usual sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for; empty where it was left to the figure.

    Attributes:
        models: labels, ids or slugs.
        images: titles, file names or slugs.
        layers: as of ``--layers``; empty for the figure's own choice.
        heads: as of ``--heads``.
        queries: as of ``--queries``.
        places: for a model (label, id or slug) a layer and a head of its own.
        width: of the figure, in inches.
        overlay: strength of maps over the picture in grey, in percent; None for maps alone.
        scale: the gallery's shared one, or one for each map.
        colours: name of the colour map; empty for the gallery's.
        face: of the type.
        letters: of an SVG.
    """

    models: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    layers: str = ""
    heads: str = ""
    queries: str = ""
    places: tuple[tuple[str, str, str], ...] = ()
    width: float = 5.5
    overlay: int | None = None
    scale: ScaleChoice = "shared"
    colours: str = ""
    face: Face = "sans"
    letters: Letters = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers beside a figure.

    Attributes:
        caption: what they are.
        head: names of the columns; the first is left-aligned, the others are numbers.
        rows: finished texts.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and what has to be said of it.

    Attributes:
        figure: not yet a file.
        caption: what it shows, the models and the scale.
        models: those in it.
        cites: keys of the bibliography.
        table: numbers beside it; None for none.
    """

    figure: Figure
    caption: tuple[Piece, ...]
    models: tuple[ModelEntry, ...]
    cites: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(slots=True)
class Scene:
    """A gallery and a request, with the records read so far."""

    source: Source
    request: Request
    _last: dict[str, AttentionRecord] = field(default_factory=dict)
    _photos: dict[tuple[str, View], np.ndarray] = field(default_factory=dict)

    @property
    def models(self) -> tuple[ModelEntry, ...]:
        """The models asked for, in the order asked for; without a name, all that were measured."""
        if not self.request.models:
            return tuple(
                model
                for model in self.source.run.models
                if any(c.record for c in self.source.run.cells if c.model == model.slug)
            )
        return tuple(self.source.models((word,))[0] for word in self.request.models)

    @property
    def images(self) -> tuple[ImageEntry, ...]:
        """The images asked for, likewise."""
        if not self.request.images:
            return tuple(
                image
                for image in self.source.run.images
                if any(c.record for c in self.source.run.cells if c.image == image.slug)
            )
        return tuple(self.source.images((word,))[0] for word in self.request.images)

    def some_images(self, most: int) -> tuple[ImageEntry, ...]:
        """The images asked for, or the first few."""
        return self.images if self.request.images else self.images[:most]

    def rows_of_images(self, columns: int) -> tuple[ImageEntry, ...]:
        """The images asked for, or as many of the first 4 as rows of a figure of usual height."""
        return self.some_images(max(1, min(4, int(USUAL * columns / self.request.width))))

    def record(self, model: ModelEntry, image: ImageEntry) -> AttentionRecord | None:
        """A record; None where there is none. The last few are kept."""
        key = self.source.run.cell(model.slug, image.slug).record
        if not key:
            return None
        if key not in self._last:
            if len(self._last) >= 12:
                self._last.pop(next(iter(self._last)))
            self._last[key] = self.source.read(key)
        return self._last[key]

    def known(self, model: ModelEntry, image: ImageEntry) -> AttentionRecord:
        """A record that a figure cannot do without.

        Raises:
            SpecError: it was not measured.
        """
        found = self.record(model, image)
        if found is None:
            cell = self.source.run.cell(model.slug, image.slug)
            why = f" {cell.failure.message}" if cell.failure else ""
            raise SpecError(
                f"{model.label} was not measured on {image.title}.{why}",
                "Choose another image or model.",
            )
        return found

    def first_record(self, model: ModelEntry) -> AttentionRecord:
        """Any record of a model: of the first of the images asked for that has one.

        Raises:
            SpecError: there is none.
        """
        for image in self.images:
            found = self.record(model, image)
            if found is not None:
                return found
        raise SpecError(f"{model.label} was measured on none of the images.", "Choose others.")

    def weights(self, model: ModelEntry) -> ModelWeights | None:
        """What is seen of a model without an image; None where the store has nothing."""
        record = self.first_record(model)
        key = weights_key(
            model=record.model.id, version=record.model.version, dtype=record.environment.dtype
        )
        return self.source.store.get_weights(key) if self.source.store.has_weights(key) else None

    @property
    def colours(self) -> str:
        """Name of the colour map."""
        return self.request.colours or self.source.manifest.settings.colours

    def tone(self, query: str = "CLS") -> Tone:
        """The gallery's scale for attention."""
        return times_uniform(self.source.scale_of(query), self.colours)

    def photo(self, image: ImageEntry, view: View) -> Plate:
        """What a model saw."""
        return Plate(aspect=aspect_of(view), photo=self._seen(image, view))

    def _seen(self, image: ImageEntry, view: View) -> np.ndarray:
        key = (image.slug, view)
        if key not in self._photos:
            self._photos[key] = np.asarray(seen(image.path, view, size_of(view, PHOTO)))
        return self._photos[key]

    def map(
        self,
        image: ImageEntry,
        record: AttentionRecord,
        values: FloatArray,
        tone: Tone,
        frames: tuple[Frame, ...] = (),
        *,
        overlay: int | None = None,
    ) -> Plate:
        """A map ``[row, col]``, alone or over the picture as the request says."""
        return self.pixels(image, record, tone.coloured(values), frames, overlay=overlay)

    def pixels(
        self,
        image: ImageEntry,
        record: AttentionRecord,
        pixels: np.ndarray,
        frames: tuple[Frame, ...] = (),
        *,
        overlay: int | None = None,
    ) -> Plate:
        """Colours ``[row, col, RGBA]``, alone or over the picture.

        ``overlay`` is the figure's own choice of strength, where none was asked for.
        """
        strength = self.request.overlay if self.request.overlay is not None else overlay
        return Plate(
            aspect=aspect_of(record.view),
            photo=None if strength is None else self._seen(image, record.view),
            pixels=pixels,
            strength=1.0 if strength is None else strength / 100,
            grey=True,
            frames=frames,
        )

    def attention(self, model: ModelEntry, image: ImageEntry, wanted: Selection) -> list[OneMap]:
        """The maps of a selection; empty where the model has none of them."""
        record = self.record(model, image)
        if record is None:
            return []
        return list(chosen_maps(record, wanted, mixed=self.source.run.mixed))

    def plate(
        self, model: ModelEntry, image: ImageEntry, one: OneMap, overlay: int | None = None
    ) -> Plate:
        """One map of attention, on the scale of the request, its query outlined."""
        record = self.known(model, image)
        tone = self.tone(one.query)
        if self.request.scale == "map":
            tone = own_range(one.values, self.colours)
        frames: tuple[Frame, ...] = ()
        if one.query.startswith(PATCH):
            row, col = (int(number) - 1 for number in one.query.split("-")[1:])
            frames = (frame_of(record.view.patch_box(record.layout, row, col), record.view.box),)
        return self.map(image, record, one.values, tone, frames, overlay=overlay)

    def empty(self, model: ModelEntry, image: ImageEntry, what: str) -> Absent:
        """Why there is no map: not measured, or nothing the model has."""
        if self.record(model, image) is None:
            return Absent("not measured")
        return Absent(what)


def aspect_of(view: View) -> float:
    """Width over height of what a model saw."""
    return (view.right - view.left) / (view.bottom - view.top)
