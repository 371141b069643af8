"""Publishing to a Space of a hub on this machine, by the hub's own library."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from generator.export.publish.space import space_card
from generator.present.files.manifest import Manifest
from generator.text.amounts import size_in_words
from tests.export.publish.publishing import build, manifest_of
from tests.hub.fake_hub import FakeHub, Fault
from tests.hub.fake_spaces import Space
from tests.hub.worker import Result, Worker
from tests.present.gallery import HOSTILE, tree

SPACE = "lab/attention"
TOKEN = "hf_write"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.tokens.add(TOKEN)
        hub.owners.add("lab")
        yield hub


@pytest.fixture
def hub(listening: FakeHub) -> FakeHub:
    """The hub, without Spaces."""
    listening.spaces.clear()
    listening.faults.clear()
    listening.log.clear()
    return listening


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, listening: FakeHub) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("work")
    environment = {"HF_TOKEN": TOKEN, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    with Worker(folder, HF_ENDPOINT=listening.url, **environment) as worker:
        yield worker


def send(worker: Worker, site: Path, *words: str) -> Result:
    return worker.run("publish", str(site), "--to", "space", "--space", SPACE, "--yes", *words)


def refused(worker: Worker, site: Path, *words: str, code: int = 2) -> str:
    """The one line that the command says when it stops."""
    result = send(worker, site, *words)
    assert (result.code, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    return line


def written(hub: FakeHub) -> list[str]:
    """The requests that change something."""
    return [
        request.path
        for request in hub.requests()
        if request.method == "PUT" or "/commit/" in request.path or "/create" in request.path
    ]


def card_of(files: dict[str, bytes]) -> dict[str, object]:
    """The head of a README, as the hub reads it."""
    _, head, _ = files["README.md"].decode().split("---\n", 2)
    loaded = yaml.safe_load(head)
    assert isinstance(loaded, dict)
    return loaded


# --- what works -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_new_space_holds_the_site_and_its_card(worker: Worker, hub: FakeHub, site: Path) -> None:
    result = send(worker, site)
    assert (result.code, result.stderr) == (0, "")
    files, size = tree(site), sum(map(len, tree(site).values()))
    assert result.stdout == (
        f"Published {len(files)} files, {size_in_words(size)}, to the Space {SPACE}.\n"
        f"Its address: {hub.url}/spaces/{SPACE}\n"
    )
    space = hub.spaces[SPACE]
    assert (space.sdk, space.private) == ("static", False)
    assert space.messages == ["initial commit", "Publish the gallery"], "one commit"
    mine = {path: data for path, data in space.files.items() if path not in ("README.md",)}
    assert mine == {**files, ".gitattributes": space.commits[0][".gitattributes"]}
    assert card_of(space.files) == {
        "title": "Trial",
        "sdk": "static",
        "app_file": "index.html",
        "license": "cc0-1.0",
        "models": ["tiny/deep", "tiny/plain", "tiny/probe", "tiny/registers"],
    }
    assert not result.torch


def test_card_says_the_license_that_all_pictures_share(site: Path) -> None:
    manifest = manifest_of(site)
    assert "license" not in card(replace(manifest, images=()))
    assert card(without_failures(manifest, "CC0-1.0"))["license"] == "cc0-1.0"
    assert "license" not in card(without_failures(manifest, "Ask me"))


def test_card_quotes_what_a_title_may_hold(site: Path) -> None:
    manifest = replace(manifest_of(site), title=HOSTILE + "\n---\nsdk: docker")
    assert card(manifest)["title"] == manifest.title
    assert card(manifest)["sdk"] == "static"


def card(manifest: Manifest) -> dict[str, object]:
    return card_of({"README.md": space_card(manifest).encode()})


def without_failures(manifest: Manifest, license: str) -> Manifest:
    shown = (image for image in manifest.images if image.failure is None)
    return replace(manifest, images=tuple(replace(image, license=license) for image in shown))


def test_again_keeps_the_card_and_drops_what_is_gone(
    worker: Worker, hub: FakeHub, site: Path, tmp_path: Path
) -> None:
    send(worker, site)
    space = hub.spaces[SPACE]
    mine = b"---\ntitle: My own words\nsdk: static\nemoji: X\n---\n"
    space.commits[-1]["README.md"] = mine
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    next((changed / "assets").glob("print.*.css")).unlink()
    assert send(worker, changed, "-m", "After the rebuttal").code == 0
    assert space.messages[-1] == "After the rebuttal"
    assert len(space.commits) == 3
    kept = {"README.md": mine, ".gitattributes": space.commits[0][".gitattributes"]}
    assert space.files == {**tree(changed), **kept}


def test_private_space(worker: Worker, hub: FakeHub, site: Path) -> None:
    assert send(worker, site, "--private").code == 0
    assert hub.spaces[SPACE].private
    assert send(worker, site, "--private").code == 0, "and again"


def test_space_whose_first_upload_failed(worker: Worker, hub: FakeHub, site: Path) -> None:
    """What the hub put into it is no reason to refuse."""
    hub.faults.append(Fault("/commit/main", status=500, times=1))
    assert refused(worker, site, code=1) == (
        f"Error: The Space {SPACE} cannot be written: the hub answers 500 Internal Server Error: "
        "The server is told to answer 500. Try again later."
    )
    assert send(worker, site).code == 0
    assert hub.spaces[SPACE].messages == ["initial commit", "Publish the gallery"]
    assert "style.css" not in hub.spaces[SPACE].files


def test_dry_run_asks_nothing_of_the_hub(worker: Worker, hub: FakeHub, site: Path) -> None:
    words = ("publish", str(site), "--to", "space", "--space", SPACE, "--dry-run")
    result = worker.run(*words)
    assert (result.code, result.stderr) == (0, "")
    for path in tree(site):
        assert f"  {path}\n" in result.stdout
    assert "\nbeside the site, README.md:\n\n---\ntitle: " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Nothing was published: this was a dry run. ")
    assert f", would go to the Space {SPACE} on " in result.stdout.splitlines()[-1]
    assert hub.requests() == []


# --- what is refused ------------------------------------------------------------------------------


def test_nobody_is_logged_in(hub: FakeHub, site: Path, tmp_path: Path) -> None:
    with Worker(tmp_path, HF_ENDPOINT=hub.url) as stranger:
        assert refused(stranger, site, code=1) == (
            "Error: You are not logged in to the Hugging Face hub. Log in with `hf auth login`, or "
            "set HF_TOKEN, with a token that may write."
        )
    assert hub.requests() == []


def test_login_that_the_hub_does_not_know(hub: FakeHub, site: Path, tmp_path: Path) -> None:
    with Worker(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN="hf_old") as stranger:
        line = refused(stranger, site, code=1)
    assert line.startswith(f"Error: The Space {SPACE} cannot be written: the hub answers 401 ")
    assert line.endswith(
        " Log in with `hf auth login`, or set HF_TOKEN, with a token that may write."
    )
    assert not hub.spaces


def test_space_of_somebody_else(worker: Worker, hub: FakeHub, site: Path) -> None:
    hub.spaces["other/attention"] = Space()
    result = send(worker, site, "--space", "other/attention")
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "Error: The Space other/attention cannot be written: the hub answers 403 Forbidden: You "
        "don't have write access to this repo. Name a Space of your own, or take a token that may "
        "write to this one."
    ]
    result = send(worker, site, "--space", "other/new")
    assert result.stderr.splitlines() == [
        "Error: The Space other/new cannot be written: the hub answers 403 Forbidden: You don't "
        'have the rights to create a space under "other". Name a Space of your own, or take a '
        "token that may write to this one."
    ]
    assert list(hub.spaces) == ["other/attention"]


def test_no_network(site: Path, tmp_path: Path) -> None:
    with Worker(tmp_path, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN=TOKEN) as alone:
        line = refused(alone, site, code=1)
    assert line.startswith(
        f"Error: The Space {SPACE} cannot be written: the connection to the hub failed ("
    )
    assert line.endswith("). Check the network and try again.")


def test_offline_by_choice(hub: FakeHub, site: Path, tmp_path: Path) -> None:
    with Worker(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1") as alone:
        assert refused(alone, site, code=1) == (
            f"Error: The Space {SPACE} cannot be written: HF_HUB_OFFLINE is set, so the hub is not "
            "asked. Unset it to go online."
        )
    assert hub.requests() == []


def test_space_with_something_else(worker: Worker, hub: FakeHub, site: Path) -> None:
    theirs = {"app.py": b"", "README.md": b"", "manifest.json": b"{}", "index.html": b"Demo"}
    hub.spaces[SPACE] = Space(commits=[dict(theirs)])
    assert refused(worker, site) == (
        f"Error: The Space {SPACE} holds something else than a gallery (app.py, manifest.json). "
        "Choose another name, or replace what it holds with --force."
    )
    assert written(hub) == []
    assert hub.spaces[SPACE].files == theirs
    assert send(worker, site, "--force").code == 0
    assert "app.py" not in hub.spaces[SPACE].files
    assert card_of(hub.spaces[SPACE].files)["sdk"] == "static"


def test_space_that_runs_a_program(worker: Worker, hub: FakeHub, site: Path) -> None:
    hub.spaces[SPACE] = Space(sdk="gradio")
    assert refused(worker, site) == (
        f"Error: The Space {SPACE} runs gradio, and a gallery needs a static one. "
        "Choose another name, or replace what it holds with --force."
    )
    assert written(hub) == []


@pytest.mark.parametrize("option", [(), ("--force",)])
def test_what_is_private_does_not_go_to_a_public_space(
    worker: Worker, hub: FakeHub, site: Path, option: tuple[str, ...]
) -> None:
    hub.spaces[SPACE] = Space()
    assert refused(worker, site, "--private", *option) == (
        f"Error: The Space {SPACE} is there already, and public. "
        "Make it private in its settings, choose another name, or leave out --private."
    )
    assert written(hub) == []


def test_somebody_commits_in_between(worker: Worker, hub: FakeHub, site: Path) -> None:
    hub.spaces[SPACE] = Space()
    hub.faults.append(Fault("/commit/main", status=412, times=1))
    assert refused(worker, site, code=1) == (
        f"Error: The Space {SPACE} cannot be written: the hub answers 412 Precondition Failed: The "
        "server is told to answer 412. Somebody else changed the Space in between: run the same "
        "command again."
    )


def test_storage_that_refuses_a_picture(worker: Worker, hub: FakeHub, site: Path) -> None:
    hub.large.clear()
    hub.faults.append(Fault(".git/info/lfs/objects/batch", status=403))
    line = refused(worker, site, code=1)
    assert line == (
        f"Error: The Space {SPACE} cannot be written: the hub answers 403 Forbidden: The server is "
        "told to answer 403. Name a Space of your own, or take a token that may write to this one."
    )
    assert hub.spaces[SPACE].messages == ["initial commit"]


@pytest.mark.parametrize("name", ["attention", "lab/", "lab/a b", "a/b/c", "-lab/x", "lab/a..b"])
def test_names_that_no_space_can_have(worker: Worker, hub: FakeHub, site: Path, name: str) -> None:
    result = send(worker, site, f"--space={name}")
    assert result.stderr.splitlines() == [
        f"Error: {name!r} is no name of a Space. Write it like your-name/attention-of-cats."
    ]
    assert hub.requests() == []


def test_no_name(worker: Worker, site: Path) -> None:
    result = worker.run("publish", str(site), "--to", "space", "--yes")
    assert result.stderr == "Error: Which Space? Say --space OWNER/NAME.\n"
