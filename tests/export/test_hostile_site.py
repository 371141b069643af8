"""A site that somebody sends may name any path: nothing outside of it is read or written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.present.files.manifest_file import DISTRUST, read_manifest
from generator.present.site.staging import OWN_NAMES
from tests.export.conftest import Exportable

SECRET = "the secret beside the site"

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def sent(made: Exportable, tmp_path: Path) -> Exportable:
    """A copy of the site beside a file that is nobody's business."""
    (tmp_path / "secret.txt").write_text(SECRET)
    shutil.copytree(made.site, tmp_path / "site")
    return Exportable(made.trial, tmp_path / "site", made.store)


def tamper(site: Path, change: Change) -> None:
    manifest = json.loads((site / "manifest.json").read_bytes())
    change(manifest)
    (site / "manifest.json").write_text(json.dumps(manifest))


def _put(value: str, *place: str | int) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        inner: Any = manifest
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value

    return change


STRAYS = [
    ("../secret.txt", ("images", 0, "files", 0, "path")),
    ("/etc/hostname", ("cells", 0, "files", 0, "path")),
    ("i/../../secret.txt", ("images", 1, "files", 0, "path")),
    (r"..\secret.txt", ("models", 0, "files", 0, "path")),
    ("C:secret.txt", ("cells", 0, "files", 0, "path")),
    (".git/config", ("images", 0, "files", 0, "path")),
    ("i/\0", ("images", 0, "files", 0, "path")),
    ("../index.html", ("pages", 0)),
    ("../../evil", ("images", 0, "slug")),
    ("a/b", ("models", 0, "slug")),
    ("..", ("cells", 0, "image")),
    ("../x", ("cells", 0, "model")),
    ("../x", ("pairs", 0, "one")),
    ("../../../key", ("cells", 0, "record")),
    ("../../../key", ("models", 0, "weights")),
]


@pytest.mark.parametrize(("path", "place"), STRAYS)
def test_every_command_refuses_a_manifest_that_leads_out(
    sent: Exportable, tmp_path: Path, path: str, place: tuple[str | int, ...]
) -> None:
    tamper(sent.site, _put(path, *place))
    before = set(tmp_path.rglob("*"))
    named = f"{sent.site / 'manifest.json'} names {path!a}, which is not inside of the site."
    for words in (
        ("export", "single", "-o", "one.html"),
        ("export", "zip", "-o", "one.zip"),
        ("export", "zip", "--anonymous", "-o", "one.zip"),
        ("export", "records", "-o", "records"),
        ("export", "maps", "-o", "maps"),
        ("export", "report", "-o", "report.html"),
        ("export", "statistics", "-o", "table.csv"),
        ("figure", "-o", "figure.pdf"),
    ):
        kind = words[: words.index("-o")]
        out = str(tmp_path / words[-1])
        command = [*kind[:2], str(sent.site), *kind[2:], "-o", out, "--store", str(sent.store)]
        if kind[0] == "figure":
            command = ["figure", str(sent.site), "-o", out, "--store", str(sent.store)]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1, command
        assert result.stderr == f"Error: {named} {DISTRUST}\n", command
    result = CliRunner().invoke(main, ["publish", str(sent.site), "--to", "branch", "--dry-run"])
    assert result.exit_code == 1
    assert f"manifest.json names {path!a}, which is not inside of the site." in result.output
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["assets/leak.js", "i/leak", "manifest-2.json"])
@pytest.mark.parametrize("kind", ["zip", "single", "maps", "report"])
def test_a_link_out_of_a_site_is_not_followed(
    sent: Exportable, tmp_path: Path, name: str, kind: str
) -> None:
    link = sent.site / name
    link.symlink_to(tmp_path / "secret.txt")
    out = tmp_path / {"zip": "o.zip", "single": "o.html", "maps": "o", "report": "o.html"}[kind]
    said = sent.export(kind, "-o", str(out), code=1)
    assert said == f"Error: {link} is a link that leads out of the site. {DISTRUST}\n"
    assert not out.exists()


def test_a_link_inside_of_a_site_is_followed(sent: Exportable, tmp_path: Path) -> None:
    (sent.site / "latest").symlink_to("index.html")
    sent.export("zip", "-o", str(tmp_path / "o.zip"))


def test_a_page_that_shows_what_lies_outside(sent: Exportable, tmp_path: Path) -> None:
    for page in (*sent.site.rglob("index.html"),):
        text = page.read_text(encoding="utf-8")
        up = "../" * (len(page.relative_to(sent.site).parts) - 1)
        leading_out = re.sub(r'(<img [^>]*?src=")', rf"\g<1>{up}../secret.txt?", text)
        page.write_text(leading_out, encoding="utf-8")
    listed = sent.site / "manifest.json"
    found = json.loads(listed.read_text())
    listed.write_text(json.dumps({**found, "texts": []}))  # who forges pages forges checksums
    out = tmp_path / "out.html"
    said = sent.export("single", "-o", str(out), code=1)
    named = f"The site {sent.site} names '../secret.txt', which is not inside of it."
    assert said == f"Error: {named} {DISTRUST}\n"
    assert not out.exists()


def test_a_build_takes_nothing_over_from_a_hostile_manifest(sent: Exportable) -> None:
    tamper(sent.site, _put("../secret.txt", "images", 0, "files", 0, "path"))
    assert read_manifest(sent.site) is None


def test_every_folder_of_a_site_is_its_own(made: Exportable) -> None:
    manifest = read_manifest(made.site)
    assert manifest is not None
    tops = {path.split("/")[0] for path in manifest.pages}
    assert all(OWN_NAMES.fullmatch(top) for top in tops | {"s"})
