"""The free grid: images, models, layers, heads and queries on the rows and columns of a figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from generator.errors import SpecError
from generator.export.figures.drawn import Drawn
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.sheet import Absent, Cell, Sheet, SheetRow
from generator.export.figures.scene import Scene
from generator.export.figures.words import (
    UNIT,
    drawing_said,
    head_said,
    images_said,
    models_said,
    query_said,
)
from generator.export.pictures.selection import ALL, LAST, MEAN, Selection, selection
from generator.present.cells.chunks.maps import PRIMARY, VALUES, query_ids
from generator.present.cells.chunks.patches import PATCH
from generator.present.cells.labels import query_label, row_name
from generator.records.run import ImageEntry, ModelEntry
from generator.spec.toml import did_you_mean
from generator.text.latex import Piece
from generator.text.phrases import listed

Axis = Literal["images", "models", "layers", "heads", "queries"]
AXES: tuple[Axis, ...] = get_args(Axis)
MOST = 600
"""Most cells of a figure; more would be too small."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Axes of a grid: images, models, layers, heads or queries on rows and columns.

    Attributes:
        rows: outermost first; may be empty.
        input: whether to show the picture itself, too, in front.
    """

    rows: tuple[Axis, ...] = ("images",)
    cols: tuple[Axis, ...] = ("models",)
    input: bool = True


def layout(rows: str, cols: str, *, with_input: bool = True) -> Layout:
    """Parse ``--rows images --cols models,layers``.

    Raises:
        SpecError: a word is unknown or repeated.
    """
    named = {"--rows": _axes(rows, "--rows"), "--cols": _axes(cols, "--cols")}
    twice = set(named["--rows"]) & set(named["--cols"])
    if twice:
        raise SpecError(f"Rows and columns both show {twice.pop()}.", "Leave one of them out.")
    return Layout(named["--rows"], named["--cols"], with_input)


def _axes(text: str, option: str) -> tuple[Axis, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in AXES:
            hint = did_you_mean(word, AXES) or f"There are {', '.join(AXES)}."
            raise SpecError(f"{option}: a grid has no {word}.", hint)
    return tuple(axis for word in dict.fromkeys(words) for axis in AXES if axis == word)


@dataclass(frozen=True, slots=True)
class _CellPlace:
    """Content of one cell."""

    image: ImageEntry
    model: ModelEntry
    layer: str
    head: str
    query: str


@dataclass(frozen=True, slots=True)
class _GridChoice:
    """All values along the axes of a grid."""

    images: tuple[ImageEntry, ...]
    models: tuple[ModelEntry, ...]
    layers: tuple[str, ...]
    heads: tuple[str, ...]
    queries: tuple[str, ...]
    places: tuple[tuple[ModelEntry, str, str], ...] = ()

    def along(self, axis: Axis) -> tuple[object, ...]:
        found: dict[Axis, tuple[object, ...]] = {
            "images": self.images,
            "models": self.models,
            "layers": self.layers,
            "heads": self.heads,
            "queries": self.queries,
        }
        return found[axis]


def draw_grid(scene: Scene, shape: Layout) -> Drawn:
    """Draw the figure.

    Raises:
        SpecError: an axis with several values is on neither side, or there is nothing to show.
    """
    choice = _choice(scene)
    scene.queries = choice.queries
    _check(choice, shape)
    tops = list(product(*(choice.along(axis) for axis in shape.cols)))
    sides = list(product(*(choice.along(axis) for axis in shape.rows)))
    if len(tops) * len(sides) > MOST:
        raise SpecError(
            f"The grid would have {len(tops) * len(sides)} maps; a figure holds {MOST}.",
            "Choose fewer layers, heads or images.",
        )
    rows = []
    for side in sides:
        cells = []
        for top in tops:
            place = _place(choice, shape, side, top)
            cells.append(_cell(scene, place))
        rows.append(SheetRow(_label(shape.rows, side), tuple(cells)))
    scene.check_drawn()
    heads = tuple(_label(shape.cols, top) for top in tops)
    if shape.input:
        rows, heads = _with_input(scene, choice, shape, rows, heads)
    figure = draw(Sheet(tuple(rows), heads, tones=scene.bars), scene.width)
    caption: tuple[Piece, ...] = (
        _what(choice, shape),
        f"{scene.scale_said}{drawing_said(scene)}{images_said(scene, choice.images)}",
        *models_said(scene, choice.models),
    )
    return Drawn(figure, caption, choice.models)


def _choice(scene: Scene) -> _GridChoice:
    request = scene.request
    wanted = selection(request.layers or LAST, request.heads or MEAN, request.queries or PRIMARY)
    models = scene.models
    records = [scene.first_record(model) for model in models]
    depth = max(record.model.layers for record in records)
    widest = max(record.model.heads for record in records)
    known = list(dict.fromkeys(query for model in models for query in _queries(scene, model)))
    return _GridChoice(
        images=scene.images,
        models=models,
        layers=_expanded(wanted.layers, [str(n + 1) for n in range(depth)]),
        heads=_expanded(wanted.heads, [MEAN, *(str(n + 1) for n in range(widest))]),
        queries=_expanded(wanted.queries, known),
        places=tuple(_own_place(models, *place) for place in _placed(scene)),
    )


def _placed(scene: Scene) -> Iterator[tuple[ModelEntry, str, str]]:
    """Models, layers and heads of ``--place``; a name of several models applies to each of them."""
    for name, layer, head in scene.request.places:
        yield from ((model, layer, head) for model in scene.source.models((name,)))


def _own_place(
    models: tuple[ModelEntry, ...], model: ModelEntry, layer: str, head: str
) -> tuple[ModelEntry, str, str]:
    """The layer and head that ``--place`` gives for a model, checked.

    Raises:
        SpecError: the model is not in the figure, or layer or head is invalid.
    """
    if model not in models:
        raise SpecError(
            f"--place is about {model.label}, which the figure does not show.",
            "Add it with -m, or leave --place out.",
        )
    wanted = selection(layer, head, PRIMARY)
    if (*wanted.layers, *wanted.heads) != (layer, head) or ALL in (layer, head):
        raise SpecError(
            f"--place takes one layer and one head, got {layer} and {head}.",
            f'Such as: --place "{model.label}" 9 4.',
        )
    return model, layer, head


def _queries(scene: Scene, model: ModelEntry) -> list[str]:
    record = scene.first_record(model)
    return list(query_ids(record.layout, values=record.values is not None))


def _expanded(wanted: tuple[str, ...], every: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for one in wanted for w in (every if one == ALL else [one])))


def _check(choice: _GridChoice, shape: Layout) -> None:
    for axis in AXES:
        count = len(choice.along(axis))
        if count > 1 and axis not in (*shape.rows, *shape.cols):
            raise SpecError(
                f"{count} {axis} are chosen, but neither rows nor columns show {axis}.",
                f"Choose one of them, or add {axis} to --rows or --cols.",
            )


def _place(
    choice: _GridChoice, shape: Layout, side: tuple[object, ...], top: tuple[object, ...]
) -> _CellPlace:
    at = dict(zip((*shape.rows, *shape.cols), (*side, *top), strict=True))
    found = {axis: at.get(axis, choice.along(axis)[0]) for axis in AXES}
    image, model = found["images"], found["models"]
    assert isinstance(image, ImageEntry)
    assert isinstance(model, ModelEntry)
    layer, head = str(found["layers"]), str(found["heads"])
    own = {model.slug: (layer, head) for model, layer, head in choice.places}
    if model.slug in own:
        layer, head = own[model.slug]
    return _CellPlace(image, model, layer, head, str(found["queries"]))


def _cell(scene: Scene, place: _CellPlace) -> Cell:
    wanted = Selection((place.layer,), (place.head,), (place.query,))
    maps = scene.attention(place.model, place.image, wanted)
    if maps:
        return scene.attention_picture(place.model, place.image, maps[0])
    return scene.empty(place.model, place.image, _lacks(scene, place))


def _lacks(scene: Scene, place: _CellPlace) -> str:
    """The layer, head or query that a model lacks, in a few words."""
    record = scene.first_record(place.model)
    query, depth, width = place.query, record.model.layers, record.model.heads
    patch = query.startswith((PATCH, "at-"))
    reasons = {
        "no registers": query.startswith("reg") and not record.layout.registers,
        "patches not kept": patch and record.patch_attention is None,
        "value norms not measured": query == VALUES and record.values is None,
        f"no {query_label(query, True)}": not patch and query not in _queries(scene, place.model),
        f"{depth} layers": place.layer.isdecimal() and int(place.layer) > depth,
        f"{width} heads": place.head.isdecimal() and int(place.head) > width,
    }
    return next((reason for reason, holds in reasons.items() if holds), "not applicable")


def _label(axes: tuple[Axis, ...], values: tuple[object, ...]) -> str:
    return ", ".join(_word(axis, value) for axis, value in zip(axes, values, strict=True))


def _word(axis: Axis, value: object) -> str:
    if isinstance(value, ImageEntry):
        return value.title
    if isinstance(value, ModelEntry):
        return value.label
    text = str(value)
    if axis == "layers":
        return "last layer" if text == LAST else row_name(text)
    if axis == "heads":
        return head_said(text)
    return query_said(text)


def _with_input(
    scene: Scene, choice: _GridChoice, shape: Layout, rows: list[SheetRow], heads: tuple[str, ...]
) -> tuple[list[SheetRow], tuple[str, ...]]:
    """Add the pictures in front: a column, or a row if the columns are images."""
    if "images" in shape.cols:
        tops = product(*(choice.along(axis) for axis in shape.cols))
        place = shape.cols.index("images")
        cells = tuple(_input(scene, choice, top[place]) for top in tops)
        label = "input" if any(row.label for row in rows) else ""
        return [SheetRow(label, cells), *rows], heads
    sides = list(product(*(choice.along(axis) for axis in shape.rows)))
    found, before = [], None
    for row, side in zip(rows, sides, strict=True):
        image = side[shape.rows.index("images")] if "images" in shape.rows else choice.images[0]
        cell = _input(scene, choice, image) if image != before else Absent("")
        found.append(SheetRow(row.label, (cell, *row.cells)))
        before = image
    return found, ("input", *heads)


def _input(scene: Scene, choice: _GridChoice, image: object) -> Cell:
    assert isinstance(image, ImageEntry)
    for model in choice.models:
        record = scene.record(model, image)
        if record is not None:
            return scene.photo(image, record.view)
    return Absent("not measured")


def _what(choice: _GridChoice, shape: Layout) -> str:
    """The caption's first sentence: common facts of all maps, then the axes."""
    sides = (*shape.rows, *shape.cols)
    fixed = {a: _word(a, choice.along(a)[0]) for a in AXES if len(choice.along(a)) == 1}
    query = fixed.get("queries")
    if query is None:
        whose = "several queries"
    elif query == query_label("received", True):
        whose = query
    else:
        whose = f"the {query}"
    parts = [f"Attention of {whose}"]
    if "images" in fixed:
        parts.append(f" on {fixed['images']}")
    parts.append("".join(f", {fixed[axis]}" for axis in ("layers", "heads") if axis in fixed))
    runs = [
        f"{listed(a for a in axes if a in sides and len(choice.along(a)) > 1)} along {where}"
        for where, axes in (("the rows", shape.rows), ("the columns", shape.cols))
        if any(len(choice.along(a)) > 1 for a in axes)
    ]
    own = [f"{m.label} in {row_name(layer)}, {head_said(head)}" for m, layer, head in choice.places]
    text = f"{''.join(parts)}, {UNIT}.{f' {listed(runs).capitalize()}.' if runs else ''}"
    return text + (f" {listed(own)}." if own else "")
