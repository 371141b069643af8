"""The comparison that a notebook shows: one frame, without a server, inside somebody's page."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

import generator
from generator.errors import SpecError
from tests.capture.families import FAMILIES
from tests.commands.running import picture


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[generator.Comparison, Path]:
    folder = tmp_path_factory.mktemp("compared")
    families = {family.name: family for family in FAMILIES}
    one = families["dinov2"].save(folder / "plain")
    two = families["dinov2 with registers"].save(folder / "registers")
    image = picture(3, folder / "<b>cat.png")
    with generator.open_model(one, patch_queries="heads") as model:
        found = {"without": model, "with registers": generator.measure(two, image)}
        return generator.compare(found, image), image


def test_a_comparison_says_what_it_is_in_a_line(
    shown: tuple[generator.Comparison, Path],
) -> None:
    assert repr(shown[0]) == "<Comparison of without and with registers on <b>cat.png>"
    assert "<b>" not in shown[0]._repr_html_().partition("srcdoc")[0]


def test_the_frame_works_inside_another_page(
    chromium: Browser, shown: tuple[generator.Comparison, Path], tmp_path: Path
) -> None:
    notebook = tmp_path / "notebook.html"
    html = f"<!doctype html><title>Notebook</title>{shown[0]._repr_html_()}"
    notebook.write_text(html, encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1000, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(notebook.as_uri())
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_have_text("<b>cat")
    labels = frame.locator(".maps [data-model] a").all_inner_texts()
    assert {"without", "with registers"} <= set(labels)
    frame.get_by_label("Layer", exact=True).select_option("1")
    inner = page.frames[1]
    inner.wait_for_function("location.hash.includes('layer=1')")
    frame.get_by_role("link", name="without", exact=True).first.click()
    expect(frame.locator("h1")).to_have_text("without")
    assert page.url == notebook.as_uri(), "links lead inside the frame"
    assert faults == []
    context.close()


def test_records_of_other_pictures_are_refused(
    shown: tuple[generator.Comparison, Path], tmp_path: Path
) -> None:
    image = shown[1]
    record = generator.measure(image.parent / "plain", image)
    other = picture(9, tmp_path / "dog.png")
    with pytest.raises(SpecError) as refused:
        generator.compare([record], other)
    assert str(refused.value) == (
        "The record of plain is of <b>cat.png, which is not the picture dog.png bit for bit. "
        "Give the picture that was measured."
    )
    with pytest.raises(SpecError, match="There is nothing to compare"):
        generator.compare([], other)
    with Image.open(other) as opened:
        twice = [generator.measure(image.parent / "plain", opened) for _ in range(2)]
        assert generator.compare(twice, opened).models[1].endswith("#2")
