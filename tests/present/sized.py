"""A gallery whose numbers are most of its size, so that each step of reduction can be forced."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from generator.records.record import PatchQueries
from generator.records.run import Cell, ModelEntry, Run
from tests import tiny
from tests.present.gallery import COMMAND, Gallery, picture

SIDE = 20
LAYERS, HEADS = 6, 4


def sized(folder: Path, *, images: int = 3, patches: bool = True) -> Gallery:
    """``fine`` has a grid of 20x20, ``small`` one of 6x6.

    With ``patches``, records hold patches as queries, those of ``fine`` with all heads.
    """
    kept: dict[str, PatchQueries] = {"fine": "heads", "small": "mean"}
    folder.mkdir(parents=True, exist_ok=True)
    entries = tuple(picture(folder / f"image{n}.jpg", n, (80, 80)) for n in range(images))
    models = tuple(
        ModelEntry(slug, slug.capitalize(), f"tiny/{slug}", "main") for slug in ("fine", "small")
    )
    layouts = {
        "fine": tiny.layout(registers=1, rows=SIDE, cols=SIDE),
        "small": tiny.layout(rows=6, cols=6),
    }
    records, cells = {}, []
    for number, image in enumerate(entries):
        for model in models:
            found = tiny.record(
                layouts[model.slug],
                model=model.id,
                layers=LAYERS,
                heads=HEADS,
                patches=kept[model.slug] if patches else "off",
                seed=number,
                image_size=(80, 80),
                image_sha256=image.sha256,
            )
            key = hashlib.sha256(f"{found.key}{image.sha256}".encode()).hexdigest()
            records[key] = replace(found, key=key)
            cells.append(Cell(model.slug, image.slug, key))
    run = Run("Sized", "", COMMAND, "whole", models, entries, tuple(cells))
    return Gallery(run, records)
