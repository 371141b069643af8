"""``inspect``: what is known of a model, and its self-check."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest
import torch

from generator.capture.forward.scores import AttentionCall
from tests.commands.running import run


@pytest.mark.usefixtures("here")
def test_inspect_says_what_is_known_without_weights() -> None:
    result = run("inspect", "models/plain")
    assert result.exit_code == 0
    facts = dict(line.split("  ", 1) for line in result.stdout.splitlines() if line[0] != " ")
    facts = {name: fact.strip() for name, fact in facts.items()}
    assert len(facts.pop("weights sha256")) == 64
    assert facts == {
        "model": "plain",
        "license": "not stated",
        "read by": f"transformers {version('transformers')}",
        "architecture": "dinov2",
        "layers x heads": "3 x 4, 32 wide",
        "patch": "16 x 16 px",
        "input": "64 x 64 px: 4 x 4 patches",
        "tokens": "17: CLS, 16 patches",
        "class head": "none",
        "positions": "learned embeddings of 4 x 4 patches",
        "preprocessing": "turn upright by the EXIF orientation",
        "tensors": "all used",
    }
    headed = run("inspect", "models/headed").stdout
    assert "2 classes" in next(line for line in headed.splitlines() if "class head" in line)
    larger = run("inspect", "models/plain", "--resolution", "96")
    assert "96 x 96 px: 6 x 6 patches" in larger.stdout


@pytest.mark.parametrize("model", ["plain", "vit"])
@pytest.mark.usefixtures("here")
def test_inspect_check_passes_on_a_good_model(model: str) -> None:
    result = run("inspect", f"models/{model}", "--check", "photos/one.png")
    assert result.exit_code == 0, result.stdout
    checks = [line.partition(":")[0] for line in result.stdout.splitlines()[-4:]]
    assert checks == [
        "ok      token layout against the config",
        "ok      rows sum to 1",
        "ok      captured against eager attention",
        "ok      preprocessing against the checkpoint's own processor",
    ]


@pytest.mark.usefixtures("here")
def test_inspect_check_fails_when_what_is_captured_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = AttentionCall.of

    def tampered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> AttentionCall:
        call = read(args, kwargs)
        return replace(call, query=call.query * 1.01)

    monkeypatch.setattr(AttentionCall, "of", tampered)
    result = run("inspect", "models/plain", "--check", "photos/one.png")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()[-4:]
    assert [line.split()[0] for line in lines] == ["ok", "ok", "FAILED", "ok"]
    assert lines[2].startswith("FAILED  captured against eager attention: off by ")


@pytest.mark.usefixtures("here")
def test_inspect_check_in_low_precision_and_on_no_such_device() -> None:
    words = ["inspect", "models/plain", "--check", "photos/one.png"]
    result = run(*words, "--dtype", "bfloat16")
    assert result.exit_code == 0, result.stdout
    for device in ("gpu", "cuda:99", "cuda:x"):
        result = run(*words, "--device", device)
        assert result.exit_code == 2
        assert result.stderr == (
            f"Error: This machine has no device {device}, as torch {torch.__version__} sees it. "
            "Use --device auto or --device cpu.\n"
        )


@pytest.mark.usefixtures("here")
def test_inspect_check_on_a_picture_that_is_none() -> None:
    result = run("inspect", "models/plain", "--check", "photos/three.png")
    assert result.exit_code == 2
    assert result.stderr == "Error: There is no file three.png. Check the path.\n"
