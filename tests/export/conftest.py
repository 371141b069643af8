"""A built site with its store, to be exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser

from generator.cli import main
from generator.present.site.write import build_site
from generator.records.store import Store
from tests.browser.opened import Opened
from tests.once import once
from tests.present.gallery import Gallery, gallery


@dataclass(frozen=True)
class Exportable:
    """A site, the gallery it shows, and where its records are."""

    trial: Gallery
    site: Path
    store: Path

    def export(self, *words: str, code: int = 0) -> str:
        """Run ``attention-gallery export``; what it said."""
        kind, *rest = words
        result = CliRunner().invoke(
            main, ["export", kind, str(self.site), *rest, "--store", str(self.store)]
        )
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    def make(folder: Path) -> Exportable:
        return exported(gallery(folder / "pictures"), folder)

    return once(tmp_path_factory, "export", make)


def exported(trial: Gallery, folder: Path) -> Exportable:
    """A gallery's records and site in a folder."""
    store = Store(folder / "store")
    for record in trial.records.values():
        store.put(record)
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return Exportable(trial, folder / "site", folder / "store")


@pytest.fixture
def twice(made: Exportable, tmp_path: Path) -> Callable[..., Path]:
    """Export a file two times, find the same bytes, and give one of them."""

    def run(kind: str, name: str, *words: str) -> Path:
        paths = [tmp_path / folder / name for folder in ("one", "two")]
        for path in paths:
            made.export(kind, "-o", str(path), *words)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        return paths[0]

    return run


@pytest.fixture(scope="session")
def single(made: Exportable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site in one file."""
    path = tmp_path_factory.mktemp("single") / "gallery.html"
    made.export("single", "-o", str(path))
    return path


@pytest.fixture
def look(chromium: Browser) -> Iterator[Callable[..., Opened]]:
    """Open a file; afterwards the console must have been silent and nothing asked for but it."""
    opened: list[tuple[Opened, Path]] = []

    def look(path: Path, fragment: str = "", *, scripts: bool = True, width: int = 1280) -> Opened:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts
        )
        found = Opened(context.new_page(), path.as_uri())
        opened.append((found, path))
        found.page.goto(path.as_uri() + fragment)
        if "page=i/" in fragment:
            found.wait()
        return found

    yield look
    for one, path in opened:
        one.page.context.close()
        assert one.noise == []
        asked = {url.partition("#")[0] for url in one.requests}
        assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {path.as_uri()}
