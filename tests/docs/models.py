"""Write docs/models.md, which vision transformers can be measured, from the loaders' tables.

python -m tests.docs.models
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from generator.capture.checkpoint.families import (
    FAMILIES,
    OTHER_INPUTS,
    PLAIN,
    REFUSED,
    Family,
)
from generator.capture.checkpoint.originals.namings import ORIGINALS
from generator.present.bibliography import ARCHITECTURES, short
from generator.present.bibliography import FAMILIES as CITED
from tests.capture.arranged import NEIGHBORHOODS
from tests.capture.loaders.timm_models import MODELS
from tests.capture.towers import TOWERS
from tests.capture.windowed import WINDOWED_TOWERS

FILE = Path(__file__).parents[2] / "docs" / "models.md"
UPDATE = "python -m tests.docs.models"


def document() -> str:
    """The whole document."""
    lines = [
        "# Which models",
        "",
        "Vision transformers that can be measured. Every row is a test: attention of every layer",
        "and head equals what the network itself computes, at its own grid and at another where it",
        f"takes one. This file is made from the tables of the loaders by `{UPDATE}`.",
        "",
        "`attention-gallery inspect MODEL` says which loader reads a model, and why one is",
        "refused; `--check photo.jpg` holds it against its own attention.",
        "",
        *_section("Families of transformers", _families()),
        *_section("Inside larger models", _larger()),
        *_section("Models of timm", _timm()),
        *_section("Original checkpoints", _originals()),
        *_section("Refused", _refused()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _section(title: str, body: Iterator[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from body
    yield ""


def _families() -> Iterator[str]:
    yield "By hub id or folder. A family that is not listed is tried as a plain vision transformer:"
    yield "where its patches stand is then found by changing one, and `inspect` says so."
    yield ""
    yield "| family | `model_type` | tokens beside the patches | what is special | paper |"
    yield "| --- | --- | --- | --- | --- |"
    rows = {kind: _row(kind, family) for kind, family in FAMILIES.items()}
    rows |= {
        kind: f"| {title} | `{kind}` | found by looking |  | {_papers(CITED[kind])} |"
        for kind, title in PLAIN.items()
    }
    yield from sorted(rows.values(), key=str.casefold)


def _row(kind: str, family: Family) -> str:
    counted = (
        (family.classes, "class tokens"),
        (family.registers, "registers"),
        (family.behind, "tokens behind the patches"),
    )
    beside = [
        *family.prefix,
        *family.last,
        *(f"{words} by `{key}`" for key, words in counted if key),
    ]
    notes = []
    if family.one_grid or family.fixed:
        when = f", unless `{family.fixed}`" if family.fixed else ""
        notes.append(f"its own grid only{when}")
    if family.inputs == "tubelet":
        notes.append("a clip of one picture, repeated over a tubelet")
    if family.merge:
        notes.append("neighborhoods shown row by row")
    if family.window:
        notes.append("attention within windows, 0 outside of them, in some layers")
    if family.window_unit == "patches":
        notes.append("padding of windows is in no map")
    tokens = ", ".join(beside) or "none"
    return f"| {family.title} | `{kind}` | {tokens} | {'; '.join(notes)} | {_papers(CITED[kind])} |"


def _papers(keys: tuple[str, ...]) -> str:
    return "; ".join(short(key) for key in keys)


def _larger() -> Iterator[str]:
    names = sorted(
        (tower.name for tower in (*TOWERS, *NEIGHBORHOODS, *WINDOWED_TOWERS)), key=str.casefold
    )
    yield "The vision transformer is found under the key of its config and the prefix of its"
    yield "weights. Of weights in several files, only those that hold it are downloaded. Tested in:"
    yield ""
    yield ", ".join(names) + "."


def _timm() -> Iterator[str]:
    yield "By hub id (`timm/...`), folder, or TimmWrapper checkpoint; needs the extra `timm`."
    yield "Tested with:"
    yield ""
    yield "| model of timm | tokens before the patches | grids |"
    yield "| --- | --- | --- |"
    for model in sorted(MODELS, key=lambda model: model.name):
        grids = "any" if model.resizable else "its own"
        yield f"| `{model.name}` | {', '.join(model.prefix) or 'none'} | {grids} |"
    yield ""
    cited = ", ".join(dict.fromkeys(f"`{part}`" for part, _ in ARCHITECTURES))
    yield f"Papers are cited by a part of the name: {cited}."


def _originals() -> Iterator[str]:
    yield "A file of weights alone, read without running pickled code, with its linear class"
    yield "head if it has one:"
    yield ""
    for original in ORIGINALS:
        yield f"- {original.projects}"


def _refused() -> Iterator[str]:
    yield "Networks without an attention map over the whole picture, or of other inputs:"
    yield ""
    yield "| a model that | `model_type` |"
    yield "| --- | --- |"
    kinds = defaultdict(list)
    for kind, reason in (REFUSED | OTHER_INPUTS).items():
        kinds[reason].append(f"`{kind}`")
    for reason, types in kinds.items():
        yield f"| {reason} | {', '.join(sorted(types))} |"
    yield ""
    yield "Causal attention, pooled or merged tokens and blocks that attend more than once are seen"
    yield "as the network runs, and refused with the layer."


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
