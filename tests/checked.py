"""Hold every seeded family against its own attention, and the boxes of its patches against pixels.

python -m tests.checked [WORD]

Each checkpoint is written to disk and read by ``inspect --check``, at its own grid. Then patches
are painted into pictures of three shapes, seen in every way and at two sizes: a row of the table
``views`` says in how many of these the painted patches are those that change. Not part of the
tests: they compare family by family at several grids.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor, nn

from generator import cli
from generator.capture.checkpoint.preprocess import describe, locate, pixels
from generator.capture.forward.hooks import Streams
from generator.capture.models.load import LoadedModel, inferred_layout, load
from generator.errors import GalleryError, ModelError
from generator.pipeline.plan import resolve
from generator.records.record import FieldOfView, TokenLayout
from generator.spec.gallery import ModelSpec
from generator.spec.models import StateDictSpec
from tests.capture.arranged import NEIGHBORHOODS
from tests.capture.families import FAMILIES
from tests.capture.loaders.originals import seeded
from tests.capture.loaders.test_state_dicts import CASES
from tests.capture.loaders.timm_models import MODELS
from tests.capture.models.test_oblong import FAMILIES as OBLONG
from tests.capture.models.test_unlisted import NO_SDPA, UNLISTED
from tests.capture.test_arranged import CLIPS, KOSMOS, LLAMA4, YOLOS
from tests.capture.towers import TOWERS
from tests.capture.windowed import WINDOWED, WINDOWED_TOWERS

Row = tuple[str, str, Callable[[Path], object]]
EAGER = "captured against eager attention: "


def rows() -> Iterator[Row]:
    """The table, the name and what saves the checkpoint of each row."""
    for family in (*FAMILIES, *UNLISTED, *NO_SDPA, YOLOS, LLAMA4, KOSMOS, *CLIPS, *WINDOWED):
        yield "family", family.name, family.save
    for oblong in OBLONG:
        yield "oblong", oblong.name, oblong.save
    for tower in (*TOWERS, *NEIGHBORHOODS, *WINDOWED_TOWERS):
        yield "inside a larger model", tower.name, tower.save
    for model in MODELS:
        yield "timm", model.name, model.save
    for name, make, _, asked in CASES:
        yield "original", name, partial(original, make, asked)


def original(make: Callable[[], nn.Module], asked: StateDictSpec, folder: Path) -> str:
    """Write a file of weights alone; returns what a user would call it."""
    torch.save(seeded(make()).state_dict(), folder / "model.pth")
    options = asked.model_dump(exclude_none=True, exclude_defaults=True)
    return f"{folder / 'model.pth'}?" + "&".join(f"{key}={value}" for key, value in options.items())


def outcome(save: Callable[[Path], object], folder: Path, picture: Path) -> str:
    """What the command says: the largest difference, or why the model is refused."""
    folder.mkdir(exist_ok=True)
    named = save(folder)
    model = named if isinstance(named, str) else str(folder)
    result = CliRunner().invoke(cli.main, ["inspect", model, "--check", str(picture)])
    lines = result.output.strip().splitlines()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"CRASH {result.exception!r}"
    if result.exit_code:
        return "; ".join(line for line in lines if line.startswith(("FAILED", "Error:")))
    return next(line.partition(EAGER)[2] or line for line in lines if EAGER in line)


SHAPES = ((300, 100), (100, 300), (331, 217))
"""Width and height of pictures, in pixels."""

BOXES = 5
"""Patches that are painted in each view."""


def views(save: Callable[[Path], object], folder: Path) -> str:
    """In how many views of pictures the painted patches are those that change."""
    folder.mkdir(exist_ok=True)
    named = save(folder)
    try:
        spec = ModelSpec.model_validate(named if isinstance(named, str) else str(folder))
        resolved = resolve(spec, trust_remote_code=False)
        model = load(resolved, device=torch.device("cpu"), dtype=torch.float32)
    except GalleryError as error:
        return f"Error: {error}"
    found = Counter(
        view(model, shape, field, side)
        for shape in SHAPES
        for field in get_args(FieldOfView)
        for side in (None, 60)
    )
    return ", ".join(f"{number} {what}" for what, number in sorted(found.items()))


def view(
    model: LoadedModel, shape: tuple[int, int], field: FieldOfView, side: int | None
) -> Literal["right", "wrong", "refused"]:
    """Whether painted patches are those whose embedding changes most."""
    resolved, rng = model.resolved, np.random.default_rng(0)
    try:
        preprocessing = describe(
            resolved.processor,
            resolved.vision,
            field_of_view=field,
            resolution=side,
            model=resolved.id,
        )
        geometry = locate(
            *shape,
            processor=resolved.processor,
            vision=resolved.vision,
            preprocessing=preprocessing,
            model=resolved.id,
        )
    except ModelError:
        return "refused"
    dark = rng.integers(0, 60, (shape[1], shape[0], 3), dtype=np.uint8)
    given = torch.from_numpy(pixels(Image.fromarray(dark), geometry, preprocessing))[None]
    layout = model.layout(*given.shape[-2:])
    if not resolved.vision.listed:
        layout = inferred_layout(model, given)
    seen, before = geometry.view, embedded(model, layout, given)
    high = (seen.bottom - seen.top) / layout.rows
    wide = (seen.right - seen.left) / layout.cols
    for patch in rng.choice(layout.patches, min(BOXES, layout.patches), replace=False):
        row, col = divmod(int(patch), layout.cols)
        top, left = seen.top + row * high, seen.left + col * wide
        painted = dark.copy()
        inner = slice(round(top + high / 5), max(round(top + high * 4 / 5), round(top) + 1))
        painted[inner, round(left + wide / 5) : round(left + wide * 4 / 5)] = 255
        after = pixels(Image.fromarray(painted), geometry, preprocessing)
        change = (embedded(model, layout, torch.from_numpy(after)[None]) - before).abs().sum(-1)
        if int(change.argmax()) != len(layout.prefix) + patch:
            return "wrong"
    return "right"


def embedded(model: LoadedModel, layout: TokenLayout, given: Tensor) -> Tensor:
    """What enters the first block, in the order of the picture: ``[token, channel]``."""
    streams: list[Tensor] = []
    reads = Streams(model.blocks, streams.append, layout, tokens_first=model.tokens_first)
    with reads, torch.no_grad():
        model.forward(given, layout)
    return streams[0][0]


def main(word: str = "") -> None:
    """Print a row for each checkpoint whose table or name has the word."""
    with tempfile.TemporaryDirectory() as root:
        picture = Path(root) / "noise.png"
        noise = np.random.default_rng(0).integers(0, 256, (100, 150, 3), dtype=np.uint8)
        Image.fromarray(noise).save(picture)
        print("| table | model | result |\n| --- | --- | --- |")
        for number, (table, name, save) in enumerate(rows()):
            if word.lower() in f"{table} {name}".lower():
                made = partial(outcome, save, Path(root) / f"model-{number}", picture)
                print(f"| {table} | {name} | {made()} |", flush=True)
        for number, (_, name, save) in enumerate(rows()):
            if word.lower() in f"views {name}".lower():
                try:
                    found = views(save, Path(root) / f"view-{number}")
                except RuntimeError as error:
                    found = f"CRASH {error!r}"
                print(f"| views | {name} | {found} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
