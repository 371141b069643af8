"""A gallery with a sweep: four checkpoints whose attention sharpens, beside a model of its own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from generator.records.run import Cell, Failure, ModelEntry, Run, Sweep, SweepStep
from tests import tiny
from tests.present.gallery import COMMAND, Gallery, picture

STEPS = (0, 500, 2000, 16000)
SLUGS = tuple(f"checkpoint-{step}" for step in STEPS)


def sweeping(folder: Path, *, images: int = 2, steps: tuple[int, ...] = STEPS) -> Gallery:
    """Checkpoints at ``steps``, of which the second lacks the last image; and ``plain``."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = tuple(picture(folder / f"image{n}.jpg", n) for n in range(images))
    slugs = tuple(f"checkpoint-{step}" for step in steps)
    models = (
        ModelEntry("plain", "Plain", "tiny/plain", "main"),
        *(
            ModelEntry(slug, f"our run, step {step}", slug)
            for slug, step in zip(slugs, steps, strict=True)
        ),
    )
    records, cells = {}, []
    for number, image in enumerate(entries):
        for place, model in enumerate(models):
            if model.slug == slugs[1] and image is entries[-1]:
                failure = Failure("The model gives numbers that are none on image1.jpg.")
                cells.append(Cell(model.slug, image.slug, "", failure))
                continue
            found = tiny.record(
                tiny.layout(registers=2 * (model.slug != "plain")),
                model=model.id,
                seed=number + (100 * place if place > 1 else 0),
                image_sha256=image.sha256,
                patches="mean",
                extras=("features",),
            )
            entropy = (found.entropy * (1 - 0.1 * place)).astype(np.float32)
            key = hashlib.sha256(f"{found.key}{image.sha256}{place}".encode()).hexdigest()
            records[key] = replace(found, key=key, entropy=entropy)
            cells.append(Cell(model.slug, image.slug, key))
    sweep = Sweep(
        "our-run",
        "our run",
        named=True,
        steps=tuple(SweepStep(step, slug) for step, slug in zip(steps, slugs, strict=True)),
    )
    run = Run(
        title="Training",
        description="",
        command=COMMAND,
        field_of_view="whole",
        models=models,
        images=entries,
        cells=tuple(cells),
        sweeps=(sweep,),
    )
    return Gallery(run, records)
