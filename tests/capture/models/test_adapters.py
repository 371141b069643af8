"""Adapters: merged where peft is installed, refused with the line that merges them elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generator.capture.loaders.resolve import resolve_folder
from generator.errors import ModelError
from tests.capture.ready import measured, prepared, ready, same

RANK, ALPHA = 4, 8
needs_peft = pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")


@pytest.fixture
def base(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    return shutil.copytree(saved("vit"), tmp_path / "base")


def adapted(base: Path, folder: Path, **changes: object) -> Path:
    """An adapter of all queries, as peft saves it, without peft."""
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": str(base),
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["q_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(config | changes))
    matrices = {}
    for layer in range(3):
        name = f"base_model.model.layers.{layer}.attention.q_proj"
        matrices[f"{name}.lora_A.weight"] = 0.3 * torch.randn(RANK, 32)
        matrices[f"{name}.lora_B.weight"] = 0.3 * torch.randn(32, RANK)
    save_file(matrices, folder / "adapter_model.safetensors")
    return folder


def merged(base: Path, adapter: Path, folder: Path) -> Path:
    """The base with the matrices multiplied into its queries, by hand."""
    shutil.copytree(base, folder)
    weights = load_file(base / "model.safetensors")
    matrices = load_file(adapter / "adapter_model.safetensors")
    for layer in range(3):
        name = f"base_model.model.layers.{layer}.attention.q_proj"
        change = matrices[f"{name}.lora_B.weight"] @ matrices[f"{name}.lora_A.weight"]
        (query,) = (
            weight
            for weight in weights
            if f".{layer}." in weight and weight.endswith(("query.weight", "q_proj.weight"))
        )
        weights[query] = weights[query] + ALPHA / RANK * change
    save_file(weights, folder / "model.safetensors")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        ready(folder)
    return str(caught.value)


@pytest.mark.parametrize("beside", [True, False])
def test_without_peft_an_adapter_is_refused_with_the_line_that_merges_it(
    beside: bool, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = adapted(base, base if beside else tmp_path / "mine")
    monkeypatch.setattr("generator.capture.checkpoint.adapters.find_spec", lambda name: None)
    assert refusal(folder) == (
        f"{folder.name} holds an adapter (LORA) in adapter_config.json, and the package that "
        "applies it, peft, is not installed. pip install 'attention-gallery[adapters]', or merge "
        "it into the weights where peft is: "
        f'PeftModel.from_pretrained(AutoModel.from_pretrained("base"), "{folder.name}")'
        '.merge_and_unload().save_pretrained("merged").'
    )


def test_weights_of_an_adapter_without_its_config(base: Path) -> None:
    (adapted(base, base) / "adapter_config.json").unlink()
    assert refusal(base) == (
        "The folder base has adapter_model.safetensors without adapter_config.json. Copy the "
        "adapter again, with its config, or take its weights out of the folder."
    )


@needs_peft
@pytest.mark.parametrize("beside", [True, False])
def test_adapter_is_merged_and_named(beside: bool, base: Path, tmp_path: Path) -> None:
    by_hand = tmp_path / "by-hand"
    if beside:
        plain = shutil.copytree(base, tmp_path / "plain")
        folder = adapted(base, base)
        merged(plain, folder, by_hand)
    else:
        folder = adapted(base, tmp_path / "mine")
        merged(base, folder, by_hand)
    mine, theirs = ready(folder), ready(by_hand)
    item = prepared(mine)
    (one,), (two,) = measured(mine, item), measured(theirs, item)
    same(one, two)
    version = resolve_folder(base).version[:12]
    assert mine.facts.adapter == (
        "an adapter (LORA) that lies beside the weights"
        if beside
        else f"an adapter (LORA) of base at {version}"
    )
    assert mine.facts.parameters == theirs.facts.parameters


@needs_peft
@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("beside", [True, False])
def test_both_files_of_an_adapter_decide_the_version(
    file: str, beside: bool, base: Path, tmp_path: Path
) -> None:
    folder = adapted(base, base if beside else tmp_path / "mine")
    before = resolve_folder(folder).version
    with (folder / file).open("ab") as stream:
        stream.write(b"\n")
    assert resolve_folder(folder).version != before


@needs_peft
def test_base_of_an_adapter_decides_its_version(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine")
    before = resolve_folder(folder).version
    with (base / "model.safetensors").open("ab") as stream:
        stream.write(b"\n")
    assert resolve_folder(folder).version != before


@needs_peft
def test_adapter_of_a_folder_that_is_not_here(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine", base_model_name_or_path="/home/somebody/runs/vit")
    assert refusal(folder) == (
        "mine is an adapter (LORA) for the checkpoint vit, which is not here. Put its folder or "
        "its hub id into base_model_name_or_path of adapter_config.json."
    )


@needs_peft
def test_adapter_of_other_layers(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine", target_modules=["query"])
    line = refusal(folder)
    assert line.startswith("The adapter of mine does not fit ViTModel of transformers ")
    assert line.endswith(
        "Merge it with the transformers that it was trained with: "
        'PeftModel.from_pretrained(AutoModel.from_pretrained("base"), "mine").merge_and_unload()'
        '.save_pretrained("merged").'
    )


@needs_peft
def test_matrices_without_a_place(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine")
    file = folder / "adapter_model.safetensors"
    more = {"base_model.model.neck.lora_A.weight": torch.ones(4, 32)}
    save_file(load_file(file) | more, file)
    assert refusal(folder) == (
        "The adapter of mine holds 1 of 7 tensors that ViTModel has no place for: "
        "base_model.model.neck.lora_A.weight first. Name the checkpoint that the adapter was "
        "trained on in adapter_config.json."
    )
