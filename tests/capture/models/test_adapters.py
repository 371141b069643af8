"""Adapters: merged where peft is installed, refused with the line that merges them elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

import generator
from generator.capture.loaders.resolve import resolve_folder
from generator.errors import ModelError
from tests.capture.families import SIZES
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
        "base has adapter_model.safetensors without adapter_config.json. Copy the "
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
    folder = adapted(base, tmp_path / "mine", target_modules=["wide", "deep"])
    line = refusal(folder)
    assert line.startswith("The adapter of mine does not fit ViTModel of transformers ")
    assert "Target modules {'deep', 'wide'} not found" in line, "in the same order always"
    assert line.endswith(
        "Merge it with the transformers that it was trained with: "
        'PeftModel.from_pretrained(AutoModel.from_pretrained("base"), "mine").merge_and_unload()'
        '.save_pretrained("merged").'
    )


@needs_peft
def test_matrices_without_a_place(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine")
    file = folder / "adapter_model.safetensors"
    more = {"base_model.model.spare.lora_A.weight": torch.ones(4, 32)}
    save_file(load_file(file) | more, file)
    assert refusal(folder) == (
        "The adapter of mine holds 1 of 7 tensors that ViTModel has no place for: "
        "base_model.model.spare.lora_A.weight first. Name the checkpoint that the adapter was "
        "trained on in adapter_config.json."
    )


FORMERLY = {
    "vit": "encoder.layer.{}.attention.attention.query",
    "dinov2": "encoder.layer.{}.attention.attention.query",
    "vit with a class head": "vit.encoder.layer.{}.attention.attention.query",
}
"""What today's q_proj was called before transformers 5, which checkpoints still call it."""


def adapted_formerly(base: Path, folder: Path, name: str, **changes: object) -> Path:
    """An adapter as it was saved before transformers 5: other names of layers."""
    adapted(base, folder, **{"target_modules": ["query"], **changes})
    file = folder / "adapter_model.safetensors"
    found = {}
    for key, matrix in load_file(file).items():
        layer, ending = key.split(".")[3], key.split(".q_proj.")[1]
        found[f"base_model.model.{name.format(layer)}.{ending}"] = matrix
    save_file(found, file)
    return folder


def by_hand(base: Path, adapter: Path, folder: Path, name: str, scales: dict[int, float]) -> Path:
    """The base with each layer's matrices multiplied into its queries."""
    shutil.copytree(base, folder)
    weights = load_file(base / "model.safetensors")
    matrices = load_file(adapter / "adapter_model.safetensors")
    for layer, scale in scales.items():
        query = f"base_model.model.{name.format(layer)}"
        change = matrices[f"{query}.lora_B.weight"] @ matrices[f"{query}.lora_A.weight"]
        weights[f"{name.format(layer)}.weight"] += scale * change
    save_file(weights, folder / "model.safetensors")
    return folder


@needs_peft
@pytest.mark.parametrize("family", FORMERLY)
def test_adapter_from_before_layers_were_renamed(
    family: str, saved: Callable[[str], Path], tmp_path: Path
) -> None:
    base, name = saved(family), FORMERLY[family]
    folder = adapted_formerly(base, tmp_path / "mine", name)
    expected = by_hand(base, folder, tmp_path / "hand", name, dict.fromkeys(range(3), ALPHA / RANK))
    mine, theirs = ready(folder), ready(expected)
    item = prepared(mine)
    (one,), (two,) = measured(mine, item), measured(theirs, item)
    same(one, two)
    (plain,) = measured(ready(base), item)
    with pytest.raises(AssertionError):
        same(one, plain)


@needs_peft
@pytest.mark.parametrize(
    ("changes", "scales"),
    [
        ({"target_modules": r".*\.layer\.[02]\..*query"}, {0: 2, 2: 2}),
        ({"target_modules": ["attention.query"], "layers_to_transform": [1]}, {1: 2}),
        ({"exclude_modules": ["layer.1.attention.attention.query"]}, {0: 2, 2: 2}),
        ({"alpha_pattern": {"layer.2.attention.attention.query": 4}}, {0: 2, 1: 2, 2: 1}),
        ({"rank_pattern": {"layer.1.attention.attention.query": 4}, "r": 8}, {1: 2}),
    ],
)
def test_former_names_in_every_key_of_the_config(
    changes: dict[str, object], scales: dict[int, float], base: Path, tmp_path: Path
) -> None:
    name = FORMERLY["vit"]
    folder = adapted_formerly(base, tmp_path / "mine", name, **changes)
    file = folder / "adapter_model.safetensors"
    kept = {
        key: matrix
        for key, matrix in load_file(file).items()
        if any(f"layer.{layer}." in key for layer in scales)
    }
    save_file(kept, file)
    expected = by_hand(base, folder, tmp_path / "hand", name, scales)
    mine, theirs = ready(folder), ready(expected)
    item = prepared(mine)
    (one,), (two,) = measured(mine, item), measured(theirs, item)
    same(one, two)


