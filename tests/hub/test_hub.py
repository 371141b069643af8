"""Models from the hub: the real command line against a hub on this machine."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from PIL import Image

from generator.errors import ModelError
from generator.measure.hub import download
from generator.records import AttentionRecord
from generator.store import load_records
from tests.hub.fake_hub import FakeHub, Fault, folder_files
from tests.hub.worker import Result, Worker
from tests.measure.families import FAMILIES

DINO = "tiny/dinov2"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small DINOv2."""
    family = next(family for family in FAMILIES if family.name == "dinov2")
    return folder_files(family.save(tmp_path_factory.mktemp("checkpoint") / "dinov2"))


@pytest.fixture(scope="module")
def hub(checkpoint: dict[str, bytes]) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        repo = hub.add(DINO, checkpoint, licence="apache-2.0")
        repo.push({**checkpoint, "notes.txt": b"a branch"}, branch="dev")
        repo.push({**checkpoint, "notes.txt": b"a tag"}, branch="v1.0")
        repo.push({**checkpoint, "notes.txt": b"a pull request"}, branch="refs/pr/3")
        yield hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The current folder of the commands, with two pictures."""
    folder = tmp_path_factory.mktemp("work")
    for seed, name in enumerate(("one.png", "two.png")):
        picture(folder / "photos" / name, seed)
    return folder


@pytest.fixture(scope="module")
def worker(folder: Path, hub: FakeHub) -> Iterator[Worker]:
    with Worker(folder, HF_ENDPOINT=hub.url) as worker:
        yield worker


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def build(worker: Worker, model: str, image: str, out: str = "site") -> Result:
    return worker.run("build", "-m", model, "-i", f"photos/{image}", "-o", out)


def records(folder: Path, model: str) -> list[AttentionRecord]:
    return [record for record in load_records(folder / "store") if record.model.id == model]


def refused(worker: Worker, model: str, *options: str) -> str:
    """The one line that ``inspect`` says of a model it cannot take."""
    result = worker.run("inspect", model, *options)
    assert (result.code, result.stdout) == (1, "")
    return result.last_line


# --- what works ----------------------------------------------------------------------------------


def test_build_records_the_commit_and_the_licence(
    worker: Worker, hub: FakeHub, folder: Path
) -> None:
    commit = hub.repos[DINO].refs["main"]
    result = build(worker, DINO, "one.png")
    assert result.code == 0, result.stderr
    assert result.stdout.startswith("1 models x 1 images: 1 measured, 0 from the store.\n")

    (record,) = records(folder, DINO)
    facts = record.model
    assert (facts.source, facts.revision, facts.commit) == ("hub", "main", commit)
    assert (facts.weights_sha256, facts.licence) == ("", "apache-2.0")
    (model,) = json.loads((folder / "site/manifest.json").read_text())["models"]
    assert (model["id"], model["commit"], model["facts"]["licence"]) == (DINO, commit, "apache-2.0")
    weights = [request for request in hub.weight_requests(DINO) if request.method == "GET"]
    assert len(weights) == 1, "the weights are downloaded once"
    assert weights[0].sent == len(hub.repos[DINO].commits[commit]["model.safetensors"])


def test_gate_that_let_us_in_is_remembered(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    hub.add("tiny/granted", checkpoint, licence="mit", access="granted")
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
    assert result.stdout.startswith("1 models x 1 images: 0 measured, 1 from the store.\n")
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


def test_branch_that_moves_is_measured_anew(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    repo = hub.add("tiny/moving", checkpoint)
    assert build(worker, "tiny/moving", "one.png").code == 0
    commit = repo.push({**checkpoint, "notes.txt": b"retrained"})
    result = build(worker, "tiny/moving", "one.png")
    assert result.stdout.startswith("1 models x 1 images: 1 measured, 0 from the store.\n")
    assert commit in {record.model.commit for record in records(folder, "tiny/moving")}


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
    assert refused(worker, "tiny/private") == (
        "Error: There is no model tiny/private on the hub, or it is private. "
        "Check the spelling; for a private model log in with `hf auth login`."
    )
    with login(folder, hub, "hf_mine"):
        assert build(worker, "tiny/private", "one.png").code == 0
    storage = [request for request in hub.weight_requests("tiny/private") if request.sent]
    assert storage and not any(request.token for request in storage), "the login stays on the hub"


class login:  # noqa: N801 - reads as a statement
    """A context in which ``hf auth login`` has been done."""

    def __init__(self, folder: Path, hub: FakeHub, token: str, *, known: bool = True) -> None:
        self._file = folder / "hf" / "token"
        self._token = token
        if known:
            hub.tokens.add(token)

    def __enter__(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_text(self._token)

    def __exit__(self, *error: object) -> None:
        self._file.unlink()


# --- without a network ---------------------------------------------------------------------------


class outage:  # noqa: N801 - reads as a statement
    """A context in which the hub answers nothing but 503."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    def __enter__(self) -> None:
        self._hub.faults.append(Fault("", status=503))

    def __exit__(self, *error: object) -> None:
        self._hub.faults.clear()


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

    monkeypatch.setattr("generator.measure.hub.hf_hub_download", full)
    with pytest.raises(ModelError) as caught:
        download("tiny/model", "model.safetensors", "main")
    assert str(caught.value) == (
        "Could not download model.safetensors of tiny/model: the hub library's cache cannot be "
        "written (No space left on device). Make room and check its permissions, or set HF_HOME "
        "to another folder."
    )


