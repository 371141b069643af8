"""A gallery with every analysis and a planted outlier, and what its pages say of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from generator.analysis.cells.maps import CellMaps, cell_maps
from generator.analysis.features.objects import find_objects
from generator.records.extras import EXTRAS
from generator.records.record import AttentionRecord
from tests import tiny
from tests.present.gallery import Gallery
from tests.tiny import patch_token

OUTLIER = (3, 4)
"""Row and column of the planted outlier: where a transposed grid of 4 x 6 has no such place."""


def planted(registers: int = 2, seed: int = 0) -> AttentionRecord:
    """A record with every part and one outlier patch in layer 2."""
    record = tiny.record(tiny.layout(registers=registers), seed=seed, extras=EXTRAS)
    norms = np.full(record.norms.shape, 2.0, dtype=np.float32)
    norms[2, patch_token(record.layout, *OUTLIER)] = 24
    return tiny.with_norms(record, norms)


def maps_of(record: AttentionRecord) -> CellMaps:
    return cell_maps(record, find_objects(record))


def complete(trial: Gallery) -> Gallery:
    """The same gallery with every part measured, and a planted outlier in ``registers``."""
    records = {}
    for key, found in trial.records.items():
        layers, heads = found.model.layers, found.model.heads
        parts = tiny.parts(
            found.layout, layers=layers, heads=heads, seed=len(records), extras=EXTRAS
        )
        records[key] = replace(found, **parts)
    key = trial.run.cell("registers", "image0").record
    records[key] = replace(planted(), key=key, model=records[key].model)
    key = trial.run.cell("plain", "image0").record
    features, prediction = records[key].features, records[key].prediction
    assert features is not None and features.keys is not None and prediction is not None
    records[key] = replace(
        records[key],
        features=replace(features, values=features.keys[::-1].copy()),
        prediction=replace(prediction, target=7, target_label="yak", target_probability=0.000_4),
    )
    return Gallery(trial.run, records)


def drawn(site: Path, model: str, name: str) -> np.ndarray:
    [path] = site.glob(f"data/{model}/image0.{name}.*.png")
    return np.asarray(Image.open(path).convert("RGB"))


def section(site: Path, name: str) -> str:
    """One analysis of the first image's page, as HTML."""
    html = (site / "i/image0/index.html").read_text(encoding="utf-8")
    found = re.search(
        rf'<details class="study" id="analysis-{name}".*?\n      </details>', html, re.S
    )
    assert found, f"no analysis {name}"
    return found[0]


def marked(html: str, kind: str) -> list[str]:
    """Paths of the marks of one kind: each is drawn as an edge, and used again as a line."""
    paths = dict(re.findall(r'<path class="mark" id="([^"]+)" d="([^"]+)">', html))
    return [paths[use] for use in re.findall(rf'<use class="mark-{kind}" href="#([^"]+)">', html)]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
