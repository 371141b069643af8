"""Scales other than the gallery's: found as stated, numbered, clipped values marked and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from generator.present.drawing.quantize import decode
from generator.present.files.manifest_file import read_manifest
from tests.browser.opened import Opened, settle
from tests.browser.test_numbers import MODELS, chunk, scale

Visit = Callable[..., Opened]


def bar(page: Page, selector: str = ".shared-bar") -> dict[float, str]:
    """Labels of a color bar by their place on it, 0 to 1."""
    found: list[tuple[str, str]] = page.locator(f"{selector} text").evaluate_all(
        "all => all.map(e => [e.getAttribute('x'), e.textContent])"
    )
    return {float(x.rstrip("%")) / 100: label for x, label in found}


def number(label: str) -> float:
    top, _, bottom = label.partition("/")
    return float(top) / float(bottom or 1)


def notes(page: Page) -> str:
    """What the fold of more numbers says of the model ``deep``."""
    page.locator("#numbers > summary").click()
    found = page.locator('[data-numbers="3"] .readout-notes')
    expect(found).to_contain_text("Outside the scale here")
    return found.inner_text().replace("\xa0", " ")


def decoded(site: Any, model: str) -> np.ndarray[Any, Any]:
    return decode(chunk(site, model)[0])


@pytest.mark.parametrize("clip", [0, 1, 5])
def test_a_shared_scale_is_cut_at_the_percentiles_of_all_maps(
    visit: Visit, site: Any, clip: float
) -> None:
    page = visit(f"i/image0/index.html#clip={clip}").page
    values = np.concatenate([decoded(site, model).ravel() for model in MODELS])
    values = values[~np.isnan(values)]
    high = np.quantile(values, 1 - clip / 100)
    low = max(np.quantile(values, clip / 100), high / 1024)
    labels = bar(page)
    assert number(labels[1]) == pytest.approx(high, rel=0.025)
    assert number(labels[0]) == pytest.approx(low, rel=0.035, abs=0.001)


def test_a_scale_for_each_layer_is_shared_by_the_models(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#scale=layer&layer=2&clip=0").page
    high = max(np.nanmax(decoded(site, model)[1]) for model in MODELS)
    assert number(bar(page)[1]) == pytest.approx(high, rel=0.016)
    assert not any(
        "Scale" in text
        for text in page.locator(".readout-title .visually-hidden").all_text_contents()
    )


def test_a_scale_for_each_model_is_numbered_below_each(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#scale=model&clip=0").page
    assert "one scale for each model" in page.locator("#bar-says").inner_text()
    for index, model in enumerate(MODELS):
        title = (
            page.locator(f'[data-model="{index}"] .readout-title .visually-hidden').text_content()
            or ""
        )
        high = title.split(" to ")[1].split(" ×")[0]
        assert number(high) == pytest.approx(np.nanmax(decoded(site, model)), rel=0.016)


@pytest.mark.parametrize(("form", "power"), [("linear", 1.0), ("sqrt", 0.5)])
def test_numbers_of_a_bar_stand_where_their_color_is(visit: Visit, form: str, power: float) -> None:
    labels = bar(visit(f"i/image0/index.html#form={form}").page)
    assert labels[0] == "0"
    assert len(labels) >= 4
    for x, label in labels.items():
        assert x == pytest.approx((number(label) / number(labels[1])) ** power, abs=0.003)


def test_what_a_scale_clips_is_counted(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#scale=map&clip=5&layer=1&head=2").page
    codes = chunk(site, "deep")[0].codes[0, 1].ravel()
    bounds = np.sort(codes)[[round(0.05 * 95), round(0.95 * 95)]]
    text = notes(page)
    above = int(text.split(" patch")[0].split()[-1])
    below = int(text.split(" of 96 below")[0].split()[-1])
    assert above == pytest.approx((codes > bounds[1]).sum(), abs=1)
    assert below == pytest.approx((codes < bounds[0]).sum(), abs=1)


def test_what_all_maps_of_a_model_clip_is_counted(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html").page
    place = scale(site).position(decoded(site, "deep"))
    text = notes(page)
    text = text.split("All maps: ")[1]
    above, below = (float(text.split(f" % {word}")[0].split()[-1]) for word in ("above", "below"))
    assert above == pytest.approx(100 * (place > 1).mean(), rel=0.06)
    assert below == pytest.approx(100 * (place < 0).mean(), rel=0.06)


def test_how_much_of_the_minima_over_heads_is_below_the_scale_is_counted(
    visit: Visit, site: Any
) -> None:
    page = visit("i/image0/index.html").page
    least = decoded(site, "deep")[:, :-1].min(axis=1)  # of layers, heads and their mean, patches
    share = 100 * (scale(site).position(least) < 0).mean()
    text = notes(page)
    said = float(text.split("Minima over heads: ")[1].split(" % below")[0])
    assert said == pytest.approx(share, rel=0.06)
    assert "Minima over heads are often below" in page.locator(".walls-scale").inner_text()


@pytest.mark.parametrize("width", [768, 1280])
@pytest.mark.slow
def test_what_the_bar_is_fits_above_it_in_one_line(visit: Visit, width: int) -> None:
    page = visit("i/image0/index.html", width=width).page
    label = page.locator("#bar-says")
    height = label.evaluate("e => e.getBoundingClientRect().height")
    page.locator("#more").click()
    for query in ("CLS", "patch"):
        page.select_option("#query", query)
        for of in ("shared", "model", "layer", "map"):
            page.select_option("#scale", of)
            settle(page)
            assert label.evaluate("e => e.getBoundingClientRect().height") == height, (query, of)
            assert label.inner_text().startswith("Attention (1 = even share), ")


def test_patch_queries_have_a_scale_of_their_own(visit: Visit, site: Any) -> None:
    manifest = read_manifest(site[1])
    assert manifest is not None and manifest.patch_scale is not None
    assert manifest.patch_scale.high != manifest.scale.high
    page = visit("i/image0/index.html#query=patch").page
    labels = bar(page)
    assert number(labels[0]) == manifest.patch_scale.low
    assert number(labels[1]) == manifest.patch_scale.high
    assert "one scale for all" in page.locator("#bar-says").inner_text()
    says = page.locator(".walls-scale").text_content() or ""
    assert "Patch queries have their own scale, " in says
    assert f"to {manifest.patch_scale.high:g}." in says
    page = visit("i/image0/index.html").page
    assert number(bar(page)[1]) == manifest.scale.high


def test_the_top_of_the_mass_is_shown_on_small_maps_too(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#keep=60&layer=3").page
    codes = chunk(site, "plain")[0].codes[0, 1].ravel().astype(float)
    order = np.argsort(codes, kind="stable")
    kept = np.zeros(24, dtype=bool)
    kept[order] = np.cumsum(codes[order] ** 2) / (codes**2).sum() > 0.4
    alpha = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-wall="0"] canvas');
            const cell = document.querySelector('[data-wall="0"] .wall-cell');
            const {width, height} = cell.getBoundingClientRect();
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            // head 2 is the fifth column, after mean, maximum, minimum and the gap beside them
            const left = 4 * (width + 1) + 6;
            return Array.from({length: 24}, (_, i) => {
                const x = Math.floor(left + (i % 6 + 0.5) / 6 * width);
                const y = Math.floor((Math.floor(i / 6) + 0.5) / 4 * height);
                return data[4 * (y * canvas.width + x) + 3];
            });
        }"""
    )
    assert ((np.array(alpha) == 255) == kept).all()


