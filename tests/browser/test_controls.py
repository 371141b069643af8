"""One state for all models: every control, the keyboard, the address, Back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.opened import Opened, settle

Visit = Callable[..., Opened]
IDS = ("layer", "head", "query", "scale", "form", "clip", "keep", "outliers", "draw", "strength")


def values(page: Page) -> dict[str, str]:
    return {name: page.input_value(f"#{name}") for name in IDS}


def stages(page: Page) -> list[str]:
    return page.locator(".model .stage-message").all_inner_texts()


def titles(page: Page) -> list[str]:
    return page.locator(".readout-title .visually-hidden").all_inner_texts()


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("layer", "2", "layer=2"),
        ("layer", "pool", "layer=pool"),
        ("head", "2", "head=2"),
        ("query", "reg2", "query=reg2"),
        ("scale", "map", "scale=map"),
        ("scale", "layer", "scale=layer"),
        ("form", "linear", "form=linear"),
        ("clip", "2", "clip=2"),
        ("keep", "60", "keep=60"),
        ("outliers", "outline", "outliers=outline"),
        ("query", "received", "query=received"),
        ("draw", "smooth", "draw=smooth"),
        ("strength", "35", "overlay=35"),
    ],
)
@pytest.mark.slow
def test_every_choice_is_in_the_address_and_comes_back(
    visit: Visit, name: str, value: str, field: str
) -> None:
    opened = visit("i/image0/index.html")
    opened.page.locator("#more").click()
    if name in ("strength", "keep"):
        opened.page.fill(f"#{name}", value)
    else:
        opened.page.select_option(f"#{name}", value)
    opened.wait()
    url = opened.page.url
    assert field in url.split("#")[1].split("&")
    chosen = values(opened.page)
    assert chosen[name] == value
    again = visit(url.removeprefix(opened.root))
    assert values(again.page) == chosen


def test_back_returns_to_what_was_chosen_before(visit: Visit) -> None:
    opened = visit("i/image0/index.html")
    page = opened.page
    page.select_option("#layer", "2")
    page.select_option("#query", "reg1")
    opened.wait()
    page.go_back()
    opened.wait()
    assert (page.input_value("#layer"), page.input_value("#query")) == ("2", "CLS")
    page.go_back()
    opened.wait()
    assert page.input_value("#layer") == "6"
    page.go_forward()
    opened.wait()
    assert page.input_value("#layer") == "2"


def test_a_step_at_once_after_back_keeps_what_one_went_back_to(visit: Visit) -> None:
    opened = visit("i/image0/index.html")
    page = opened.page
    for _ in range(2):
        page.click("[data-step=layer][data-by='-1']")
        expect(page.locator("#layer")).to_have_value("5")
        page.go_back()
        expect(page.locator("#layer")).to_have_value("6")


@pytest.mark.parametrize("fragment", ["#layer=99&head=-1&query=<b>&scale=x&at=9,,", "#%%%", "#"])
def test_a_wrong_address_shows_the_defaults(visit: Visit, fragment: str) -> None:
    page = visit("i/image0/index.html" + fragment).page
    assert values(page) == {
        "layer": "6",
        "head": "mean",
        "query": "CLS",
        "scale": "shared",
        "form": "log2",
        "clip": "0.5",
        "keep": "100",
        "outliers": "plain",
        "draw": "nearest",
        "strength": "80",
    }


@pytest.mark.slow
def test_what_a_model_does_not_have_is_said(visit: Visit) -> None:
    page = visit("i/image0/index.html#query=reg1").page
    none = "This model has no register 1."
    assert stages(page) == [none, "", none, none]
    page = visit("i/image0/index.html#layer=5").page
    assert stages(page) == [*["This model has 3 layers."] * 3, ""]
    page = visit("i/image0/index.html#head=4").page
    assert stages(page) == [*["This model has 2 heads."] * 3, ""]
    page = visit("i/image0/index.html#layer=pool").page
    none = "This model has no pooling probe."
    assert stages(page) == [none, none, "", none]
    assert "attention of the pooling probe" in titles(page)[2]


def test_a_model_without_a_class_token_says_what_it_shows(image_page: Page) -> None:
    note = "mean received attention (this model has no CLS token)"
    assert [note in title for title in titles(image_page)] == [False, False, True, False]


def test_a_click_in_one_wall_chooses_for_all_models(image_page: Page) -> None:
    frame = image_page.locator('[data-wall="3"] .wall-frame')
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    # the second layer's third head: row 2 of 6, column 5 of 6 with mean and maximum first
    image_page.mouse.click(box["x"] + box["width"] * 4.5 / 6, box["y"] + box["height"] * 1.5 / 6)
    settle(image_page)
    assert image_page.input_value("#layer") == "2"
    assert image_page.input_value("#head") == "3"
    assert "layer=2&head=3" in image_page.url
    found = [title.rpartition(",")[0] or title for title in titles(image_page)]
    assert titles(image_page)[3] == "Layer 2 of 6, head 3"
    assert all(title.startswith("Layer 1 of 3, head 3") for title in titles(image_page)[:2]), found


def test_pointing_into_a_wall_previews_and_leaving_returns(visit: Visit) -> None:
    image_page = visit("i/image0/index.html#layer=3").page
    frame = image_page.locator('[data-wall="0"] .wall-frame')
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    image_page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 5)
    settle(image_page)
    assert titles(image_page)[0] == "Layer 1 of 3, head 2"
    lens = image_page.locator('[data-wall="0"] .wall-lens')
    assert lens.inner_text() == "Layer 1, head 2"
    beside = lens.bounding_box()
    assert abs(beside["x"] - (box["x"] + box["width"] * 0.9)) < 40 and beside["width"] > 150
    assert image_page.input_value("#layer") == "3"
    image_page.mouse.move(2, 2)
    settle(image_page)
    assert titles(image_page)[0] == "Layer 3 of 3, mean"
    expect(lens).to_be_hidden()


@pytest.mark.slow
def test_the_wall_can_be_walked_with_the_keyboard(visit: Visit) -> None:
    image_page = visit("i/image0/index.html#layer=3").page
    cell = image_page.locator('[data-wall="0"] [role=gridcell]')
    cell.focus()
    for key, layer, head in [
        ("ArrowUp", "2", "mean"),
        ("ArrowRight", "2", "max"),
        ("ArrowRight", "2", "min"),
        ("ArrowRight", "2", "1"),
        ("ArrowRight", "2", "2"),
        ("ArrowRight", "2", "2"),
        ("Home", "2", "mean"),
        ("Control+Home", "1", "mean"),
        ("Control+End", "3", "2"),
    ]:
        image_page.keyboard.press(key)
        settle(image_page)
        assert (image_page.input_value("#layer"), image_page.input_value("#head")) == (layer, head)
    assert cell.evaluate("element => element === document.activeElement")
    assert cell.get_attribute("aria-colindex") == "5"
    assert "Layer 3, head 2: " in (cell.get_attribute("aria-label") or "")
    image_page.keyboard.press("PageDown")
    image_page.wait_for_url("**/i/image1/index.html#layer=3&head=2&*")


def test_keys_do_nothing_outside_of_the_wall_and_the_pictures(image_page: Page) -> None:
    url = image_page.url
    image_page.locator("body").press("ArrowUp")
    image_page.locator("body").press("PageDown")
    assert image_page.url == url


def test_a_picture_can_be_read_with_the_keyboard(image_page: Page) -> None:
    stage = image_page.locator('[data-model="3"] [data-stage]')
    stage.focus()
    image_page.keyboard.press("ArrowRight")  # to the middle first
    settle(image_page)
    where = image_page.locator(".reading .where")
    assert where.nth(3).text_content() == "row 5, col 7"
    image_page.keyboard.press("ArrowRight")
    image_page.keyboard.press("ArrowUp")
    settle(image_page)
    assert where.nth(3).text_content() == "row 4, col 8"
    # the same place on the coarser grid
    assert where.nth(0).text_content() == "row 2, col 4"
    assert "at=" in image_page.url
    expect(image_page.locator("#announcer")).to_contain_text("row 4, column 8")


def test_everything_can_be_reached_with_tab_and_shows_its_focus(image_page: Page) -> None:
    seen = []
    image_page.locator("#more").click()
    image_page.locator("body").evaluate("() => document.querySelector('.skip').focus()")
    for _ in range(70):
        image_page.keyboard.press("Tab")
        seen.append(
            image_page.evaluate(
                """() => {
                    const element = document.activeElement;
                    const box = element.getBoundingClientRect();
                    const bar = document.querySelector('.controls').getBoundingClientRect();
                    const inBar = element.closest('.controls') !== null;
                    const hidden = !inBar && box.bottom <= bar.bottom && bar.top <= 0;
                    const style = getComputedStyle(element);
                    const ring = style.outlineStyle !== 'none' && style.outlineWidth !== '0px';
                    return [element.id || element.getAttribute('role') || element.tagName,
                            ring, hidden];
                }"""
            )
        )
    names = [name for name, _, _ in seen]
    for wanted in (*IDS, "gridcell", "application"):
        assert wanted in names, wanted
    assert [name for name, ring, _ in seen if not ring and name != "BODY"] == []
    assert [name for name, _, hidden in seen if hidden] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_targets_are_large_enough_for_fingers(visit: Visit, width: int) -> None:
    page = visit("i/image0/index.html", width=width).page
    page.locator("#more").click()
    small = page.evaluate(
        """() => [...document.querySelectorAll(
                // terms stand in the line of a sentence
                'button:not(.term-word), select, input, summary, .pager a')]
            .filter(e => e.getClientRects().length)
            .map(e => [e.id || e.textContent.trim(), e.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24)
            .map(([name]) => name)"""
    )
    assert small == []


def test_steps_change_the_layer_and_stop_at_the_ends(image_page: Page) -> None:
    # at the end a step stays focusable and does nothing
    image_page.select_option("#layer", "pool")
    image_page.get_by_role("button", name="Next layer").click(force=True)
    assert image_page.input_value("#layer") == "pool"
    image_page.get_by_role("button", name="Previous layer").click()
    image_page.get_by_role("button", name="Previous layer").click()
    settle(image_page)
    assert image_page.input_value("#layer") == "5"


def test_the_page_opens_at_the_last_layer_of_each_model_and_says_how(image_page: Page) -> None:
    found = [title.split(",")[0] for title in titles(image_page)]
    assert found == [*["Layer 3 of 3"] * 3, "Layer 6 of 6"]
    assert image_page.locator("#layer-says").inner_text() == "Layer by depth"
    image_page.locator("#more").click()
    image_page.select_option("#pair-layers", "number")
    settle(image_page)
    assert image_page.locator("#layer-says").inner_text() == "Layer"
    assert stages(image_page) == [*["This model has 3 layers."] * 3, ""]


@pytest.mark.slow
def test_a_switch_between_comparing_and_looking_is_in_the_address_and_remembered(
    visit: Visit,
) -> None:
    opened = visit("i/image0/index.html")
    page = opened.page
    expect(page.get_by_role("radio", name="compare")).to_be_checked()
    page.get_by_role("radio", name="look").check()
    opened.wait()
    assert values(page)["scale"] == "map" and values(page)["draw"] == "smooth"
    assert "scale=map" in page.url and "draw=smooth" in page.url
    page.goto(opened.root + "i/image1/index.html")
    opened.wait()
    expect(page.get_by_role("radio", name="look")).to_be_checked()
    page.get_by_role("radio", name="compare").check()
    opened.wait()
    assert values(page)["scale"] == "shared" and values(page)["draw"] == "nearest"
    page.reload()
    opened.wait()
    page.goto(opened.root + "i/image0/index.html")
    opened.wait()
    expect(page.get_by_role("radio", name="compare")).to_be_checked()


def test_the_bar_has_seven_controls_at_most(image_page: Page) -> None:
    stops = image_page.locator(".controls").locator("button:visible, select:visible, fieldset")
    assert stops.count() <= 7


@pytest.mark.parametrize("how", ["Escape", "outside", "button"])
def test_more_settings_cover_no_map_and_close(image_page: Page, how: str) -> None:
    button, panel = image_page.locator("#more"), image_page.locator("#more-panel")
    button.click()
    settle(image_page)
    box = panel.bounding_box()
    for stage in image_page.locator(".models .stage").all():
        assert stage.bounding_box()["y"] >= box["y"] + box["height"]
    if how == "Escape":
        image_page.locator("#clip").focus()
        image_page.keyboard.press("Escape")
        expect(button).to_be_focused()
    elif how == "outside":
        image_page.locator("h1").click()
    else:
        button.click()
    expect(panel).to_be_hidden()


@pytest.mark.parametrize("key", ["Enter", " "])
def test_enter_and_space_act_on_a_focused_map(image_page: Page, key: str) -> None:
    stage = image_page.locator('[data-model="3"] [data-stage]')
    stage.focus()
    image_page.keyboard.press("ArrowRight")
    scrolled = image_page.evaluate("() => scrollY")
    image_page.keyboard.press(key)
    settle(image_page)
    assert image_page.input_value("#query") == "patch"
    assert image_page.evaluate("() => scrollY") == scrolled
    image_page.keyboard.press(key)
    settle(image_page)
    assert image_page.input_value("#query") == "CLS"


def test_the_place_of_a_reader_survives_the_next_picture(image_page: Page) -> None:
    cell = image_page.locator('[data-wall="0"] [role=gridcell]')
    cell.focus()
    scrolled = image_page.evaluate("() => scrollY")
    assert scrolled > 0
    image_page.keyboard.press("PageDown")
    image_page.wait_for_url("**/i/image1/index.html#*")
    image_page.wait_for_selector("html.ready", state="attached")
    expect(image_page.locator('[data-wall="0"] [role=gridcell]')).to_be_focused()
    settle(image_page)
    assert abs(image_page.evaluate("() => scrollY") - scrolled) <= 40


def test_a_click_in_a_wall_shows_its_result_where_the_reader_is(visit: Visit) -> None:
    page = visit("i/image0/index.html#layer=3").page
    frame = page.locator('[data-wall="3"] .wall-frame')
    page.evaluate("() => scrollTo(0, document.querySelector('.walls').offsetTop)")
    settle(page)
    scrolled = page.evaluate("() => scrollY")
    frame.click(position={"x": 5, "y": 5})
    peek = page.locator(".peek")
    expect(peek).to_be_visible()
    expect(peek).to_be_in_viewport()
    assert page.evaluate("() => scrollY") == scrolled
    expect(peek).to_contain_text("Layer 1 of 6, mean")
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
