"""The page's scripts: typed, and free of what a page opened by double click or a policy forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.bundled import bundled
from generator.present.pages.assets import BOOT, COLORS, ORDER, SINGLE, SINGLE_BOOT

SCRIPT_FOLDER = bundled("templates") / "static" / "js"


def test_every_script_is_published_in_the_stated_order() -> None:
    """The table of colors is made for each site."""
    found = {path.name for path in SCRIPT_FOLDER.glob("*.js")}
    assert found | {COLORS} == {BOOT, *ORDER, SINGLE_BOOT, SINGLE}


@pytest.mark.parametrize("path", sorted(SCRIPT_FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_scripts_use_nothing_forbidden(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    forbidden = (
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|fetch|import)\b\s*[(=.]"
    )
    assert re.findall(forbidden, text) == []
    assert "http:" not in text
    assert "https:" not in text


def test_types_hold() -> None:
    compiler = shutil.which("tsc")
    if compiler is None:
        pytest.skip("There is no tsc: npm install --global typescript.")
    command = [compiler, "-p", str(SCRIPT_FOLDER)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout == ""


@pytest.mark.parametrize(
    "path",
    sorted({*SCRIPT_FOLDER.glob("*.js")} - {SCRIPT_FOLDER / "lifetime.js", SCRIPT_FOLDER / SINGLE}),
    ids=lambda path: path.name,
)
def test_what_a_page_sets_up_outside_of_itself_ends_with_it(path: Path) -> None:
    """In a single file another page follows in the same document: see ``lifetime.js``."""
    text = path.read_text(encoding="utf-8")
    assert "new ResizeObserver" not in text, "Lifetime.resized does it while the page lasts"
    listening = re.findall(r"\b(?:window|document)\.addEventListener\(.*", text)
    assert [line for line in listening if "signal" not in line] == []
