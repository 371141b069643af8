"""A sweep on an image page: one column, of which a slider chooses the step."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from generator.present.site.write import build_site
from tests.present.sweeping import STEPS, sweeping


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    trial = sweeping(folder / "pictures")
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return folder / "site"


@pytest.fixture
def page(chromium: Browser, site: Path) -> Page:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    assert problems == []


def open_image(page: Page, site: Path, fragment: str = "", image: str = "image0") -> None:
    page.goto(f"{(site / 'i' / image / 'index.html').as_uri()}{fragment}")
    page.wait_for_selector("html.ready")


def expect_columns(page: Page, *labels: str) -> None:
    expect(page.locator("article.model:visible h2")).to_have_text(list(labels))


def chunks(page: Page) -> set[str]:
    """The chunks that the page asks for from now on."""
    asked: set[str] = set()

    def note(request: Request) -> None:
        if "/data/" in request.url and request.url.endswith(".js"):
            asked.add(request.url)

    page.on("request", note)
    return asked


def settled(page: Page) -> None:
    """Until every map that can be seen is drawn."""
    expect(page.locator("html.ready")).to_have_count(1)
    expect(page.locator(".stage-loading:visible")).to_have_count(0)


def test_a_slider_chooses_the_step_and_keeps_layer_head_and_query(page: Page, site: Path) -> None:
    open_image(page, site, "#layer=2&head=1&query=reg2")
    slider = page.get_by_role("slider", name="our run")
    expect_columns(page, "Plain", "our run, step 16000")
    assert slider.get_attribute("aria-valuetext") == "step 16000, 4 of 4"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect_columns(page, "Plain", "our run, step 2000")
    expect(slider).to_be_focused()
    page.keyboard.press("Home")
    expect_columns(page, "Plain", "our run, step 0")
    assert "layer=2&head=1&query=reg2" in page.url and "step=0" in page.url
    page.get_by_role("button", name="Next step").click()
    expect_columns(page, "Plain", "our run, step 500")
    assert (
        page.get_by_role("button", name="Previous step").get_attribute("aria-disabled") == "false"
    )


def test_an_address_holds_the_step_and_the_next_image_has_it_too(page: Page, site: Path) -> None:
    open_image(page, site, "#step=500")
    expect_columns(page, "Plain", "our run, step 500")
    page.locator("a[rel=next]").click()
    page.wait_for_selector("html.ready")
    expect_columns(page, "Plain", "our run, step 500")
    assert "none on image1.jpg" in page.locator("article.model:visible").last.inner_text()
    open_image(page, site, "#step=7")
    expect_columns(page, "Plain", "our run, step 16000")


def test_only_the_steps_that_are_seen_are_loaded(page: Page, site: Path) -> None:
    asked = chunks(page)
    open_image(page, site)
    settled(page)
    assert len(asked) == 2
    page.get_by_role("button", name="Previous step").click()
    expect_columns(page, "Plain", "our run, step 2000")
    settled(page)
    assert len(asked) == 3


def test_steps_side_by_side_and_back(page: Page, site: Path) -> None:
    open_image(page, site)
    page.locator(".study > summary").first.click()
    page.get_by_role("button", name="Steps side by side").click()
    expect_columns(page, "Plain", *(f"our run, step {step}" for step in STEPS))
    assert page.locator("[data-study='1']:visible").count() > 0
    assert page.url.endswith("step=all")
    page.go_back()
    expect_columns(page, "Plain", "our run, step 16000")
    assert page.locator("[data-study='1']:visible").count() == 0


def test_all_steps_share_one_scale_also_where_models_have_their_own(page: Page, site: Path) -> None:
    open_image(page, site, "#scale=model&step=all")
    settled(page)
    titles = page.locator("article.model:visible .readout-title .visually-hidden")
    together = (titles.last.text_content() or "").partition(". Layer")[0]
    assert together.startswith("Scale ")
    for step in range(1, len(STEPS) + 1):
        expect(titles.nth(step)).to_contain_text(together)
    open_image(page, site, "#scale=model&step=16000")
    page.reload()
    settled(page)
    own = page.locator("article.model:visible .readout-title .visually-hidden").last
    expect(own).to_contain_text(together)


def test_without_scripts_every_step_is_there(chromium: Browser, site: Path) -> None:
    page = chromium.new_page(java_script_enabled=False)
    page.goto((site / "i/image0/index.html").as_uri())
    named = page.locator(".plain-walls figcaption a").all_inner_texts()
    assert named == ["Plain", *(f"our run, step {step}" for step in STEPS)]
    page.goto((site / "s/our-run/index.html").as_uri())
    assert page.locator(".step-row").first.locator("img.map").count() == len(STEPS)
    page.close()


def test_a_phone_shows_the_page_of_the_sweep_without_scrolling_aside(
    chromium: Browser, site: Path
) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    for path in ("s/our-run", "i/image0", "."):
        page.goto((site / path / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
    page.close()


def test_two_models_are_first_the_two_that_are_seen(page: Page, site: Path) -> None:
    open_image(page, site)
    page.get_by_role("button", name="Two models").click()
    for name, model in ("a", "Plain"), ("b", "our run, step 16000"):
        expect(page.locator(f"#{name} option:checked")).to_have_text(model)
    page.get_by_label("Second model").select_option(label="our run, step 0")
    expect(page.locator("#pair-says")).to_contain_text("our run, step 0")
    expect(page.locator("#pair-value")).not_to_be_empty()
