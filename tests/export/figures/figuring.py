"""A gallery that every figure can be drawn from, and what is in the files that come of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from generator.cli import main
from generator.export.source import Source, open_source
from generator.present.site.write import build_site
from generator.records.extras import ModelWeights
from generator.records.store import Store, weights_key
from generator.spec.figures import FigureSpec
from tests import tiny
from tests.present.gallery import Gallery, gallery


@dataclass(frozen=True)
class Figuring:
    """A site with features and weights, and where its records are."""

    trial: Gallery
    site: Path
    store: Path

    @property
    def source(self) -> Source:
        return open_source(self.site, self.store)

    def figure(self, out: Path, *words: str, code: int = 0) -> str:
        """Run ``attention-gallery figure``; what it said."""
        result = CliRunner().invoke(
            main,
            ["figure", str(self.site), "-o", str(out), "--store", str(self.store), *words],
        )
        assert result.exit_code == code, (result.output, result.exception)
        return result.output


def figuring(folder: Path) -> Figuring:
    """Two models on three pictures: ``plain``, and ``registers`` with two of them."""
    trial = gallery(folder / "pictures", images=3)
    store = Store(folder / "store")
    kept = ("plain", "registers")
    for cell in trial.run.cells:
        if not cell.record:
            continue
        record = trial.records[cell.record]
        parts = tiny.parts(
            record.layout,
            layers=record.model.layers,
            heads=record.model.heads,
            seed=3,
            extras=("features",),
        )
        trial.records[cell.record] = replace(record, **parts)
        store.put(trial.records[cell.record])
    keys = {}
    for slug in kept:
        record = trial.record(slug, "image0")
        facts, rng = record.model, np.random.default_rng(1)
        key = weights_key(model=facts.id, version=facts.version, dtype=record.environment.dtype)
        keys[slug] = key
        store.put_weights(
            ModelWeights(
                key=key,
                model=facts.id,
                position=rng.normal(size=(9, 16)).astype(np.float32),
                position_grid=(3, 3),
                position_note="",
                filters=rng.normal(size=(10, 3, 4, 4)).astype(np.float32),
                spectrum=np.linspace(1, 0.1, 16, dtype=np.float32) / 8.8,
            )
        )
    models = tuple(replace(m, weights=keys.get(m.slug, "")) for m in trial.run.models)
    trial = replace(trial, run=replace(trial.run, models=models))
    build_site(
        trial.run,
        trial.read,
        folder / "site",
        version="1.2.3",
        read_weights=store.get_weights,
    )
    return Figuring(trial, folder / "site", folder / "store")


def request(**given: object) -> FigureSpec:
    """What most figures here are asked for."""
    asked = {"models": ("plain", "registers"), "width": 5.5, **given}
    return FigureSpec(name="fig", **asked)  # type: ignore[arg-type]


def page_inches(pdf: bytes) -> tuple[float, float]:
    """Width and height of a PDF's page."""
    box = re.search(rb"/MediaBox \[ ?([-\d. ]+) ?\]", pdf)
    assert box is not None
    left, bottom, right, top = (float(number) for number in box[1].split())
    return (right - left) / 72, (top - bottom) / 72


def font_kinds(pdf: bytes) -> set[str]:
    """Subtypes of the fonts of a PDF: ``Type3``, ``Type0``, ``CIDFontType2``, ..."""
    found = re.findall(rb"/Subtype /(Type\w*|CIDFont\w*|TrueType)\b", pdf)
    return {kind.decode() for kind in found}


def rasters(pdf: bytes) -> list[tuple[int, int]]:
    """Width and height, in pixels, of each picture in a PDF."""
    found = []
    for part in pdf.split(b" 0 obj\n"):
        fields = part.partition(b"\nstream\n")[0]
        if b"/Subtype /Image" not in fields:
            continue
        wide, high = re.search(rb"/Width (\d+)", fields), re.search(rb"/Height (\d+)", fields)
        assert wide is not None
        assert high is not None
        found.append((int(wide[1]), int(high[1])))
    return found
