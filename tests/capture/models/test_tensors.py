"""Every tensor of a checkpoint is used, explained, or an error that names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from tests.capture.models.checkpoints import WIDTH, Weights, built, configured, edited, refusal
from tests.capture.ready import measured, prepared, ready, same


def adding(**shapes: tuple[int, ...]) -> Callable[[Weights], None]:
    """Adds tensors; two underscores stand for a dot."""

    def add(weights: Weights) -> None:
        for name, shape in shapes.items():
            weights[name.replace("__", ".")] = torch.ones(shape)

    return add


def prefixed(prefix: str, *, also: tuple[str, ...] = ()) -> Callable[[Weights], Weights]:
    def rename(weights: Weights) -> Weights:
        named = {f"{prefix}{name}": tensor for name, tensor in weights.items()}
        return named | {name: torch.ones(2, 2) for name in also}

    return rename


@pytest.mark.parametrize("family", ["vit", "dinov2", "dinov2 with registers", "deit", "beit"])
def test_nothing_is_left_of_a_backbone(family: str, saved: Callable[[str], Path]) -> None:
    found = built(saved(family))
    assert (found.renamed, found.unused) == ("", ())


@pytest.mark.parametrize(
    ("family", "left"),
    [
        (
            "clip",
            (
                "logit_scale and 1 more: a projection behind the vision tower",
                "text_model.embeddings.position_embedding.weight and 20 more: part of a text "
                "tower or language model",
            ),
        ),
        (
            "mae",
            (
                "decoder.decoder_embed.bias and 22 more: part of a decoder",
                "decoder.mask_token: only used to mask patches in training",
            ),
        ),
    ],
)
def test_parts_that_do_not_matter_are_listed_with_the_reason(
    family: str, left: tuple[str, ...], saved: Callable[[str], Path]
) -> None:
    assert built(saved(family)).unused == left


@pytest.mark.parametrize(
    ("tensors", "line"),
    [
        ({"classifier__weight": (9, WIDTH)}, "classifier.weight: a head behind the blocks"),
        ({"dino_head__mlp__0__weight": (9, 9)}, "dino_head.mlp.0.weight: a head behind the blocks"),
        (
            {"decode_head__conv__weight": (9, 9)},
            "decode_head.conv.weight: a head behind the blocks",
        ),
        (
            {"pooler__dense__weight": (WIDTH, WIDTH)},
            "pooler.dense.weight: pooling behind the blocks, which is not run",
        ),
        (
            {"encoder__layer__0__attention__relative_position_index": (3, 3)},
            "encoder.layer.0.attention.relative_position_index: a buffer that is made anew",
        ),
        (
            {"embeddings__position_ids": (1, 17)},
            "embeddings.position_ids: a buffer that is made anew",
        ),
        (
            {"language_model__model__layers__0__mlp__up_proj__weight": (9, 9)},
            "language_model.model.layers.0.mlp.up_proj.weight: part of a text tower or language "
            "model",
        ),
    ],
)
def test_what_is_known_not_to_matter_is_left_with_its_reason(
    tensors: dict[str, tuple[int, ...]], line: str, copy: Callable[[str], Path]
) -> None:
    assert built(edited(copy("dinov2"), adding(**tensors))).unused == (line,)


@pytest.mark.parametrize(
    ("family", "tensors", "message"),
    [
        (
            "dinov2",
            {"embeddings__register_tokens": (1, 6, WIDTH)},
            "The weights of mine hold 6 register tokens, embeddings.register_tokens, and its "
            "config.json, of model type dinov2, has none for them. Use the config.json of model "
            "type dinov2_with_registers, with num_register_tokens = 6.",
        ),
        (
            "vit",
            {"storage_tokens": (1, 2, WIDTH)},
            "The weights of mine hold 2 register tokens, storage_tokens, and its config.json, of "
            "model type vit, has none for them. Use the config.json of a model with registers, "
            "with num_register_tokens = 2.",
        ),
        (
            "vit",
            {"embeddings__distillation_token": (1, 1, WIDTH)},
            "The weights of mine hold a distillation token, embeddings.distillation_token, and its "
            "config.json, of model type vit, has none. Use the config.json of a DeiT (model type "
            "deit).",
        ),
        (
            "dinov2",
            {
                "encoder__layer__0__attention__attention__query__lora_A": (4, WIDTH),
                "encoder__layer__0__attention__attention__query__lora_B": (WIDTH, 4),
            },
            "The weights of mine hold adapter matrices that are not merged: "
            "encoder.layer.0.attention.attention.query.lora_A and 1 more. Merge them: load the "
            "model with its adapter and save what merge_and_unload() gives.",
        ),
        (
            "dinov2",
            {"encoder__layer__1__adaptmlp__down_proj__weight": (4, WIDTH)},
            "The weights of mine hold adapter matrices that are not merged: "
            "encoder.layer.1.adaptmlp.down_proj.weight. Merge them: load the model with its "
            "adapter and save what merge_and_unload() gives.",
        ),
        (
            "dinov2",
            {"encoder__layer__1__attention__q_norm__weight": (8,)},
            "The weights of mine hold 1 tensor that Dinov2Model does not use: "
            "encoder.layer.1.attention.q_norm.weight. Use the config.json that the checkpoint was "
            "saved with. If they have no part in the vision transformer, save the weights without "
            "them.",
        ),
        (
            "dinov2",
            {"prompt_embeddings": (1, 5, WIDTH), "prompt_proj__weight": (9, 9)},
            "The weights of mine hold 1 tensor that Dinov2Model does not use: prompt_embeddings. "
            "Use the config.json that the checkpoint was saved with. If they have no part in the "
            "vision transformer, save the weights without them.",
        ),
        (
            "vit",
            {"patch_embed__norm__weight": (WIDTH,)},
            "The weights of mine hold 1 tensor that ViTModel does not use: "
            "patch_embed.norm.weight. Use the config.json that the checkpoint was saved with. If "
            "they have no part in the vision transformer, save the weights without them.",
        ),
        (
            "clip vision",
            {"vision_model__embeddings__pre_head__weight": (4, 4)},
            "The weights of mine hold 1 tensor that CLIPVisionModel does not use: "
            "vision_model.embeddings.pre_head.weight. Use the config.json that the checkpoint was "
            "saved with. If they have no part in the vision transformer, save the weights without "
            "them.",
        ),
    ],
)
def test_what_may_be_the_model_itself_is_an_error_that_names_it(
    family: str, tensors: dict[str, tuple[int, ...]], message: str, copy: Callable[[str], Path]
) -> None:
    assert refusal(edited(copy(family), adding(**tensors))) == message


def test_more_blocks_than_the_config_says(copy: Callable[[str], Path]) -> None:
    assert refusal(configured(copy("vit"), num_hidden_layers=1)) == (
        "The weights of mine hold 2 blocks more than config.json says (num_hidden_layers = 1): "
        "encoder.layer.1 is left out. Set num_hidden_layers to 3, or use the checkpoint's own "
        "config.json."
    )


def test_config_that_transformers_does_not_take(copy: Callable[[str], Path]) -> None:
    assert refusal(configured(copy("dinov2"), num_hidden_layers=1)) == (
        f"transformers {transformers.__version__} does not take the config.json of mine: "
        "out_features must be a subset of stage_names: ['stem', 'stage1'] got ['stage3']. "
        "Correct the file, or use the checkpoint's own config.json."
    )


def test_fewer_blocks_than_the_config_says(copy: Callable[[str], Path]) -> None:
    assert refusal(configured(copy("dinov2"), num_hidden_layers=5)) == (
        "The weights of mine lack 36 tensors of Dinov2Model, "
        "encoder.layer.3.attention.k_proj.bias first; random values would stand in for them. "
        "config.json says more blocks than there are: encoder.layer.3 is the first of 2 that are "
        "lacking. Download or save the model again; if it is whole, correct the number there."
    )


def test_biases_that_the_config_leaves_out(copy: Callable[[str], Path]) -> None:
    assert refusal(configured(copy("vit"), qkv_bias=False)).startswith(
        "The weights of mine hold 9 tensors that ViTModel does not use: "
    )


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "backbone.", "teacher.", "encoder.", "a.b.c."]
)
def test_prefix_is_taken_off_where_the_names_then_fit(
    prefix: str, copy: Callable[[str], Path]
) -> None:
    found = built(edited(copy("dinov2"), prefixed(prefix)))
    assert found.renamed == f"the prefix {prefix} was taken off the names of 61 tensors"
    assert found.unused == ()


def test_network_under_a_prefix_gives_the_same_numbers(
    saved: Callable[[str], Path], copy: Callable[[str], Path]
) -> None:
    plain = ready(saved("dinov2"))
    other = ready(edited(copy("dinov2"), prefixed("module.", also=("module.dino_head.weight",))))
    (one,), (two,) = measured(plain, prepared(plain)), measured(other, prepared(other))
    same(one, two)
    assert other.facts.renamed == "the prefix module. was taken off the names of 62 tensors"
    assert other.facts.unused == ("dino_head.weight: a head behind the blocks",)


def test_class_head_under_a_prefix_is_kept(copy: Callable[[str], Path]) -> None:
    found = built(edited(copy("vit with a class head"), prefixed("_orig_mod.")))
    assert found.head is not None and found.unused == ()


def test_student_and_teacher_cannot_be_told_apart(copy: Callable[[str], Path]) -> None:
    def twice(weights: Weights) -> Weights:
        student = {f"student.{name}": tensor.clone() for name, tensor in weights.items()}
        return student | {f"teacher.{name}": tensor for name, tensor in weights.items()}

    assert refusal(edited(copy("dinov2"), twice)) == (
        "The weights of mine hold the network 2 times, under student. and teacher.; which is meant "
        "cannot be told. Save the one that is meant alone, without its prefix."
    )


def test_prefix_before_names_of_another_network(copy: Callable[[str], Path]) -> None:
    def foreign(weights: Weights) -> Weights:
        return {f"trunk.blocks.{n}.weight": torch.ones(4, 4) for n in range(60)}

    assert refusal(edited(copy("dinov2"), foreign)) == (
        "The weights of mine lack 60 tensors of Dinov2Model, embeddings.cls_token first; random "
        "values would stand in for them. Their names begin with trunk., and without it they do not "
        "fit either: check that the checkpoint belongs to its config.json."
    )


def test_unmerged_layers_of_peft(copy: Callable[[str], Path]) -> None:
    def wrap(weights: Weights) -> Weights:
        found = {}
        for name, tensor in weights.items():
            head, _, tail = name.rpartition(".")
            found[f"{head}.base_layer.{tail}" if ".query." in name else name] = tensor
        return found

    assert refusal(edited(copy("dinov2"), wrap)) == (
        "The weights of mine hold adapter matrices that are not merged: "
        "encoder.layer.0.attention.attention.query.base_layer.bias and 5 more. Merge them: load "
        "the model with its adapter and save what merge_and_unload() gives."
    )


def test_one_tensor_under_two_names(copy: Callable[[str], Path]) -> None:
    def twice(weights: Weights) -> None:
        weights["vit.embeddings.cls_token"] = weights["embeddings.cls_token"] + 1

    assert refusal(edited(copy("vit"), twice)) == (
        "The weights of mine hold embeddings.cls_token twice, also as vit.embeddings.cls_token; "
        "which is meant cannot be told. Save the network again, each tensor once."
    )


def test_tower_of_a_vision_language_model(saved: Callable[[str], Path], tmp_path: Path) -> None:
    """Its tensors are found under their prefix, and the language model is left."""
    folder = shutil.copytree(saved("clip vision"), tmp_path / "llava")
    tower = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(
            {
                "model_type": "llava",
                "vision_config": tower,
                "text_config": {"model_type": "llama", "hidden_size": 32},
            }
        )
    )
    edited(folder, prefixed("model.vision_tower.", also=("model.language_model.norm.weight",)))
    plain, other = ready(saved("clip vision")), ready(folder)
    (one,), (two,) = measured(plain, prepared(plain)), measured(other, prepared(other))
    same(one, two)
    assert other.facts.unused == (
        "model.language_model.norm.weight: part of a text tower or language model",
    )
