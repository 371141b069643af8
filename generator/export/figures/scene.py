"""Data of a figure: the gallery, and the requested models, images and maps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from generator.analysis.features.masks import mass_mask
from generator.errors import SpecError
from generator.export.figures.layout.ranges import attention_tone, gallery_tone, unnumbered_tone
from generator.export.figures.layout.sheet import Absent, SheetBox, SheetPicture, frame_of
from generator.export.figures.layout.tones import TIMES, Tone, own_range
from generator.export.figures.layout.venues import extent
from generator.export.figures.scale_words import WEIGHTED, cut_said, scope_said
from generator.export.pictures.drawing import input_picture, size_of
from generator.export.pictures.selection import ALL, OneMap, Selection, chosen_maps, no_map
from generator.export.source import MeasuredGallery
from generator.present.cells.chunks.maps import PRIMARY, VALUES
from generator.present.cells.chunks.patches import PATCH
from generator.present.cells.labels import row_name
from generator.present.drawing.map_range import USUAL_CLIP, range_of
from generator.records.extras import ModelWeights
from generator.records.record import AttentionRecord, FloatArray, View
from generator.records.run import ImageEntry, ModelEntry
from generator.spec.figures import FigureSpec

USUAL = 5.6
"""Default height of a column of pictures, in inches."""

LEFT_OUT = (127, 127, 127, 60)
"""Color of patches outside the kept share of the mass, as on pages."""

PLACE = r"at-\d+(?:\.\d+)?-\d+(?:\.\d+)?"
"""A query: the patch that covers x, y, in pixels of the picture, in every model's grid."""

PHOTO = 420
"""Width of a photograph in a figure, in pixels: 300 per inch at the usual sizes."""


