"""Models of the hub that cannot be had or measured: why, in one line, before anything large."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
import transformers

from tests.hub.fake_hub import FakeHub
from tests.hub.user import DINO, build, login, refused
from tests.hub.worker import Worker


@pytest.mark.slow
def test_unknown_and_misspelt_models(worker: Worker) -> None:
    for name, meant in (
        ("tiny/dinov", ""),
        ("tinny/dinov2", ""),
        ("dinov2-smal", "facebook/dinov2-small"),
        ("facebook/dino-v2-base", "facebook/dinov2-base"),
        ("dinov2_vitb14_reg", "facebook/dinov2-with-registers-base"),
    ):
        advice = f"Did you mean {meant}?" if meant else "Check the spelling."
        assert refused(worker, name, code=2) == (
            f"Error: There is no model {name} on the hub, or it is private. {advice} For a private "
            "model, log in with `hf auth login`."
        )


def test_a_misspelt_folder_that_is_written_like_an_id(worker: Worker, folder: Path) -> None:
    (folder / "models" / "registers").mkdir(parents=True)
    assert refused(worker, "models/regsters", code=2) == (
        "Error: There is no folder models/regsters here, and no such model on the hub. "
        "Did you mean models/registers?"
    )
    (folder / "models" / "registers" / "config.json").touch()
    assert refused(worker, "models/nope", code=2) == (
        "Error: There is no folder models/nope here, and no such model on the hub. "
        "The folder models holds these models: registers."
    )


@pytest.mark.slow
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
    assert refused(worker, f"{DINO}@v9", code=2) == (
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
    assert refused(worker, "tiny/bare", code=2) == (
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
    assert result.code == 1 and result.stderr.count(message) == 1
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
    assert refused(worker, "tiny/homemade", code=2) == (
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