def test_the_top_of_the_mass_is_counted_and_uncovers_the_rest(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#keep=60&layer=1&head=2&overlay=100").page
    values = decoded(site, "plain")[0, 1].ravel().astype(float)
    # as DINO's script: ascending, kept where the running sum passes the rest
    order = np.argsort(values)
    kept = np.cumsum(values[order]) / values.sum() > 0.4
    page.locator("#numbers > summary").click()
    said = page.locator('[data-numbers="0"] .kept')
    expect(said).to_be_visible()
    text = said.inner_text()
    assert text.endswith(f": {kept.sum()} of 24 patches")
    lowest = int(order[0])
    pixel = page.evaluate(
        """([row, col]) => {
            const canvas = document.querySelector('[data-model="0"] .stage-map');
            const x = (col + 0.5) * canvas.width / 6, y = (row + 0.5) * canvas.height / 4;
            return canvas.getContext('2d').getImageData(x, y, 1, 1).data[3];
        }""",
        [lowest // 6, lowest % 6],
    )
    assert pixel == 0


def test_a_contour_runs_once_around_what_is_kept(image_page: Page) -> None:
    mask = [0, 1, 1, 0, 1, 0]
    lines = image_page.evaluate("kept => Threshold.contour(new Uint8Array(kept), 3)", mask)
    folded = np.pad(np.reshape(mask, (2, 3)), 1)
    edges = np.abs(np.diff(folded, axis=0)).sum() + np.abs(np.diff(folded, axis=1)).sum()
    assert len(lines) == edges
    assert [1, 0, 2, 0] in lines