@dataclass(slots=True)
class Scene:
    """A gallery and a request, with a cache of records.

    Attributes:
        queries: queries of the figure, from which ranges are found; empty for those of the request.
    """

    source: MeasuredGallery
    request: FigureSpec
    queries: tuple[str, ...] = ()
    _pool: tuple[ImageEntry, ...] = ()
    _drawn: list[tuple[Tone, FloatArray]] = field(default_factory=list)
    _tones: dict[str, Tone] = field(default_factory=dict)
    _last: dict[str, AttentionRecord] = field(default_factory=dict)
    _photos: dict[tuple[str, View], np.ndarray] = field(default_factory=dict)

    @property
    def width(self) -> float:
        """The width of the figure, in inches."""
        return extent(self.request.venue, self.request.span, self.request.width).inches

    @property
    def models(self) -> tuple[ModelEntry, ...]:
        """The requested models, in that order; without names, all that were measured.

        A sweep is shown by its last checkpoint unless checkpoints are named.
        """
        if not self.request.models:
            return tuple(
                model
                for model in self.source.run.listed
                if any(c.record for c in self.source.run.cells if c.model == model.slug)
            )
        found = (model for word in self.request.models for model in self.source.models((word,)))
        return tuple(dict.fromkeys(found))

    @property
    def images(self) -> tuple[ImageEntry, ...]:
        """The requested images, in that order; without names, all that were measured."""
        if not self.request.images:
            return tuple(
                image
                for image in self.source.run.images
                if any(c.record for c in self.source.run.cells if c.image == image.slug)
            )
        found = (image for word in self.request.images for image in self.source.images((word,)))
        return tuple(dict.fromkeys(found))

    def some_images(self, most: int) -> tuple[ImageEntry, ...]:
        """The requested images, or the first few."""
        self._pool = self.images if self.request.images else self.images[:most]
        return self._pool

    def one_image(self) -> ImageEntry:
        """The requested image, or the first.

        Raises:
            SpecError: several images are requested.
        """
        found = self.some_images(1)
        if len(found) > 1:
            raise SpecError(
                f"The figure shows one image, and {len(found)} were asked for.",
                "Name one with -i, or draw a grid of your own, without a preset.",
            )
        return found[0]

    def rows_of_images(self, columns: int) -> tuple[ImageEntry, ...]:
        """The requested images, or as many of the first 4 as fit the default height as rows."""
        return self.some_images(max(1, min(4, int(USUAL * columns / self.width))))

    def record(self, model: ModelEntry, image: ImageEntry) -> AttentionRecord | None:
        """A record; None if there is none or it is damaged. The last few are cached."""
        cell = self.source.run.cell(model.slug, image.slug)
        if cell.record not in self._last:
            found = self.source.record(cell)
            if found is None:
                return None
            if len(self._last) >= 12:
                self._last.pop(next(iter(self._last)))
            self._last[cell.record] = found
        return self._last[cell.record]

    def known(self, model: ModelEntry, image: ImageEntry) -> AttentionRecord:
        """A record that a figure requires.

        Raises:
            SpecError: it was not measured.
        """
        found = self.record(model, image)
        if found is None:
            cell = self.source.run.cell(model.slug, image.slug)
            reason = cell.failure or self.source.left_out.get(cell.record)
            why = f" {reason.message}" if reason else ""
            raise SpecError(
                f"{model.label} was not measured on {image.title}.{why}",
                "Choose another image or model.",
            )
        return found

    def first_record(self, model: ModelEntry) -> AttentionRecord:
        """A record of a model: that of the first requested image that has one.

        Raises:
            SpecError: the model has no record.
        """
        for image in self.images:
            found = self.record(model, image)
            if found is not None:
                return found
        raise SpecError(f"{model.label} was measured on none of the images.", "Choose others.")

    def weights(self, model: ModelEntry) -> ModelWeights | None:
        """The arrays from a model's weights; None if the store has none."""
        key, store = model.weights, self.source.store  # not by id, which may be withheld
        return store.get_weights(key) if key and store.has_weights(key) else None

    @property
    def colors(self) -> str:
        """The name of the color map."""
        return self.request.colors or self.source.settings.colors

    def tone(self, query: str = "CLS") -> Tone:
        """The gallery's scale for attention."""
        return gallery_tone(self.source.scale_of(query), self.request.form or "log2", self.colors)

    def photo(self, image: ImageEntry, view: View) -> SheetPicture:
        """The part of a picture in a model's input."""
        return SheetPicture(aspect=aspect_of(view), photo=self._crop(image, view))

    def _crop(self, image: ImageEntry, view: View) -> np.ndarray:
        key = (image.slug, view)
        if key not in self._photos:
            self._photos[key] = np.asarray(input_picture(image.path, view, size_of(view, PHOTO)))
        return self._photos[key]

    def map(
        self,
        image: ImageEntry,
        record: AttentionRecord,
        values: FloatArray,
        tone: Tone,
        frames: tuple[SheetBox, ...] = (),
        *,
        overlay: int | None = None,
    ) -> SheetPicture:
        """A map ``[row, col]``, alone or over the picture, as requested."""
        return self.pixels(image, record, tone.colored(values), frames, overlay=overlay)

    def pixels(
        self,
        image: ImageEntry,
        record: AttentionRecord,
        pixels: np.ndarray,
        frames: tuple[SheetBox, ...] = (),
        *,
        overlay: int | None = None,
    ) -> SheetPicture:
        """Colors ``[row, col, RGBA]``, alone or over the picture, as requested.

        ``overlay`` is the figure's default opacity, if none is requested.
        """
        strength = self.request.overlay if self.request.overlay is not None else overlay
        return SheetPicture(
            aspect=aspect_of(record.view),
            photo=None if strength is None else self._crop(image, record.view),
            pixels=pixels,
            strength=1.0 if strength is None else strength / 100,
            gray=True,
            frames=frames,
        )

    def attention(self, model: ModelEntry, image: ImageEntry, wanted: Selection) -> list[OneMap]:
        """The maps of a selection; empty if the model has none of them."""
        record = self.record(model, image)
        if record is None:
            return []
        queries = tuple(query_at(record, query) for query in wanted.queries)
        wanted = replace(wanted, queries=queries)
        return list(chosen_maps(record, wanted, mixed=self.source.run.mixed))

    def attention_picture(
        self, model: ModelEntry, image: ImageEntry, one: OneMap, overlay: int | None = None
    ) -> SheetPicture:
        """One attention map on the requested scale, with its query outlined."""
        record = self.known(model, image)
        tone = self._tone_of(model, one)
        self._drawn.append((tone, one.values))
        frames: tuple[SheetBox, ...] = ()
        if one.query.startswith(PATCH):
            row, col = (int(number) - 1 for number in one.query.split("-")[1:])
            frames = (frame_of(record.view.patch_box(record.layout, row, col), record.view.box),)
        pixels = tone.colored(one.values)
        if self.request.keep < 100:
            kept = mass_mask(np.nan_to_num(one.values).ravel(), self.request.keep / 100)
            pixels[~kept.reshape(one.values.shape)] = LEFT_OUT
        return self.pixels(image, record, pixels, frames, overlay=overlay)

    def _tone_of(self, model: ModelEntry, one: OneMap) -> Tone:
        """The scale of one map, as requested; a scale of several maps is cached."""
        request = self.request
        form = request.form or ("linear" if request.scale == "map" else "log2")
        clip = request.clip
        if request.scale == "map":
            if form == "linear" and not clip:
                return own_range(one.values, self.colors)
            low, high = range_of([one.values], clip or 0.0, form)
            return attention_tone(low, high, form, self.colors)
        gallery = request.scale == "shared" and clip in (None, USUAL_CLIP)
        of = {"shared": "", "model": model.label, "layer": row_name(one.layer)}[request.scale]
        key = f"{one.query.startswith(PATCH)}" if gallery else of
        if key not in self._tones:
            if gallery:
                self._tones[key] = self.tone(one.query)
            else:
                whose = (model,) if request.scale == "model" else self.models
                layer = one.layer if request.scale == "layer" else ALL
                maps = self._pooled(whose, layer)
                low, high = range_of(maps, USUAL_CLIP if clip is None else clip, form)
                self._tones[key] = attention_tone(low, high, form, self.colors, of=of)
        return self._tones[key]

    def _pooled(self, models: tuple[ModelEntry, ...], layer: str) -> Iterator[FloatArray]:
        """The maps of all heads and their mean from which a range is found, without the query."""
        for model, image in product(models, self._pool or self.images):
            record = self.record(model, image)
            if record is None:
                continue
            queries = tuple(query_at(record, query) for query in self._asked)
            wanted = Selection((layer,), (ALL,), queries)
            for one in chosen_maps(record, wanted, mixed=self.source.run.mixed):
                values = one.values
                if one.query.startswith(PATCH):
                    row, col = (int(number) - 1 for number in one.query.split("-")[1:])
                    values = np.delete(values.ravel(), row * record.layout.cols + col)
                yield values

    def check_drawn(self) -> None:
        """Make sure that at least one map was drawn.

        Raises:
            SpecError: none of the requested maps exists.
        """
        if not self._drawn:
            pairs = product(self.models, self.images)
            records = (self.record(model, image) for model, image in pairs)
            raise no_map(filter(None, records), mixed=self.source.run.mixed)

    @property
    def _asked(self) -> tuple[str, ...]:
        return self.queries or tuple((self.request.queries or PRIMARY).split(","))

    @property
    def bars(self) -> tuple[Tone, ...]:
        """The color bars of the maps drawn so far."""
        scale = self.request.scale
        tones = list(dict.fromkeys(tone for tone, _ in self._drawn))
        if scale == "map":
            own = [tone for tone in tones if tone.label != TIMES]
            return (own[0],) if own else (unnumbered_tone("map", self.colors),)
        most = max(1, min(3, int(self.width / 1.6)))
        return tuple(tones) if len(tones) <= most else (unnumbered_tone(scale, self.colors),)

    @property
    def scale_said(self) -> str:
        """The scale of the maps drawn so far, and its clipping, for the caption."""
        weighted = f" {WEIGHTED}" if VALUES in self._asked else ""
        return f"{weighted} {scope_said(self.request, self._drawn)}{cut_said(self._drawn)}"

    def empty(self, model: ModelEntry, image: ImageEntry, what: str) -> Absent:
        """The reason for a missing map: not measured, or not in the model."""
        if self.record(model, image) is None:
            return Absent("not measured")
        return Absent(what)


def query_at(record: AttentionRecord, query: str) -> str:
    """A query ``at-X-Y`` as the patch that covers it; other queries unchanged."""
    if not re.fullmatch(PLACE, query):
        return query
    x, y = (float(number) for number in query.split("-")[1:])
    layout, view = record.layout, record.view
    col = math.floor((x - view.left) / (view.right - view.left) * layout.cols)
    row = math.floor((y - view.top) / (view.bottom - view.top) * layout.rows)
    inside = 0 <= row < layout.rows and 0 <= col < layout.cols
    return f"{PATCH}-{row + 1}-{col + 1}" if inside else query


def aspect_of(view: View) -> float:
    """Width over height of the box of a model's patches."""
    return (view.right - view.left) / (view.bottom - view.top)
