"""Models from the hub, by the real command line: commits, logins, and downloads that break off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import transformers

from tests.hub.fake_hub import FakeHub, Fault, folder_files
from tests.hub.user import DINO, build, login, outage, records, refused
from tests.hub.worker import Worker


@pytest.mark.slow
def test_build_records_the_commit_and_the_license(
    worker: Worker, hub: FakeHub, folder: Path
) -> None:
    commit = hub.repos[DINO].refs["main"]
    result = build(worker, DINO, "one.png")
    assert result.code == 0, result.stderr
    assert result.stdout.startswith("1 model x 1 image: 1 measured, 0 from the store.\n")

    (record,) = records(folder, DINO)
    facts = record.model
    assert (facts.source, facts.revision, facts.commit) == ("hub", "main", commit)
    assert (facts.weights_sha256, facts.license) == ("", "apache-2.0")
    (model,) = json.loads((folder / "site/manifest.json").read_text())["models"]
    assert (model["id"], model["commit"], model["facts"]["license"]) == (DINO, commit, "apache-2.0")
    weights = [request for request in hub.weight_requests(DINO) if request.method == "GET"]
    assert len(weights) == 1, "the weights are downloaded once"
    assert weights[0].sent == len(hub.repos[DINO].commits[commit]["model.safetensors"])


@pytest.mark.slow
def test_gate_that_let_us_in_is_remembered(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/granted", checkpoint, license="mit", access="granted")
    for model, gated in (("tiny/granted", True), (DINO, False)):
        assert build(worker, model, "one.png", out="gate").code == 0
        (entry,) = json.loads((folder / "gate/manifest.json").read_text())["models"]
        assert (entry["id"], entry["gated"]) == (model, gated)


def test_second_build_measures_nothing_and_asks_for_no_weights(
    worker: Worker, hub: FakeHub, folder: Path
) -> None:
    assert build(worker, DINO, "one.png").code == 0
    before = len(hub.weight_requests(DINO))
    result = build(worker, DINO, "one.png")
    assert result.stdout.startswith("1 model x 1 image: 0 measured, 1 from the store.\n")
    assert len(hub.weight_requests(DINO)) == before


@pytest.mark.parametrize("revision", ["main", "dev", "v1.0", "refs/pr/3", "commit", "short"])
def test_revision_is_resolved_to_its_commit(worker: Worker, hub: FakeHub, revision: str) -> None:
    refs = hub.repos[DINO].refs
    commit = refs.get(revision, refs["v1.0"])
    asked = {"commit": commit, "short": commit[:9]}.get(revision, revision)
    result = worker.run("inspect", f"{DINO}@{asked}")
    assert result.code == 0, result.stderr
    assert (commit if asked == commit else f"{asked} ({commit})") in result.stdout
    assert "apache-2.0" in result.stdout


@pytest.mark.slow
def test_branch_that_moves_is_measured_anew(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    repo = hub.add("tiny/moving", checkpoint)
    assert build(worker, "tiny/moving", "one.png").code == 0
    commit = repo.push({**checkpoint, "notes.txt": b"retrained"})
    result = build(worker, "tiny/moving", "one.png")
    assert result.stdout.startswith("1 model x 1 image: 1 measured, 0 from the store.\n")
    assert commit in {record.model.commit for record in records(folder, "tiny/moving")}


@pytest.mark.slow
def test_weights_in_parts(
    worker: Worker, hub: FakeHub, folder: Path, tmp_path: Path, checkpoint: dict[str, bytes]
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    for name, content in checkpoint.items():
        (whole / name).write_bytes(content)
    network = transformers.AutoModel.from_pretrained(whole)
    network.save_pretrained(tmp_path / "parts", max_shard_size="60KB")
    files = folder_files(tmp_path / "parts")
    assert "model.safetensors.index.json" in files and "model.safetensors" not in files
    preprocessor = {"preprocessor_config.json": checkpoint["preprocessor_config.json"]}
    hub.add("tiny/parts", {**files, **preprocessor})
    assert build(worker, "tiny/parts", "one.png").code == 0
    hub.add("tiny/whole", checkpoint)
    assert build(worker, "tiny/whole", "one.png").code == 0
    (parts,), (single,) = records(folder, "tiny/parts"), records(folder, "tiny/whole")
    np.testing.assert_array_equal(parts.attention, single.attention)
    with outage(hub):
        assert build(worker, "tiny/parts", "two.png").code == 0, "the parts are in the cache"


def test_login_opens_a_private_model(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/private", checkpoint, access="private")
    assert refused(worker, "tiny/private", code=2) == (
        "Error: There is no model tiny/private on the hub, or it is private. "
        "Check the spelling. For a private model, log in with `hf auth login`."
    )
    with login(folder, hub, "hf_mine"):
        assert build(worker, "tiny/private", "one.png").code == 0
    storage = [request for request in hub.weight_requests("tiny/private") if request.sent]
    assert storage and not any(request.token for request in storage), "the login stays on the hub"


def test_download_that_breaks_off_once_goes_on(
    worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/shaky", checkpoint)
    hub.faults.append(Fault("/model.safetensors", after=100_000, times=2))
    result = worker.run("inspect", "tiny/shaky", "--check", "photos/one.png")
    hub.faults.clear()
    assert result.code == 0, result.stderr
    sent = [request.sent for request in hub.weight_requests("tiny/shaky") if request.sent]
    assert sent == [100_000, 100_000, len(checkpoint["model.safetensors"])]


def test_download_that_never_succeeds(
    worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/cut", checkpoint)
    hub.faults.append(Fault("/model.safetensors", after=0))
    result = worker.run("inspect", "tiny/cut", "--check", "photos/one.png")
    hub.faults.clear()
    assert result.code == 1
    assert "Traceback" not in result.stderr
    assert result.last_line == (
        "Error: Could not download model.safetensors of tiny/cut: the connection to the hub "
        "failed (Server disconnected without sending a response). "
        "Check the network and try again."
    )
    assert worker.run("inspect", "tiny/cut", "--check", "photos/one.png").code == 0


def test_weights_that_the_hub_fails_to_serve(
    worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/broken", checkpoint)
    hub.faults.append(Fault("/model.safetensors", status=500))
    result = worker.run("inspect", "tiny/broken", "--check", "photos/one.png")
    hub.faults.clear()
    assert result.code == 1
    assert result.last_line == (
        "Error: Could not download model.safetensors of tiny/broken: the hub answers 500 "
        "Internal Server Error: The server is told to answer 500. Try again later."
    )


def test_a_plan_names_the_bytes_to_download(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/planned", checkpoint)
    words = ("build", "-m", "tiny/planned", "-i", "photos/one.png", "-o", "planned")
    plan = worker.run(*words, "--dry-run", "--json")
    assert plan.code == 0, plan.stderr
    facts = json.loads(plan.stdout)
    assert facts["download"] == len(checkpoint["model.safetensors"])
    assert not [each for each in hub.weight_requests("tiny/planned") if each.sent]
    assert build(worker, "tiny/planned", "one.png", out="planned").code == 0
    assert json.loads(worker.run(*words, "--dry-run", "--json").stdout)["download"] == 0
