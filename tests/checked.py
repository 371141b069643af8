"""Hold every seeded family against its own attention, with ``inspect --check``.

python -m tests.checked [WORD]

Each checkpoint is written to disk and read by the command itself, at its own grid. Not part of the
tests: they compare family by family at several grids.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

from generator.commands.inspect import inspect
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
    result = CliRunner().invoke(inspect, [model, "--check", str(picture)])
    lines = result.output.strip().splitlines()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"CRASH {result.exception!r}"
    if result.exit_code:
        return "; ".join(line for line in lines if line.startswith(("FAILED", "Error:")))
    return next(line.partition(EAGER)[2] or line for line in lines if EAGER in line)


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


if __name__ == "__main__":
    main(*sys.argv[1:])
