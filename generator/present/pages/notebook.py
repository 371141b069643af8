"""HTML view of a record in notebooks: a wall of maps with a color bar."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from generator.present.cells.chunks.maps import PRIMARY, RECEIVED, maps_of
from generator.present.drawing.colors import DEFAULT_COLORS
from generator.present.drawing.heatmap import bar_png, wall_png
from generator.present.drawing.scale import Tick, octave_histogram, shared_scale
from generator.present.pages.environment import make_environment
from generator.records.record import AttentionRecord

WALL_WIDTH = 640
"""Largest width of a wall in CSS pixels; its image has one pixel for each patch."""

WALL_HEIGHT = 520
"""Largest height of a wall in CSS pixels, so that a cell is seen without scrolling."""

BAR_WIDTH = 320
"""Width of the color bar in CSS pixels, which has to hold its numbers."""


@dataclass(frozen=True, slots=True)
class NotebookWall:
    """View for ``notebook.html.jinja2``.

    Attributes:
        title: id of the model and its version.
        image: name of the picture.
        picture: a small copy of the picture as a data URL; empty without one.
        caption: description of the maps.
        alt: text alternative of the maps.
        wall: the wall as a data URL.
        bar: the color bar as a data URL.
        width: width of the wall, in CSS pixels.
        bar_width: width of the color bar, in CSS pixels.
        ticks: tick labels of the color bar, in times uniform.
    """

    title: str
    image: str
    picture: str
    caption: str
    alt: str
    wall: str
    bar: str
    width: int
    bar_width: int
    ticks: tuple[Tick, ...]


def record_html(record: AttentionRecord) -> str:
    """HTML of a record's wall: heads across, layers down, the mean over heads last."""
    maps = maps_of(record, PRIMARY)
    scale = shared_scale({record.model.id: [octave_histogram(maps.maps)]})
    layout = record.layout
    what = "mean received attention" if maps.token == RECEIVED else f"attention of {maps.token}"
    size = (
        f"{record.model.layers} layers x {record.model.heads} heads, "
        f"{layout.rows} x {layout.cols} patches"
    )
    height, width = layout.rows * record.model.layers, layout.cols * (record.model.heads + 1)
    wall = NotebookWall(
        title=f"{record.model.id} @ {record.model.version[:12]}",
        image=record.image,
        picture=_thumbnail(record),
        caption=f"{what}, {size}: layers go down, heads go across, their mean is last",
        alt=f"Wall of maps: {what} in {record.model.id} on {record.image}, {size}",
        wall=_address(wall_png(maps.maps, scale, DEFAULT_COLORS)),
        bar=_address(bar_png(DEFAULT_COLORS)),
        width=round(min(WALL_WIDTH, WALL_HEIGHT * width / height)),
        bar_width=BAR_WIDTH,
        ticks=scale.ticks,
    )
    return make_environment().get_template("notebook.html.jinja2").render(wall=wall)


def _thumbnail(record: AttentionRecord) -> str:
    small = record.picture.thumbnail if record.picture else b""
    return _address(small, "webp") if small else ""


def _address(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