def test_everything_works_again_without_a_network(
    folder: Path, tmp_path: Path, checkpoint: dict[str, bytes]
) -> None:
    picture(tmp_path / "photos" / "one.png", 0)
    picture(tmp_path / "photos" / "two.png", 1)
    with FakeHub() as hub, Worker(tmp_path, HF_ENDPOINT=hub.url) as worker:
        commit = hub.add(DINO, checkpoint, licence="mit").refs["main"]
        assert build(worker, DINO, "one.png").code == 0
        hub.stop()

        again = build(worker, DINO, "one.png")
        assert again.code == 0, again.stderr
        assert again.stdout.startswith("1 models x 1 images: 0 measured, 1 from the store.\n")
        new = build(worker, DINO, "two.png")
        assert new.code == 0, new.stderr
        assert new.stdout.startswith("1 models x 1 images: 1 measured, 0 from the store.\n")
        facts = [record.model for record in records(tmp_path, DINO)]
        assert [fact.commit for fact in facts] == [commit, commit]
        assert [fact.licence for fact in facts] == ["mit", "mit"]

        missing = refused(worker, "tiny/other")
        assert missing == (
            "Error: The model tiny/other is not in the local cache, and the connection to the hub "
            "failed ([Errno 111] Connection refused). Check the network and try again, or download "
            "it beforehand with `hf download tiny/other --revision main`."
        )
        seen = len(hub.log)
    offline = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1"}
    with Worker(tmp_path, **offline) as worker:
        again = build(worker, DINO, "one.png")
        assert again.code == 0, again.stderr
        assert again.stdout.startswith("1 models x 1 images: 0 measured, 1 from the store.\n")
        assert not again.torch, "nothing is measured, so torch is not imported"
        missing = refused(worker, f"{DINO}@v2")
        assert missing == (
            "Error: The model tiny/dinov2 is not in the local cache, and HF_HUB_OFFLINE is set, "
            "so the hub is not asked. Unset it to go online, or download it beforehand with "
            "`hf download tiny/dinov2 --revision v2`."
        )
    assert len(hub.log) == seen


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


# --- what is refused -----------------------------------------------------------------------------


def test_unknown_and_misspelt_models(worker: Worker) -> None:
    advice = "Check the spelling; for a private model log in with `hf auth login`."
    for name in ("tiny/dinov", "tinny/dinov2", "dinov2-smal"):
        message = refused(worker, name)
        assert message == f"Error: There is no model {name} on the hub, or it is private. {advice}"


def test_one_unknown_model_of_two_leaves_a_cell_with_its_reason(
    worker: Worker, folder: Path
) -> None:
    models = ("-m", DINO, "-m", "tiny/unknown")
    result = worker.run("build", *models, "-i", "photos/one.png", "-o", "two-models")
    assert result.code == 1
    reason = "There is no model tiny/unknown on the hub, or it is private."
    assert f"failed: {reason}" in result.stderr
    manifest = json.loads((folder / "two-models/manifest.json").read_text())
    assert [model["failure"] is None for model in manifest["models"]] == [True, False]
    assert manifest["models"][1]["failure"]["message"] == reason
    pages = [page.read_text() for page in (folder / "two-models").rglob("*.html")]
    assert any(reason in page for page in pages)


def test_unknown_revision(worker: Worker) -> None:
    assert refused(worker, f"{DINO}@v9") == (
        "Error: The model tiny/dinov2 has no revision v9 on the hub. "
        "Look up its branches and tags at https://huggingface.co/tiny/dinov2."
    )


@pytest.mark.parametrize("logged_in", [False, True])
def test_gated_model(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes], logged_in: bool
) -> None:
    hub.add("tiny/gated", checkpoint, access="gated")
    expected = (
        "Error: The model tiny/gated is gated: its authors must grant you access first. "
        "Ask for it at https://huggingface.co/tiny/gated, then log in with `hf auth login`."
    )
    if logged_in:
        with login(folder, hub, "hf_other"):
            assert refused(worker, "tiny/gated") == expected
        assert hub.requests("tiny/gated/resolve")[-1].status == 403
    else:
        assert refused(worker, "tiny/gated") == expected
    assert not any(request.sent for request in hub.weight_requests("tiny/gated"))


