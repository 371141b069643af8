"""A small site to publish, the command line, and git."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from generator.cli import main
from generator.export.publish.git import INHERITED
from generator.present.files.manifest import Manifest, TextEntry
from generator.present.files.manifest_file import manifest_bytes, read_manifest
from generator.present.site.write import build_site
from tests.present.gallery import gallery


def build(folder: Path) -> Path:
    """A site of four models and two pictures, credited and licensed."""
    trial = gallery(folder / "pictures")
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return folder / "site"


def manifest_of(site: Path) -> Manifest:
    found = read_manifest(site)
    assert found is not None
    return found


def rewrite(site: Path, **facts: object) -> None:
    """Change the site's manifest."""
    (site / "manifest.json").write_bytes(manifest_bytes(replace(manifest_of(site), **facts)))  # type: ignore[arg-type]


def run(*words: str | Path) -> Result:
    """Run ``attention-gallery publish`` in this process; a bug keeps its traceback."""
    return CliRunner().invoke(main, ["publish", *map(str, words)], catch_exceptions=False)


def refused(*words: str | Path, code: int = 2) -> str:
    """The one line that the command says when it stops."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    return line


def git(folder: Path, *words: str) -> str:
    """What git prints."""
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def identify(folder: Path) -> dict[str, str]:
    """The environment in which git knows its user and nothing else of this machine."""
    config = folder / "gitconfig"
    config.write_text(
        "[user]\n\tname = A. Curator\n\temail = curator@example.org\n"
        "[init]\n\tdefaultBranch = main\n"
    )
    return {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}


def edit(path: Path, text: str) -> None:
    """Change a page, style or script as if it had been built so."""
    site = next(folder for folder in path.parents if (folder / "manifest.json").is_file())
    path.write_text(text)
    data, name = path.read_bytes(), path.relative_to(site).as_posix()
    entry = TextEntry(name, hashlib.sha256(data).hexdigest(), len(data))
    texts = manifest_of(site).texts
    rewrite(site, texts=tuple(entry if old.path == name else old for old in texts))
