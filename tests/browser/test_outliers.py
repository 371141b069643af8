"""Outlier patches: counted for every model, outlined where they are, with their norms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from generator.records.record import AttentionRecord
from tests.browser.conftest import OUTLIERS
from tests.browser.opened import Opened
from tests.browser.test_numbers import MODELS, point, readout
from tests.browser.test_take_away import copied
from tests.present.gallery import Gallery

Visit = Callable[..., Opened]
Site = tuple[Gallery, Path]


def multiples(record: AttentionRecord, layer: int) -> np.ndarray[Any, Any]:
    """Norms of the patches after a layer over the median patch's."""
    norms = record.norms[layer, record.layout.patch_slice].astype(float)
    return norms / np.median(norms)


def inked(page: Page) -> list[int]:
    """Patches of the model ``deep`` that have lines along most of their edge."""
    found: list[float] = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-model="3"] .stage-lines');
            if (canvas.hidden) return [];
            const context = canvas.getContext('2d');
            const {width, height} = canvas;
            const {data} = context.getImageData(0, 0, width, height);
            const painted = Array(96).fill(0);
            for (let y = 0; y < height; y += 1) {
                for (let x = 0; x < width; x += 1) {
                    const patch = Math.floor(y * 8 / height) * 12 + Math.floor(x * 12 / width);
                    if (data[4 * (y * width + x) + 3] > 127) painted[patch] += 96 / width / height;
                }
            }
            return painted;
        }"""
    )
    return [patch for patch, share in enumerate(found) if share > 0.02]


@pytest.mark.slow
def test_every_model_counts_its_outliers_in_the_layer_shown(visit: Visit, site: Site) -> None:
    for layer in (2, 3):
        page = visit(f"i/image0/index.html#layer={layer}").page
        page.locator("#numbers > summary").click()
        for number, model in enumerate(MODELS):
            count = int((multiples(site[0].record(model, "image0"), layer) > 3).sum())
            said = page.locator(f'[data-numbers="{number}"] .norms')
            expect(said).to_contain_text(f"in layer {layer}")
            text = said.inner_text()
            assert re.match(rf"{count} outlier patch(es)? in layer {layer}$", text), (model, text)
    assert page.get_by_text("residual stream, before the final LayerNorm").is_visible()


def test_the_pooling_probe_is_no_layer_and_has_no_norms(visit: Visit) -> None:
    page = visit("i/image0/index.html#layer=pool").page
    assert readout(page, "probe").split("\t")[3] == "–"


@pytest.mark.parametrize("query", ["CLS", "patch"])
def test_the_norm_under_the_pointer_is_the_records(visit: Visit, site: Site, query: str) -> None:
    page = visit(f"i/image0/index.html#layer=4&query={query}").page
    record = site[0].record("deep", "image0")
    for patch in (OUTLIERS[0], 7, 50):
        row, col = divmod(patch, 12)
        point(page, "deep", (col + 0.5) * 8, (row + 0.5) * 8)
        text = readout(page, "deep")
        assert f"row {row + 1}, col {col + 1}" in text
        found = re.search(r"([\d.]+) ×", text.split("\t")[3])
        assert found is not None
        # a byte a norm, and two digits
        assert float(found[1]) == pytest.approx(multiples(record, 4)[patch], rel=0.022 + 0.05)


@pytest.mark.slow
def test_outlines_are_around_the_outliers_and_nothing_else(visit: Visit, site: Site) -> None:
    opened = visit("i/image0/index.html#layer=4&overlay=0")
    page = opened.page
    assert inked(page) == []
    page.locator("#more").click()
    page.select_option("#outliers", "outline")
    opened.wait()
    assert "outliers=outline" in page.url
    around = set(inked(page))
    assert set(OUTLIERS) <= around
    # a line lies on both sides of an edge
    beside = {p + step for p in OUTLIERS for step in (-13, -12, -11, -1, 0, 1, 11, 12, 13)}
    assert around <= beside
    true = np.flatnonzero(multiples(site[0].record("deep", "image0"), 4) > 3)
    assert true.tolist() == sorted(OUTLIERS)
    # another layer has others: here none
    assert inked(visit("i/image0/index.html#layer=1&outliers=outline").page) == []


def test_outlines_are_on_a_pair_of_models_too(visit: Visit) -> None:
    page = visit(
        "i/image0/index.html#layer=4&layers=depth&outliers=outline&view=pair&how=flicker&a=deep&b=plain"
    ).page
    expect(page.locator(".pair-a .stage-lines")).to_be_visible()


def test_the_caption_says_that_outliers_are_outlined(visit: Visit) -> None:
    opened = visit("i/image0/index.html#layer=4&outliers=outline", over="http")
    assert "Dashed: outlier patches" in copied(opened, "Copy caption")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_layer_with_the_largest_is_named_beside_the_model(visit: Visit, scripts: bool) -> None:
    page = visit("i/image0/index.html", scripts=scripts).page
    if scripts:
        page.locator("#numbers > summary").click()
    says = f"{len(OUTLIERS)} outlier patches in layer 4, the largest norm"
    for text, models in ((says, 1), ("0 outlier patches in all layers", 2)):
        lines = "\n".join(page.locator(".detail:visible").all_inner_texts())
        assert lines.count(text) == models
