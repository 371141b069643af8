"""The page's scripts: typed, and free of what a page opened by double click or a policy forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.bundled import bundled
from generator.present.files.settings import Settings
from generator.present.pages.assets import BOOT, COLORS, ORDER, SINGLE, SINGLE_BOOT, write_assets
from generator.present.pages.source import without_comments

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


@pytest.mark.slow
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


def test_comments_are_left_out_and_strings_are_kept() -> None:
    source = """/* A sheet. */
// What is shown: * and /.
const Words = (() => {
  /**
   * @param {string} text
   * @returns {string} a * b / c
   */
  function url(text) {
    const known = /** @type {Map<string, Part[]>} */ (parts);
    /** @type {string} */ (known.get(text)).replace(/\\/\\*x/, "/* no // comment */");

    return `https://${text}`; // as it is
  }
"""
    assert (
        without_comments(source)
        == """const Words = (() => {
function url(text) {
const known = (parts);
(known.get(text)).replace(/\\/\\*x/, "/* no // comment */");
return `https://${text}`; // as it is
}
"""
    )


@pytest.mark.parametrize("path", sorted(SCRIPT_FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_no_template_string_spans_lines(path: Path) -> None:
    """Its indentation would be lost."""
    lines = without_comments(path.read_text(encoding="utf-8")).split("\n")
    assert [line for line in lines if line.count("`") % 2] == []


def test_scripts_of_users_stay_as_they_are(tmp_path: Path) -> None:
    """They stay files of their own, in their place."""
    own = "// mine\n  const Mine = 1;\n"
    folder = tmp_path / "templates" / "static" / "js"
    folder.mkdir(parents=True)
    folder.joinpath("dom.js").write_text(own)
    site = tmp_path / "site"
    assets = write_assets(site, folder.parents[1], Settings(), sequences=False, sweeps=False)
    before, theirs, after = (site / path for path in assets.scripts["model"][:3])
    assert theirs.read_text() == own
    assert "const Lifetime" in before.read_text()
    assert "const Glossary" in after.read_text()
    assert "/**" not in before.read_text() + after.read_text()


def test_what_the_same_pages_need_is_one_file(tmp_path: Path) -> None:
    """A page waits for each file."""
    assets = write_assets(tmp_path, None, Settings(), sequences=True, sweeps=True)
    for kind, most in (("image", 3), ("sequence", 4), ("index", 4), ("model", 2), ("pair", 1)):
        paths = assets.scripts[kind]  # type: ignore[index]
        assert len(paths) <= most, kind
        text = "".join((tmp_path / path).read_text() for path in paths)
        assert text.count("const Lifetime =") == text.count("const Glossary =") == 1
    assert len(assets.stylesheets["image"]) <= 6
