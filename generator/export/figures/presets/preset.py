"""The type of a preset: a paper's figure for the models and images of a gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from generator.analysis.attention.averages import LEAST_IMAGES
from generator.errors import SpecError
from generator.export.figures.drawn import Drawn
from generator.export.figures.scene import Scene
from generator.export.pictures.selection import ALL, LAST, MEAN, PRIMARY, selection
from generator.records.run import ModelEntry
from generator.spec.figures import FigureSpec
from generator.text.phrases import listed

Need = Literal["cls", "registers", "both", "counts", "features", "weights", "many"]

WORDS: dict[Need, str] = {
    "cls": "a model with a class token",
    "registers": "a model with registers",
    "both": "models with and without registers",
    "counts": "models with different numbers of registers",
    "features": "features of patches (--extras features)",
    "weights": "position embeddings and patch filters of the models",
    "many": f"at least {LEAST_IMAGES} images of one grid",
}
"""Needs of presets in words."""

Option = Literal["layers", "heads", "queries", "overlay", "scale", "form", "clip", "keep", "colors"]
"""Options of presets, besides models and images."""

GRID = {"rows": "rows", "cols": "cols", "input": "no-input", "places": "place"}
"""Fields for free grids only, with the options of the command."""

_UNASKED = FigureSpec.model_fields

Several = Literal["models", "images", "layers", "heads", "queries"]
"""Fields that may have several values."""

EMBEDDING = "0"
"""The name used as a layer for the input of the first layer."""

SCALES: tuple[Option, ...] = ("scale", "form", "clip", "keep", "colors", "overlay")
"""Options of figures with single attention maps."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A figure of a paper.

    Attributes:
        id: argument of ``--preset``.
        source: paper and number of the original.
        cites: keys of the bibliography.
        differs: differences from the original.
        needs: required parts of a gallery.
        takes: accepted options; others are an error.
        one: options that accept a single value.
    """

    id: str
    title: str
    source: str
    cites: tuple[str, ...]
    differs: str
    needs: tuple[Need, ...]
    draw: Callable[[Scene], Drawn]
    takes: tuple[Option, ...] = ()
    one: tuple[Several, ...] = ()


def lacking(preset: Preset, scene: Scene) -> tuple[str, ...]:
    """Needs of a preset that the requested models and images do not meet, in words."""
    return tuple(WORDS[need] for need in preset.needs if not _met(need, scene))


def check(preset: Preset, scene: Scene) -> None:
    """Make sure that a preset can be drawn.

    Raises:
        SpecError: a need is not met; the message names it.
    """
    found = lacking(preset, scene)
    if found:
        raise SpecError(
            f"The figure {preset.id} needs {listed(found)}.",
            f"The store {scene.source.store.root} does not have them: name the one that the "
            "gallery was built with (--store), or build it again."
            if found == (WORDS["weights"],)
            else "Choose others with -m and -i, or see with --list what each figure needs.",
        )


def refuse_idle(preset: Preset, request: FigureSpec, *, command: bool = False) -> None:
    """Make sure that every option of a request applies to a preset.

    Args:
        command: whether it comes from the command line, so that messages name options.

    Raises:
        SpecError: an option does not apply, or has several values where one is accepted.
    """
    mark = "--" if command else ""
    idle = [name for name in (*get_args(Option), *GRID) if name not in preset.takes]
    asked = [name for name in idle if getattr(request, name) != _UNASKED[name].default]
    if asked:
        words = [f"{mark}{GRID[name] if command and name in GRID else name}" for name in asked]
        takes = listed(f"{mark}{name}" for name in preset.takes)
        known = f"models and images{f', {takes}' if takes else ' only'}"
        raise SpecError(
            f"The figure {preset.id} has no use for {listed(words)}.",
            f"Leave {'it' if len(words) == 1 else 'them'} out; the figure takes {known}.",
        )
    several = _several(request)
    for what in preset.one:
        if several[what]:
            raise SpecError(
                f"The figure {preset.id} shows one {NOUNS[what]}, and {several[what]} was asked "
                "for.",
                "Name one, or draw a grid of your own, without a preset.",
            )


NOUNS: dict[Several, str] = {
    "models": "model",
    "images": "image",
    "layers": "layer",
    "heads": "head or their mean",
    "queries": "query",
}


def _several(request: FigureSpec) -> dict[Several, str]:
    """The options of a request with several values, as written; empty texts for the others.

    Raises:
        SpecError: layers, heads or queries are invalid.
    """
    found = selection(
        "last" if request.layers == EMBEDDING else request.layers or LAST,
        request.heads or MEAN,
        request.queries or PRIMARY,
    )
    many = {
        "models": len(request.models) > 1 and listed(request.models),
        "images": len(request.images) > 1 and listed(request.images),
        "layers": (len(found.layers) > 1 or ALL in found.layers) and request.layers,
        "heads": (len(found.heads) > 1 or ALL in found.heads) and request.heads,
        "queries": (len(found.queries) > 1 or ALL in found.queries) and request.queries,
    }
    return {what: text or "" for what, text in many.items()}  # type: ignore[misc]


def _met(need: Need, scene: Scene) -> bool:
    if need == "many":
        return len(scene.images) >= LEAST_IMAGES
    records = [scene.first_record(model) for model in scene.models]
    registers = {len(record.layout.registers) for record in records}
    return {
        "cls": any(record.layout.cls for record in records),
        "registers": max(registers, default=0) > 0,
        "both": max(registers, default=0) > 0 and 0 in registers,
        "counts": len(registers) > 1,
        "features": any(record.features is not None for record in records),
        "weights": any(scene.weights(model) is not None for model in scene.models),
    }[need]


def split(scene: Scene) -> tuple[tuple[ModelEntry, ...], tuple[ModelEntry, ...]]:
    """The models without and those with registers."""
    having = [bool(scene.first_record(model).layout.registers) for model in scene.models]
    pairs = list(zip(scene.models, having, strict=True))
    return tuple(m for m, has in pairs if not has), tuple(m for m, has in pairs if has)
