"""A page under test, with everything it said and asked for."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from playwright.sync_api import Browser, Page, Request

CALM = """() => new Promise(done => {
    const busy = ".stage-loading, .view-choice[aria-busy=true], #numbers[aria-busy=true]";
    const start = performance.now();
    let frames = 0;
    const look = () => {
        const ready = document.documentElement.classList.contains("ready");
        frames = ready && !document.querySelector(busy) ? frames + 1 : 0;
        if (frames > 2 || performance.now() - start > 30000) done(frames > 2);
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""
"""Whether a page is ready for three frames on end; it is asked in the page, frame by frame."""


class Opened:
    """A page, its console and its requests.

    Attributes:
        page: the browser's page.
        root: URL of the site.
        noise: console messages, errors and failed requests.
        requests: URLs asked for.
    """

    def __init__(self, page: Page, root: str) -> None:
        self.page = page
        self.root = root
        self.noise: list[str] = []
        self.requests: list[str] = []
        self._heard: dict[str, Any] = {
            "console": lambda message: self.noise.append(message.text),
            "pageerror": lambda error: self.noise.append(str(error)),
            "requestfailed": self._failed,
            "request": lambda request: self.requests.append(request.url),
        }
        for event, hear in self._heard.items():
            page.on(event, hear)  # type: ignore[call-overload]

    def leave(self) -> None:
        """Hear no more of the page."""
        for event, hear in self._heard.items():
            self.page.remove_listener(event, hear)

    def _failed(self, request: Request) -> None:
        # a lazy picture that is still on its way when the reader moves on is no failure
        if request.failure != "net::ERR_ABORTED":
            self.noise.append(f"failed: {request.url}")

    def wait(self) -> None:
        """Until every map that can be shown is, and has been painted."""
        # not wait_for_function: it evaluates text, which the page's policy rightly forbids
        if not self.page.evaluate(CALM):
            raise AssertionError(f"{self.page.url} never got ready. It said {self.noise}.")


class Tabs:
    """Pages of a browser that are used by one test after another.

    Opening one takes the browser as long as showing a site in it. One from which a test opened
    others is not used again.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: defaultdict[tuple[bool, str, bool], list[Page]] = defaultdict(list)
        self._lent: dict[Page, tuple[bool, str, bool]] = {}

    def open(
        self,
        width: int,
        height: int = 900,
        *,
        scripts: bool = True,
        scheme: Any = "light",
        bypass: bool = False,
    ) -> Page:
        """An empty page.

        Args:
            width: of the window, in pixels.
            height: of the window.
            scripts: whether JavaScript is on.
            scheme: light or dark.
            bypass: whether pages may be given scripts against their policy.
        """
        key = (scripts, scheme, bypass)
        if self._free[key]:
            page = self._free[key].pop()
            page.set_viewport_size({"width": width, "height": height})
        else:
            context = self._browser.new_context(
                viewport={"width": width, "height": height},
                java_script_enabled=scripts,
                color_scheme=scheme,
                bypass_csp=bypass,
            )
            page = context.new_page()
        self._lent[page] = key
        return page

    def close(self, page: Page) -> None:
        """Forget what a page kept, so that the next test finds it as if it were new."""
        key = self._lent.pop(page)
        context = page.context
        if page.is_closed() or len(context.pages) > 1:
            context.close()
            return
        context.clear_permissions()
        page.unroute_all()
        if key[0] and page.url != "about:blank":
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.goto("about:blank")
        self._free[key].append(page)


def settle(page: Page) -> None:
    """Two frames, so that what was asked for has been painted."""
    page.evaluate("() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")


def heat_cell(page: Page, chart: str, layer: int, head: int) -> tuple[float, float]:
    """The middle of a cell of a heat map, in the window."""
    cells = page.locator(f"#{chart} .chart-cells")
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    columns = int(cells.get_attribute("data-columns") or 0)
    rows = int(cells.get_attribute("data-rows") or 0)
    assert box and columns and rows
    return (
        box["x"] + box["width"] * (head - 0.5) / columns,
        box["y"] + box["height"] * (layer - 0.5) / rows,
    )


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    width = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return int(width)


def read_number(text: str) -> float:
    """The number that a page has printed: ``1,235``, ``−1.2e−4``."""
    return float(text.replace("\u2212", "-").replace(",", ""))