@needs_peft
def test_layers_without_matrices_are_named(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine")
    file = folder / "adapter_model.safetensors"
    save_file({key: m for key, m in load_file(file).items() if "layers.1." not in key}, file)
    assert ready(folder).facts.unused == (
        "layers.1.attention.q_proj: the adapter lacks tensors for it and changes nothing there",
    )


@needs_peft
def test_half_of_a_product_is_refused(base: Path, tmp_path: Path) -> None:
    folder = adapted(base, tmp_path / "mine")
    file = folder / "adapter_model.safetensors"
    lacking = "layers.1.attention.q_proj.lora_A"
    save_file({key: m for key, m in load_file(file).items() if lacking not in key}, file)
    assert refusal(folder) == (
        "The adapter of mine lacks lora_A.default.weight for layers.1.attention.q_proj; random "
        "values would stand in for it. Copy the adapter again, or save it again with "
        "save_pretrained()."
    )


@needs_peft
def test_adapter_of_both_towers(saved: Callable[[str], Path], tmp_path: Path) -> None:
    """What changes the text tower is named and changes nothing here."""
    base = saved("clip")
    folder = tmp_path / "mine"
    adapted(base, folder)
    matrices = {}
    for tower, layers in (("vision_model", 3), ("text_model", 2)):
        for layer in range(layers):
            name = f"base_model.model.{tower}.encoder.layers.{layer}.self_attn.q_proj"
            matrices[f"{name}.lora_A.weight"] = 0.3 * torch.randn(RANK, 32)
            matrices[f"{name}.lora_B.weight"] = 0.3 * torch.randn(32, RANK)
    save_file(matrices, folder / "adapter_model.safetensors")
    mine = ready(folder)
    assert any(
        line.startswith("text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight and 3 more of")
        and line.endswith("the adapter: part of a text tower or language model")
        for line in mine.facts.unused
    )
    name = "vision_model.encoder.layers.{}.self_attn.q_proj"
    scales = dict.fromkeys(range(3), ALPHA / RANK)
    theirs = ready(by_hand(base, folder, tmp_path / "hand", name, scales))
    item = prepared(mine)
    (one,), (two,) = measured(mine, item), measured(theirs, item)
    same(one, two)


UNMERGED = (
    "mine has an adapter that is not merged into its weights, at vit.layers.0.attention.q_proj "
    "first. Call merge_adapter() before measuring, and unmerge_adapter() after it."
)


def adapted_module(**options: Any) -> Any:
    """A module in memory with an adapter of its queries and a class head of its own."""
    import peft

    torch.manual_seed(0)
    network = transformers.ViTForImageClassification(transformers.ViTConfig(**SIZES, num_labels=5))
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.25)
    config = peft.LoraConfig(
        target_modules=["q_proj"], modules_to_save=["classifier"], init_lora_weights=False
    )
    module: Any = peft.get_peft_model(network, config)
    with torch.no_grad():
        module.base_model.model.classifier.modules_to_save["default"].weight.normal_()
    return module


@needs_peft
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.filterwarnings("ignore:All adapters are already:UserWarning")
def test_adapter_of_a_module_in_memory() -> None:
    """Merged: as the network without peft, in attention and in its trained class head."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 90, 3), np.uint8))
    module = adapted_module()
    with pytest.raises(ModelError) as refused:
        generator.open_model(module, name="mine")
    assert str(refused.value) == UNMERGED
    module.merge_adapter()
    model = generator.open_model(module, name="mine")
    merged = model.measure(picture)
    assert merged.model.architecture == "ViTModel"
    module.unmerge_adapter()
    with pytest.raises(ModelError) as undone:
        model.measure(picture)
    assert str(undone.value) == UNMERGED
    alone = module.merge_and_unload()
    plain = generator.open_model(alone, name="plain").measure(picture)
    np.testing.assert_array_equal(merged.attention, plain.attention)
    assert merged.prediction is not None and merged.prediction == plain.prediction


def test_adapter_of_tokens_is_refused() -> None:
    """By its class alone: peft need not be installed."""

    class PeftModel(nn.Module):
        def __init__(self, base: nn.Module) -> None:
            super().__init__()
            self.base = base
            self.active_peft_config = SimpleNamespace(is_prompt_learning=True)

        def get_base_model(self) -> nn.Module:
            return self.base

    PeftModel.__module__ = "peft.peft_model"
    with pytest.raises(ModelError) as refused:
        generator.open_model(PeftModel(nn.Identity()), name="mine")
    assert str(refused.value) == (
        "Identity has an adapter that puts tokens of its own into the sequence, which is not read. "
        "Open the module without it: get_base_model()."
    )
