"""The site opens anywhere: from a folder, under a sub-path, on a phone, without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.opened import Opened, overflow

Visit = Callable[..., Opened]


@pytest.mark.parametrize("over", ["file", "http"])
@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "dark"), (768, "light"), (2560, "dark")]
)
@pytest.mark.slow
def test_from_index_to_image_to_model_and_back(
    visit: Visit, over: str, width: int, scheme: str
) -> None:
    opened = visit("index.html", over=over, width=width, scheme=scheme)
    page = opened.page
    assert overflow(page) <= 0
    page.get_by_role("link", name="Image0").click()
    opened.wait()
    assert page.url.startswith(opened.root + "i/image0/index.html")
    assert page.locator(".stage-map:visible").count() == 4
    assert overflow(page) <= 0
    stage = page.get_by_role("region", name="The chosen map in each model")
    stage.get_by_role("link", name="Registers").click()
    page.wait_for_url(opened.root + "m/registers/index.html")
    assert overflow(page) <= 0
    assert page.get_by_text("c" * 40).count() == 1
    images = page.get_by_role("region", name="Images")
    images.get_by_role("link", name="Image1").click()
    opened.wait()
    page.get_by_role("link", name="Trial").click()
    page.wait_for_url(opened.root + "index.html")


@pytest.mark.parametrize("over", ["file", "http"])
@pytest.mark.parametrize("width", [1280, 390])
def test_without_scripts_every_wall_is_there(visit: Visit, over: str, width: int) -> None:
    page = visit("i/image0/index.html", over=over, width=width, scripts=False).page
    walls = page.locator(".plain-walls img")
    assert walls.count() == 4
    for number in range(4):
        walls.nth(number).scroll_into_view_if_needed()
        assert walls.nth(number).bounding_box()["width"] > 50
    assert page.locator(".plain .bar").is_visible()
    assert walls.first.evaluate("e => e.getBoundingClientRect().y + scrollY") <= 400
    assert page.locator(".controls").is_hidden()
    assert page.locator(".walls").is_hidden()
    assert page.locator(".model").first.is_hidden()


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_without_scripts_walls_are_numbered(visit: Visit, width: int) -> None:
    page = visit("i/image0/index.html", width=width, scripts=False).page
    deep = page.locator(".plain-walls figure").nth(3)
    wall = deep.locator("img").bounding_box()
    assert wall is not None
    for names, selector, start, size in (
        (["1", "2", "3", "4", "mean", "max", "min"], ".heat-heads", "x", "width"),
        (["1", "2", "3", "4", "5", "6"], ".heat-layers", "y", "height"),
    ):
        labels = deep.locator(f"{selector} span")
        assert labels.all_inner_texts() == names
        assert deep.locator(selector).get_attribute("aria-hidden") == "true"
        for place in range(len(names)):
            box = labels.nth(place).bounding_box()
            assert box is not None
            middle = wall[start] + (place + 0.5) * wall[size] / len(names)
            assert box[start] + box[size] / 2 == pytest.approx(middle, abs=2)
    # the probe's own row, below its layers
    probe = page.locator(".plain-walls figure").nth(2)
    assert probe.locator(".heat-layers span").all_inner_texts() == ["1", "2", "3", "pool"]


def test_with_scripts_only_what_is_shown_is_loaded(visit: Visit) -> None:
    opened = visit("i/image0/index.html")
    loaded = [url.rsplit("/", 1)[-1] for url in opened.requests]
    assert not any(".wall." in name for name in loaded)
    chunks = [name for name in loaded if name.startswith("image0.") and name.endswith(".js")]
    assert len(chunks) == 4
    assert all(".CLS." in name for name in chunks)
    opened.page.select_option("#query", "reg1")
    opened.wait()
    assert sum("image0.reg1." in url for url in opened.requests) == 1


@pytest.mark.slow
def test_data_that_cannot_be_loaded_is_said(visit: Visit) -> None:
    opened = visit("index.html", over="http")
    opened.page.route("**/data/plain/image0.*", lambda route: route.abort())
    opened.page.get_by_role("link", name="Image0").click()
    opened.wait()
    messages = opened.page.locator(".model .stage-message")
    expect(messages.nth(0)).to_contain_text("could not be loaded")
    assert messages.nth(1).inner_text() == ""
    assert opened.noise != []
    opened.noise.clear()


@pytest.mark.parametrize("width", [390, 1280, 2560])
@pytest.mark.slow
def test_nothing_moves_while_the_page_loads(visit: Visit, width: int) -> None:
    opened = visit("i/image0/index.html", over="http", width=width)
    shift = opened.page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            new PerformanceObserver(list => list.getEntries().forEach(e => { sum += e.value; }))
                .observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(sum), 300);
        })"""
    )
    assert shift < 0.05


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_every_page_begins_at_the_same_edge(visit: Visit, width: int) -> None:
    lines = (".masthead > :nth-child(1)", ".controls-main > :first-child", ".view-choice")
    page = visit("m/plain/index.html", width=width).page
    edge = page.locator(lines[0]).bounding_box()["x"]
    page = visit("i/image0/index.html", width=width).page
    assert [page.locator(line).bounding_box()["x"] for line in lines] == [edge] * 3
    # the maps alone take the window
    assert page.locator(".maps").bounding_box()["width"] > 0.93 * width


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_names_of_models_are_whole_beside_their_values(visit: Visit, width: int) -> None:
    names = visit("i/image0/index.html", width=width).page.locator(".reading tbody th")
    assert names.count() == 4
    cut = names.evaluate_all("all => all.map(one => one.scrollWidth > one.clientWidth)")
    assert cut == [False] * 4


@pytest.mark.slow
def test_the_next_image_keeps_layer_and_head(visit: Visit) -> None:
    opened = visit("i/image0/index.html#layer=2&head=1")
    opened.page.get_by_role("link", name="Image1").click()
    opened.wait()
    assert opened.page.url.startswith(opened.root + "i/image1/index.html#layer=2&head=1&")
    assert opened.page.input_value("#layer") == "2"
