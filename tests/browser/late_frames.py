"""A plugin of pytest that shows every animation frame late, as a loaded machine does.

A test that reads the page right after a click passes or fails by chance; with this plugin it
always fails: ``pytest -p tests.browser.late_frames tests/browser``. A film leaves frames out when
they come too late for it, so the test that counts them fails too.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

LATE_MS = 120
SCRIPT = """(() => {
  const soon = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => setTimeout(() => soon(draw), LATE_MS);
  window.cancelAnimationFrame = (asked) => clearTimeout(asked);
})()""".replace("LATE_MS", str(LATE_MS))


@pytest.fixture(scope="session", autouse=True)
def late_frames() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("new_context", "new_page"):
            patch.setattr(Browser, name, _late(getattr(Browser, name)))
        yield


def _late(open_one: Any) -> Any:
    def opened(browser: Browser, **options: Any) -> Any:
        one = open_one(browser, **options)
        if options.get("java_script_enabled", True):
            one.add_init_script(SCRIPT)
        return one

    return opened