def test_login_that_is_no_longer_valid(worker: Worker, hub: FakeHub, folder: Path) -> None:
    with login(folder, hub, "hf_expired", known=False):
        assert refused(worker, "tiny/unseen") == (
            "Error: The model tiny/unseen is not in the local cache, and the hub answers 401 "
            "Unauthorized: Invalid credentials in Authorization header. Log in with "
            "`hf auth login`, or download it beforehand with "
            "`hf download tiny/unseen --revision main`."
        )


def test_no_config(worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes]) -> None:
    hub.add("tiny/bare", {"model.safetensors": checkpoint["model.safetensors"]})
    assert refused(worker, "tiny/bare") == (
        "Error: The model tiny/bare has no config.json on the hub, so it is not in the "
        "transformers format. Look for a transformers version of it."
    )
    assert hub.weight_requests("tiny/bare") == []


def test_only_pickled_weights(worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes]) -> None:
    files = {"config.json": checkpoint["config.json"], "pytorch_model.bin": b"\x80\x04."}
    hub.add("tiny/pickled", files)
    assert refused(worker, "tiny/pickled") == (
        "Error: The model tiny/pickled has no safetensors weights at main; pickled weights are "
        "not loaded, because they can run code. Look for a converted revision in its pull "
        "requests at https://huggingface.co/tiny/pickled/discussions."
    )
    assert hub.weight_requests("tiny/pickled") == []


@pytest.mark.parametrize(
    ("model_type", "why"),
    [
        ("swin", "attends within windows and pools its tokens"),
        ("hiera", "attends within windows and pools its tokens"),
        ("convnext", "is convolutional"),
    ],
)
def test_architectures_without_a_whole_map_are_refused_before_their_weights(
    worker: Worker, hub: FakeHub, model_type: str, why: str
) -> None:
    config = transformers.AutoConfig.for_model(model_type).to_json_string()
    name = f"tiny/{model_type}"
    hub.add(name, {"config.json": config.encode(), "model.safetensors": b"\0" * 1000})
    message = f"{name} is a {model_type} model, which {why}: it has no attention map over the"
    advice = "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...)."
    assert refused(worker, name) == f"Error: {message} whole picture. {advice}"
    result = build(worker, name, "one.png", f"site-{model_type}")
    assert result.code == 1 and message in result.last_line
    assert hub.weight_requests(name) == []


def test_remote_code_is_not_run_unless_asked_for(
    worker: Worker, hub: FakeHub, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    config = json.loads(checkpoint["config.json"]) | {
        "model_type": "homemade",
        "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"},
    }
    code = (
        "from pathlib import Path\n"
        "Path('code-has-run').touch()\n"
        "from transformers import Dinov2Config, Dinov2Model\n"
        "class OwnConfig(Dinov2Config):\n    model_type = 'homemade'\n"
        "class OwnModel(Dinov2Model):\n    config_class = OwnConfig\n"
    )
    torch.manual_seed(0)
    network = transformers.Dinov2Model(transformers.Dinov2Config.from_dict(config))
    files = {
        "config.json": json.dumps(config).encode(),
        "own.py": code.encode(),
        "model.safetensors": safetensors.torch.save(network.state_dict()),
    }
    hub.add("tiny/homemade", files)
    assert refused(worker, "tiny/homemade") == (
        "Error: The model tiny/homemade brings its own code, which is not run unless you ask for "
        "it. Read the code, then add --trust-remote-code."
    )
    assert hub.requests("own.py") == [] and hub.weight_requests("tiny/homemade") == []
    assert not (folder / "code-has-run").exists()

    trusted = worker.run(
        "inspect", "tiny/homemade", "--check", "photos/one.png", "--trust-remote-code"
    )
    assert trusted.code == 0, trusted.stderr + trusted.stdout
    assert (folder / "code-has-run").exists()
    assert "17 tokens ran; CLS and 4 x 4 patches make 17" in trusted.stdout


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"{broken", "cannot be read: Expecting property name enclosed in double quotes: line 1 "),
        (b"\xff\xfe", "cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: "),
        (b"[1]", "holds list, an object was expected. "),
    ],
)
def test_config_that_is_no_config(
    worker: Worker, hub: FakeHub, checkpoint: dict[str, bytes], config: bytes, message: str
) -> None:
    hub.add("tiny/odd", {**checkpoint, "config.json": config})
    line = refused(worker, "tiny/odd")
    assert line.startswith(f"Error: config.json of tiny/odd {message}")
    assert line.endswith("Download or save the model again.")


# --- downloads that break off --------------------------------------------------------------------


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
