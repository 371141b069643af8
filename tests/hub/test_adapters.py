"""Adapters on the hub: their checkpoint is found, and both commits are recorded and cached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from huggingface_hub import hf_hub_download

from tests.hub.fake_hub import FakeHub
from tests.hub.user import build, records, refused
from tests.hub.worker import Worker

needs_peft = pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")
QUERY = "encoder.layer.{}.attention.attention.query"
RANK, ALPHA = 2, 4


def adapter(base: str, **changes: object) -> dict[str, bytes]:
    """The files of an adapter, as peft saved it before layers were renamed."""
    torch.manual_seed(3)
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": base,
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["query"],
    }
    matrices = {}
    for layer in range(3):
        name = f"base_model.model.{QUERY.format(layer)}"
        matrices[f"{name}.lora_A.weight"] = 0.4 * torch.randn(RANK, 32)
        matrices[f"{name}.lora_B.weight"] = 0.4 * torch.randn(32, RANK)
    return {
        "adapter_config.json": json.dumps(config | changes).encode(),
        "adapter_model.safetensors": safetensors.torch.save(matrices),
    }


def merged(checkpoint: dict[str, bytes], files: dict[str, bytes]) -> dict[str, bytes]:
    """A checkpoint with an adapter multiplied into its queries, by hand."""
    weights = safetensors.torch.load(checkpoint["model.safetensors"])
    matrices = safetensors.torch.load(files["adapter_model.safetensors"])
    for layer in range(3):
        name = f"base_model.model.{QUERY.format(layer)}"
        change = matrices[f"{name}.lora_B.weight"] @ matrices[f"{name}.lora_A.weight"]
        weights[f"{QUERY.format(layer)}.weight"] += ALPHA / RANK * change
    return {**checkpoint, "model.safetensors": safetensors.torch.save(weights)}


@pytest.fixture(scope="module")
def offline(folder: Path, hub: FakeHub) -> Iterator[Worker]:
    """Another process on the same cache, which asks no hub."""
    with Worker(folder, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1") as worker:
        yield worker


@needs_peft
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.slow
def test_adapter_is_merged_named_and_kept_for_work_offline(
    hub: FakeHub,
    worker: Worker,
    offline: Worker,
    folder: Path,
    checkpoint: dict[str, bytes],
    beside: bool,
) -> None:
    base, name = f"tiny/base-{beside}", f"tiny/tuned-{beside}"
    files = adapter(base)
    hub.add(base, checkpoint, license="mit")
    hub.add(name, {**checkpoint, **files} if beside else files)
    hub.add(f"{name}-by-hand", merged(checkpoint, files))
    for model in (name, f"{name}-by-hand", base):
        result = build(worker, model, "one.png")
        assert result.code == 0, result.stderr
    shown = worker.run("inspect", name, "--check", "photos/one.png")
    assert shown.code == 0, shown.stderr + shown.stdout
    (tuned,), (theirs,) = records(folder, name), records(folder, f"{name}-by-hand")
    (plain,) = records(folder, base)
    np.testing.assert_allclose(tuned.entropy, theirs.entropy, atol=1e-5)
    assert np.abs(tuned.entropy - plain.entropy).max() > 0.01
    of = hub.repos[base].refs["main"][:12]
    assert tuned.model.commit == hub.repos[name].refs["main"]
    assert tuned.model.adapter == (
        "an adapter (LORA) that lies beside the weights"
        if beside
        else f"an adapter (LORA) of {base} at {of}"
    )
    again = build(offline, name, "one.png")
    assert again.code == 0, again.stderr
    assert again.stdout.startswith("1 model x 1 image: 0 measured, 1 from the store.\n")
    new = build(offline, name, "two.png")
    assert new.code == 0, new.stderr
    assert new.stdout.startswith("1 model x 1 image: 1 measured, 0 from the store.\n")


@needs_peft
@pytest.mark.slow
def test_new_commit_of_the_checkpoint_is_measured_anew(
    hub: FakeHub, worker: Worker, folder: Path, checkpoint: dict[str, bytes]
) -> None:
    base = hub.add("tiny/moving-base", checkpoint)
    hub.add("tiny/on-moving", adapter("tiny/moving-base"))
    assert build(worker, "tiny/on-moving", "one.png").code == 0
    base.push({**checkpoint, "notes.txt": b"retrained"})
    result = build(worker, "tiny/on-moving", "one.png")
    assert result.stdout.startswith("1 model x 1 image: 1 measured, 0 from the store.\n")


@needs_peft
def test_checkpoint_at_the_revision_that_the_adapter_names(
    hub: FakeHub, worker: Worker, checkpoint: dict[str, bytes]
) -> None:
    base = hub.add("tiny/two-revisions", checkpoint)
    other = base.push({**checkpoint, "notes.txt": b"older"}, branch="old")
    hub.add("tiny/on-old", adapter("tiny/two-revisions", revision="old"))
    shown = worker.run("inspect", "tiny/on-old")
    assert shown.code == 0, shown.stderr
    assert f"an adapter (LORA) of tiny/two-revisions at {other[:12]}" in shown.stdout


@needs_peft
def test_checkpoint_that_is_not_on_the_hub(hub: FakeHub, worker: Worker) -> None:
    hub.add("tiny/orphan", adapter("tiny/gone"))
    assert refused(worker, "tiny/orphan", code=2) == (
        "Error: There is no model tiny/gone on the hub, or it is private. Check the spelling. For "
        "a private model, log in with `hf auth login`."
    )
    hub.add("tiny/of-a-folder", adapter("/home/somebody/vit"))
    assert refused(worker, "tiny/of-a-folder") == (
        "Error: tiny/of-a-folder is an adapter (LORA) for the checkpoint vit, which is not here. "
        "Put its folder or its hub id into base_model_name_or_path of adapter_config.json."
    )


@needs_peft
def test_pickled_adapter_is_not_loaded(hub: FakeHub, worker: Worker) -> None:
    files = adapter("tiny/dinov2")
    hub.add(
        "tiny/pickled",
        {"adapter_config.json": files["adapter_config.json"], "adapter_model.bin": b"x"},
    )
    assert refused(worker, "tiny/pickled") == (
        "Error: tiny/pickled has adapter_config.json without adapter_model.safetensors. Save the "
        "adapter with save_pretrained(), which writes safetensors."
    )


@needs_peft
@pytest.mark.slow
def test_cache_that_holds_half_of_an_adapter(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("tiny/half-adapter", adapter("tiny/dinov2"))
    hf_hub_download(
        "tiny/half-adapter",
        "adapter_config.json",
        cache_dir=tmp_path / "hf" / "hub",
        endpoint=hub.url,
    )
    with Worker(tmp_path, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1") as worker:
        assert refused(worker, "tiny/half-adapter") == (
            "Error: The cache holds tiny/half-adapter, but its adapter_model.safetensors was never "
            "downloaded, and HF_HUB_OFFLINE is set, so the hub is not asked. Run `hf download "
            "tiny/half-adapter adapter_model.safetensors` with a network; it also remembers that a "
            "file doesn't exist."
        )
