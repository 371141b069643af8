"""A hub that is down, slow or forbidden: what is in the cache still works."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from generator.capture.checkpoint.hub import download
from generator.errors import ModelError
from tests.hub.fake_hub import FakeHub, Fault
from tests.hub.user import DINO, build, outage, picture, records, refused
from tests.hub.worker import Worker


@pytest.mark.slow
def test_config_is_in_the_cache_and_the_weights_are_not(
    worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/half", checkpoint)
    assert worker.run("inspect", "tiny/half").code == 0
    with outage(hub):
        assert worker.run("inspect", "tiny/half").code == 0, "this needs no weights"
        result = worker.run("inspect", "tiny/half", "--check", "photos/one.png")
    assert result.code == 1
    assert result.last_line == (
        "Error: Could not download model.safetensors of tiny/half: the hub answers 503 Service "
        "Unavailable: The server is told to answer 503. Try again later."
    )


def test_full_disk_while_downloading(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("generator.capture.checkpoint.hub.hf_hub_download", full)
    with pytest.raises(ModelError) as caught:
        download("tiny/model", "model.safetensors", "main")
    assert str(caught.value) == (
        "Could not download model.safetensors of tiny/model: the hub library's cache cannot be "
        "written (No space left on device). Make room and check its permissions, or set HF_HOME "
        "to another folder."
    )


@pytest.mark.slow
def test_everything_works_again_without_a_network(
    folder: Path, tmp_path: Path, checkpoint: dict[str, bytes]
) -> None:
    picture(tmp_path / "photos" / "one.png", 0)
    picture(tmp_path / "photos" / "two.png", 1)
    with FakeHub() as hub, Worker(tmp_path, HF_ENDPOINT=hub.url) as worker:
        commit = hub.add(DINO, checkpoint, license="mit").refs["main"]
        assert build(worker, DINO, "one.png").code == 0
        hub.stop()

        again = build(worker, DINO, "one.png")
        assert again.code == 0, again.stderr
        assert again.stdout.startswith("1 model x 1 image: 0 measured, 1 from the store.\n")
        new = build(worker, DINO, "two.png")
        assert new.code == 0, new.stderr
        assert new.stdout.startswith("1 model x 1 image: 1 measured, 0 from the store.\n")
        facts = [record.model for record in records(tmp_path, DINO)]
        assert [fact.commit for fact in facts] == [commit, commit]
        assert [fact.license for fact in facts] == ["mit", "mit"]

        missing = refused(worker, "tiny/other")
        assert missing == (
            "Error: The model tiny/other is not in the local cache, and the connection to the hub "
            "failed ([Errno 111] Connection refused). Check the network and try again, or download "
            "it beforehand with `hf download tiny/other --revision main`."
        )
        (tmp_path / "models" / "registers").mkdir(parents=True)
        misspelt = refused(worker, "models/regsters")
        assert misspelt == (
            "Error: There is no folder models/regsters here, and the connection to the hub failed "
            "([Errno 111] Connection refused). Did you mean models/registers?"
        )
        seen = len(hub.log)
    offline = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1"}
    with Worker(tmp_path, **offline) as worker:
        again = build(worker, DINO, "one.png")
        assert again.code == 0, again.stderr
        assert again.stdout.startswith("1 model x 1 image: 0 measured, 1 from the store.\n")
        assert not again.torch, "nothing is measured, so torch is not imported"
        missing = refused(worker, f"{DINO}@v2")
        assert missing == (
            "Error: The model tiny/dinov2 is not in the local cache, and HF_HUB_OFFLINE is set, "
            "so the hub is not asked. Unset it to go online, or download it beforehand with "
            "`hf download tiny/dinov2 --revision v2`."
        )
    assert len(hub.log) == seen


def offline(folder: Path, hub: FakeHub) -> Worker:
    return Worker(folder, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")


def fetched(hub: FakeHub, folder: Path, model: str, *files: str) -> None:
    """Fill the cache with some files of a model, as other programs leave it."""
    for file in files:
        hf_hub_download(model, file, cache_dir=folder / "hf" / "hub", endpoint=hub.url)


@pytest.mark.slow
def test_preprocessing_that_was_never_downloaded_is_not_taken_for_missing(
    hub: FakeHub, tmp_path: Path, checkpoint: dict[str, bytes]
) -> None:
    picture(tmp_path / "photos" / "one.png", 0)
    hub.add("tiny/part", checkpoint)
    fetched(hub, tmp_path, "tiny/part", "config.json", "model.safetensors")
    expected = (
        "Error: The cache holds tiny/part, but its preprocessor_config.json was never downloaded, "
        "and HF_HUB_OFFLINE is set, so the hub is not asked. Run `hf download tiny/part "
        "preprocessor_config.json` with a network; it also remembers that a file doesn't exist."
    )
    with offline(tmp_path, hub) as worker:
        assert refused(worker, "tiny/part") == expected
        result = build(worker, "tiny/part", "one.png")
        assert result.code == 1
        assert result.stderr.count(expected.removeprefix("Error: ")) == 1
    fetched(hub, tmp_path, "tiny/part", "preprocessor_config.json")
    with offline(tmp_path, hub) as worker:
        found = worker.run("inspect", "tiny/part")
    assert found.code == 0
    assert "subtract (0.5, 0.4, 0.3), divide by (0.2, 0.3, 0.4)" in found.stdout
    assert (
        "processor_config.json was never downloaded: that preprocessor_config.json is all was "
        "assumed"
    ) in " ".join(found.stdout.split())


@pytest.mark.slow
def test_preprocessing_that_does_not_exist_is_remembered(
    hub: FakeHub, tmp_path: Path, checkpoint: dict[str, bytes]
) -> None:
    files = {k: v for k, v in checkpoint.items() if k != "preprocessor_config.json"}
    hub.add("tiny/bare-weights", files)
    with Worker(tmp_path, HF_ENDPOINT=hub.url) as worker:
        online = worker.run("inspect", "tiny/bare-weights")
    assert online.code == 0
    with offline(tmp_path, hub) as worker:
        found = worker.run("inspect", "tiny/bare-weights")
    assert (found.code, found.stdout) == (0, online.stdout)
    said = "no preprocessing is declared: the values that the published DINOv2 checkpoints declare"
    assert said in " ".join(found.stdout.split())


@pytest.mark.slow
def test_preprocessing_of_the_whole_processor_comes_from_the_hub(
    hub: FakeHub, tmp_path: Path, checkpoint: dict[str, bytes]
) -> None:
    own = json.loads(checkpoint["preprocessor_config.json"]) | {"image_mean": [0.1, 0.2, 0.3]}
    parts = json.dumps({"image_processor": own}).encode()
    files = {k: v for k, v in checkpoint.items() if k != "preprocessor_config.json"}
    hub.add("tiny/parts-of-a-processor", {**files, "processor_config.json": parts})
    with Worker(tmp_path, HF_ENDPOINT=hub.url) as worker:
        online = worker.run("inspect", "tiny/parts-of-a-processor")
    assert "subtract (0.1, 0.2, 0.3)" in online.stdout and "assumed" not in online.stdout
    with offline(tmp_path, hub) as worker:
        assert worker.run("inspect", "tiny/parts-of-a-processor").stdout == online.stdout


@pytest.mark.slow
def test_hub_that_does_not_answer_in_time(hub: FakeHub, tmp_path: Path) -> None:
    hub.faults.append(Fault("tiny/slow/revision/main", stall=True))
    with Worker(tmp_path, HF_ENDPOINT=hub.url, HF_HUB_ETAG_TIMEOUT="1") as worker:
        message = refused(worker, "tiny/slow")
    assert message == (
        "Error: The model tiny/slow is not in the local cache, and the connection to the hub "
        "failed (timed out). Check the network and try again, or download it beforehand with "
        "`hf download tiny/slow --revision main`."
    )


def test_hub_that_is_down(worker: Worker, hub: FakeHub) -> None:
    hub.faults.append(Fault("tiny/down/revision/main", status=503))
    assert refused(worker, "tiny/down") == (
        "Error: The model tiny/down is not in the local cache, and the hub answers 503 Service "
        "Unavailable: The server is told to answer 503. Try again later, or download it "
        "beforehand with `hf download tiny/down --revision main`."
    )
