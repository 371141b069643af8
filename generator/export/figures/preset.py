"""What a preset is: a paper's figure, offered for the models and images of a gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from generator.analysis.averages import LEAST_IMAGES
from generator.errors import SpecError
from generator.export.figures.request import Drawn
from generator.export.figures.scene import Scene
from generator.run import ModelEntry

Need = Literal["cls", "registers", "both", "counts", "features", "weights", "many"]

WORDS: dict[Need, str] = {
    "cls": "a model with a class token",
    "registers": "a model with registers",
    "both": "models with and without registers",
    "counts": "models with different numbers of registers",
    "features": "features of patches (--extras features)",
    "weights": "the models' weights in the store",
    "many": f"at least {LEAST_IMAGES} images of one grid",
}
"""What a preset may need of a gallery."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A figure of a paper.

    Attributes:
        id: word of ``--preset``.
        title: what it shows.
        source: paper and number of the original.
        cites: keys of the bibliography.
        differs: in what it differs from the original.
        needs: what it needs of a gallery.
        draw: makes it.
        scaled: whether it shows single attention maps, whose colours ``--scale``, ``--clip`` and
            ``--keep`` choose.
    """

    id: str
    title: str
    source: str
    cites: tuple[str, ...]
    differs: str
    needs: tuple[Need, ...]
    draw: Callable[[Scene], Drawn]
    scaled: bool = False


def lacking(preset: Preset, scene: Scene) -> tuple[str, ...]:
    """What a preset needs that the models and images asked for do not have; in words."""
    return tuple(WORDS[need] for need in preset.needs if not _met(need, scene))


def check(preset: Preset, scene: Scene) -> None:
    """Make sure that a preset can be drawn.

    Raises:
        SpecError: something is lacking; the message says what.
    """
    found = lacking(preset, scene)
    if found:
        raise SpecError(
            f"The figure {preset.id} needs {' and '.join(found)}.",
            "Choose others with -m and -i, or see --list for what this gallery can give.",
        )


def ignored(preset: Preset, scale: str, clip: float | None, keep: int) -> str:
    """In one line, which of what was asked for a preset has no use for; empty for nothing."""
    given = {"scale": scale != "shared", "clip": clip is not None, "keep": keep < 100}
    names = [name for name, asked in given.items() if asked and not preset.scaled]
    if not names:
        return ""
    has = "is" if len(names) == 1 else "are"
    return f"{' and '.join(names)} {has} ignored: {preset.id} shows no single attention maps."


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
