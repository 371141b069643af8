"""The workflow that GitHub runs: what it says, and that its commands do what they should."""

from __future__ import annotations

import html
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.export.publish.workflow import DrawCommand, drawing_requirements, redrawing
from tests.capture.families import FAMILIES
from tests.export.publish.publishing import build, git, identify, refused, run
from tests.present.gallery import picture, tree

FILE = ".github/workflows/pages.yml"
TOLD = (
    "Wrote .github/workflows/pages.yml.\n"
    "Commit and push: git add .github/workflows/pages.yml {paths} && git commit && git push\n"
    "Once, on GitHub: Settings, Pages, Source: GitHub Actions.\n"
    "Its address: https://lab.github.io/registers/\n"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def here(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository of GitHub's with a site in ``docs/gallery``."""
    for name, value in identify(tmp_path).items():
        monkeypatch.setenv(name, value)
    git(tmp_path, "init", "--quiet", "paper")
    folder = tmp_path / "paper"
    git(folder, "remote", "add", "origin", "git@github.com:lab/registers.git")
    shutil.copytree(built, folder / "docs" / "gallery")
    monkeypatch.chdir(folder)
    return folder


BUILD = ["build", "gallery.toml", "--store", "my records"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository's files: pictures, a model's folder, a gallery file, records and the site."""
    folder = tmp_path_factory.mktemp("measured")
    family = next(family for family in FAMILIES if family.name == "dinov2")
    family.save(folder / "model")
    (folder / "model" / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "photos").mkdir()
    stated = ""
    for seed in range(2):
        picture(folder / "photos" / f"{seed}.png", seed)
        stated += f'["{seed}.png"]\ncredit = "A. Painter"\nlicense = "CC0-1.0"\n'
    (folder / "photos" / "credits.toml").write_text(stated)
    (folder / "gallery.toml").write_text(
        'title = "Cats & \\"dogs\\""\nmodels = ["model"]\nimages = ["photos"]\nout = "docs"\n'
    )
    done = command(*BUILD, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def command(*words: str, folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``attention-gallery`` in a process of its own."""
    code = f"{before}\nfrom generator.cli import main\nmain()"
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def records(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository with everything that a workflow needs to draw."""
    for name, value in identify(tmp_path).items():
        monkeypatch.setenv(name, value)
    folder = Path(shutil.copytree(measured, tmp_path / "paper"))
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", "https://github.com/lab/registers")
    monkeypatch.chdir(folder)
    return folder


DRAW = ["--from", "records", "--gallery", "gallery.toml", "--store", "my records"]
PROGRAM = ["--program", "attention-gallery @ git+https://example.org/a.git@0123abc"]


def workflow(folder: Path, file: str = FILE) -> Any:
    """The workflow, read by a YAML parser of version 1.2 in this: ``on`` is no boolean."""
    loaded = yaml.load((folder / file).read_text(), Loader=yaml.BaseLoader)
    assert isinstance(loaded, dict)
    return loaded


def uses(job: Any) -> list[str]:
    return [step["uses"] for step in job["steps"] if "uses" in step]


def commands(job: Any) -> list[list[str]]:
    """The commands of a job, as a shell splits them."""
    return [shlex.split(step["run"]) for step in job["steps"] if "run" in step]


# --- a committed site -----------------------------------------------------------------------------


def test_workflow_that_deploys_a_site(here: Path) -> None:
    result = run("docs/gallery", "--to", "workflow", "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == TOLD.format(paths="docs/gallery")
    found = workflow(here)
    assert found["on"] == {"push": {"branches": ["main"]}, "workflow_dispatch": ""}
    assert found["permissions"] == {"contents": "read"}
    assert found["concurrency"] == {"group": "pages", "cancel-in-progress": "false"}
    built, deploy = found["jobs"]["build"], found["jobs"]["deploy"]
    assert uses(built) == ["actions/checkout@v7", "actions/upload-pages-artifact@v5"]
    assert built["steps"][-1]["with"] == {"path": "docs/gallery"}
    assert commands(built) == [], "nothing is installed to deploy what is there"
    assert uses(deploy) == ["actions/configure-pages@v6", "actions/deploy-pages@v5"]
    assert deploy["needs"] == "build"
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert deploy["environment"] == {
        "name": "github-pages",
        "url": "${{ steps.deployment.outputs.page_url }}",
    }
    assert deploy["steps"][-1]["id"] == "deployment"


def test_main_branch_of_the_remote_starts_it(here: Path) -> None:
    git(here, "checkout", "--quiet", "-b", "work")
    git(here, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    run("docs/gallery", "--to", "workflow", "--yes", "--name", "gallery.yml")
    found = workflow(here, ".github/workflows/gallery.yml")
    assert found["on"]["push"] == {"branches": ["trunk"]}


def test_folder_with_a_hard_name(here: Path) -> None:
    (here / "docs" / "gallery").rename(here / "docs" / "it's: a #1 gallery")
    assert run("docs/it's: a #1 gallery", "--to", "workflow", "--yes").exit_code == 0
    path = workflow(here)["jobs"]["build"]["steps"][-1]["with"]["path"]
    assert path == "docs/it's: a #1 gallery"


@pytest.mark.parametrize(
    "name",
    ["results: final", "a #1", "ends:", "'quoted' \"twice\"", "back\\slash", "a, b", "& *x", "{}",
     "- list", "%", "@home", "\U0001f408 Ωμέγα", "true", "! tag", "| > text", "$HOME `x`"],
)  # fmt: skip
def test_every_name_is_one_word_of_the_command(name: str) -> None:
    drawn = redrawing(DrawCommand(f"{name}/g.toml", f"{name} store", f"{name} @ file", ()), name)
    found = yaml.load(drawn, Loader=yaml.BaseLoader)
    commands = [shlex.split(step["run"]) for step in found["jobs"]["build"]["steps"][2:5]]
    assert commands[1] == ["python", "-m", "pip", "install", "--no-deps", f"{name} @ file"]
    build = ["attention-gallery", "build", f"{name}/g.toml", "--store", f"{name} store"]
    assert commands[2] == [*build, "--out", "site", "--records-only"]
    assert found["on"]["push"]["branches"] == [name.replace("!", "\\!")]


def test_a_plain_command_is_plain() -> None:
    drawn = redrawing(DrawCommand("gallery.toml", "records", "attention-gallery==1.0", ()), "main")
    assert "\n      - run: attention-gallery build gallery.toml --store records --out" in drawn
    assert "\n      - run: python -m pip install --no-deps attention-gallery==1.0\n" in drawn


def test_same_file_is_no_conflict_and_another_is(here: Path) -> None:
    assert run("docs/gallery", "--to", "workflow", "--yes").exit_code == 0
    before = (here / FILE).read_bytes()
    assert run("docs/gallery", "--to", "workflow", "--yes").exit_code == 0
    assert (here / FILE).read_bytes() == before
    (here / FILE).write_text("name: Mine\n")
    assert refused("docs/gallery", "--to", "workflow", "--yes") == (
        "Error: .github/workflows/pages.yml is there already and says something else. "
        "Choose another with --name, or overwrite it with --force."
    )
    assert (here / FILE).read_text() == "name: Mine\n"
    assert run("docs/gallery", "--to", "workflow", "--yes", "--force").exit_code == 0
    assert (here / FILE).read_bytes() == before


def test_dry_run_shows_the_file_and_writes_none(here: Path) -> None:
    shown = run("docs/gallery", "--to", "workflow", "--dry-run").stdout
    assert shown.endswith(
        "\n\nNothing was published: this was a dry run. .github/workflows/pages.yml would be "
        "written; it publishes the site at every push.\n"
    )
    assert not (here / ".github").exists()
    run("docs/gallery", "--to", "workflow", "--yes")
    text = (here / FILE).read_text().rstrip()
    assert f"\nbeside the site, .github/workflows/pages.yml:\n\n{text}\n" in shown


def test_site_outside_the_repository(here: Path, built: Path) -> None:
    assert refused(built, "--to", "workflow", "--yes") == (
        f"Error: The site {built} is not in a folder of the repository paper, where the workflow "
        "could find it. Move it there, and commit it."
    )


def test_site_that_git_ignores(here: Path) -> None:
    (here / ".gitignore").write_text("/docs/\n")
    assert refused("docs/gallery", "--to", "workflow", "--yes", code=1) == (
        "Error: The site docs/gallery is ignored by git, so the workflow would not find it. "
        "Take it out of .gitignore, and commit it."
    )


@pytest.mark.parametrize("name", ["", "../pages", "a b", ".yml"])
def test_names_that_no_workflow_can_have(here: Path, name: str) -> None:
    assert refused("docs/gallery", "--to", "workflow", "--yes", "--name", name) == (
        f"Error: {name!r} is no name for a workflow. Choose one like pages."
    )


def test_expressions_of_github_are_not_smuggled_in(here: Path) -> None:
    bad = here / "${{ secrets.KEY }}"
    (here / "docs" / "gallery").rename(bad)
    assert refused(bad.name, "--to", "workflow", "--yes") == (
        "Error: The site ${{ secrets.KEY }} has a name that a workflow cannot hold. Rename it."
    )


# --- committed records ----------------------------------------------------------------------------


def test_workflow_that_draws_from_records(records: Path) -> None:
    result = run("docs", "--to", "workflow", "--yes", *DRAW, *PROGRAM)
    assert (result.exit_code, result.stdout) == (
        0,
        TOLD.format(paths="gallery.toml 'my records' photos model"),
    )
    job = workflow(records)["jobs"]["build"]
    assert uses(job) == [
        "actions/checkout@v7",
        "actions/setup-python@v7",
        "actions/upload-pages-artifact@v5",
    ]
    assert job["steps"][1]["with"] == {"python-version": "3.12"}
    libraries, program, draw = commands(job)
    assert program == [
        *("python", "-m", "pip", "install", "--no-deps"),
        "attention-gallery @ git+https://example.org/a.git@0123abc",
    ]
    assert libraries == ["python", "-m", "pip", "install", *drawing_requirements()]
    assert draw == [
        *("attention-gallery", "build", "gallery.toml", "--store", "my records"),
        *("--out", "site", "--records-only"),
    ]
    assert job["steps"][-1]["with"] == {"path": draw[-2]}


@pytest.mark.slow
def test_its_command_draws_the_same_site_without_torch(records: Path) -> None:
    run("docs", "--to", "workflow", "--yes", *DRAW, *PROGRAM)
    _, _, draw = commands(workflow(records)["jobs"]["build"])
    without = "import sys; sys.modules.update(torch=None, transformers=None)"
    done = command(*draw[1:], folder=records, before=without)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "1 model x 2 images: 0 measured, 2 from the store.\nOpen site/index.html, or run: "
        "attention-gallery serve site --open\n"
    )
    first, again = tree(records / "docs"), tree(records / "site")
    assert first.keys() == again.keys()
    commands_of = [f"attention-gallery {shlex.join(words)}" for words in (BUILD, draw[1:])]
    for path in first:
        if first[path] != again[path]:  # only the command that makes the site may differ
            texts = [html.unescape(files[path].decode()) for files in (first, again)]
            if path == "manifest.json":  # and so the checksums of the pages that print it
                texts = [json.dumps(json.loads(text) | {"texts": []}) for text in texts]
            apart = [text.replace(said, "") for text, said in zip(texts, commands_of, strict=True)]
            assert apart[0] == apart[1] and apart[0] != texts[0], path


def test_its_requirements_are_the_programs_without_measuring() -> None:
    """With torch would come CUDA, some gigabytes of it."""
    stated = importlib.metadata.requires("attention-gallery") or []
    assert any("extra ==" in line for line in stated)
    needed = {line for line in stated if "extra ==" not in line}
    left_out = needed - set(drawing_requirements())
    assert sorted(re.split(r"\W", line)[0] for line in left_out) == ["torch", "transformers"]
    assert set(drawing_requirements()) < needed


@pytest.mark.slow
def test_records_only_measures_nothing(records: Path) -> None:
    done = command("build", "gallery.toml", "--store", "none", "--records-only", folder=records)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        "Error: 2 records are not in none, the first of model on 0.png, and --records-only "
        "measures nothing. Measure where the models run, with the same options and the same "
        "--store."
    )
    assert not list((records / "none").glob("*.safetensors"))


@pytest.mark.parametrize("missing", ["--gallery", "--store", "--program"])
def test_drawing_needs_three_things(records: Path, missing: str) -> None:
    words = [*DRAW, *PROGRAM]
    at = words.index(missing)
    assert refused("docs", "--to", "workflow", "--yes", *words[:at], *words[at + 2 :]) == (
        "Error: To draw from records the workflow must know the gallery file, the folder of its "
        "records, and where to get this program. Say --gallery gallery.toml, --store records and "
        "--program 'attention-gallery @ git+https://...@COMMIT' or a released version."
    )


@pytest.mark.parametrize("number", range(3))
def test_records_of_another_site(records: Path, number: int) -> None:
    """Two of images, and one of the model without an image."""
    store = records / "my records"
    files = [*sorted(store.glob("??/*.safetensors")), *store.glob("weights/*.safetensors")]
    assert len(files) == 3
    files[number].unlink()
    assert refused("docs", "--to", "workflow", "--yes", *DRAW, *PROGRAM, code=1) == (
        "Error: 1 of the site's 3 records are not in my records. "
        "Build it with --store and that folder, and publish again."
    )


def test_pictures_that_the_workflow_would_not_find(records: Path, tmp_path: Path) -> None:
    (records / "photos").rename(tmp_path / "photos")
    (records / "gallery.toml").write_text('models = ["model"]\nimages = ["../photos"]\n')
    assert refused("docs", "--to", "workflow", "--yes", *DRAW, *PROGRAM) == (
        "Error: The path of images ../photos is not in a folder of the repository "
        "paper, where the workflow could find it. Move it there, and commit it."
    )


def test_gallery_file_with_a_mistake(records: Path) -> None:
    (records / "gallery.toml").write_text('modells = ["model"]\nimages = ["photos"]\n')
    line = refused("docs", "--to", "workflow", "--yes", *DRAW, *PROGRAM)
    assert line.startswith("Error: gallery.toml")
    assert "modells" in line


def test_what_pip_could_not_install(records: Path) -> None:
    words = ["--program", "x\n- run: rm -rf ."]
    assert refused("docs", "--to", "workflow", "--yes", *DRAW, *words) == (
        "Error: 'x\\n- run: rm -rf .' is nothing pip could install. Correct --program."
    )
