"""Namings of weights in original checkpoints: a table of projects, read without torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.capture.checkpoint.processor_defaults import (
    CLIP_MEAN,
    CLIP_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Triple,
)
from generator.errors import ModelError
from generator.spec.models import StateDictSpec

Shapes = Mapping[str, Sequence[int]]

ROPE_PERIODS = "rope_embed.periods"
ROPE_THETA = 100.0
"""DINOv3: the periods of its rotary embedding, and their base in every model of the project."""

QUERY_KEY_VALUE = "{qkv}"
"""Stands in a new name for query, key and value, which an original keeps in one tensor."""


@dataclass(frozen=True, slots=True)
class Original:
    """One naming.

    Attributes:
        projects: whose it is, in words.
        signs: names by which it is recognized, the patch embedding's weight first.
        classifier: name of the linear layer of a class head; empty where none is read. Beside a
            distillation token there is a second one, with ``_dist`` behind the name.
        behind: name of a tensor that projects what the blocks give; empty for none.
        constant: pattern of a name -> why it decides nothing: what the code computes anyway.
        masked: end of a new name that has no place, since the code multiplies it by zero.
        mark: pattern of a name that must be there as well; empty for none.
        names: pattern of an old name -> new name.
        thirds: what stands for :data:`QUERY_KEY_VALUE`: names of query, key and value.
        position: old name of the position embeddings; empty where positions rotate.
        heads: by width, where the projects' code leaves no choice.
        asked: what is known of widths at which it does, in words.
        config: further keys of ``config.json``, from the shapes below the network's prefix.
        resize: short side of the resized picture over that of the crop.
        resample: Pillow's filter, by number.
        mean, std: of the projects' code.
    """

    projects: str
    signs: tuple[str, ...]
    names: tuple[tuple[str, str], ...]
    thirds: tuple[str, str, str]
    position: str
    heads: Mapping[int, int]
    config: Callable[[Shapes, StateDictSpec, str], dict[str, Any]]
    classifier: str = ""
    behind: str = ""
    constant: tuple[tuple[str, str], ...] = ()
    masked: str = ""
    mark: str = ""
    asked: Mapping[int, str] = field(default_factory=dict)
    resize: float = 256 / 224
    resample: int = 3
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD


_BLOCK = r"blocks\.(?:\d+\.)?(\d+)\."  # DINOv2 puts blocks into chunks, numbered through
_VIT_BLOCK = r"encoder.layer.\1."
_DINOV3_BLOCK = r"model.layer.\1."


_HIDDEN = re.compile(
    r"(blocks|encoder\.layers|transformer\.resblocks)\..*mlp\.(fc1|w1|0|linear_1|c_fc)\.weight"
)


def _hidden(inside: Shapes) -> tuple[int, int]:
    """Shape of the first layer of an MLP."""
    height, width = next(shape for name, shape in inside.items() if _HIDDEN.fullmatch(name))
    return int(height), int(width)


def _vit(inside: Shapes, asked: StateDictSpec, model: str) -> dict[str, Any]:
    return {
        "model_type": "deit" if "dist_token" in inside else "vit",
        "intermediate_size": _hidden(inside)[0],
        "layer_norm_eps": 1e-6,
        "qkv_bias": any(name.endswith(("qkv.bias", "in_proj_bias")) for name in inside),
    }


def _dinov2(inside: Shapes, asked: StateDictSpec, model: str) -> dict[str, Any]:
    registers = inside.get("register_tokens")
    gated = any(".mlp.w12." in name for name in inside)
    config: dict[str, Any] = {
        "model_type": "dinov2_with_registers" if registers else "dinov2",
        "use_swiglu_ffn": gated,
        "qkv_bias": any(name.endswith("qkv.bias") for name in inside),
    }
    if registers:
        config["num_register_tokens"] = int(registers[1])
    if not gated:
        hidden, width = _hidden(inside)
        config["mlp_ratio"] = hidden // width if hidden % width == 0 else hidden / width
    return config


def _clip(inside: Shapes, asked: StateDictSpec, model: str) -> dict[str, Any]:
    if asked.activation is None:
        raise ModelError(
            f"The names of {model} are those of OpenAI's CLIP and open_clip, whose models differ "
            "in the activation between the layers of an MLP, which the weights do not tell.",
            'Say it: activation = "quick_gelu" (OpenAI, DFN, MetaCLIP) or "gelu" (LAION, DataComp) '
            "in its table state_dict, or ?activation=gelu behind the file.",
        )
    return {
        "model_type": "clip_vision_model",
        "intermediate_size": _hidden(inside)[0],
        "hidden_act": asked.activation,
    }


def _dinov3(inside: Shapes, asked: StateDictSpec, model: str) -> dict[str, Any]:
    gated = any(".mlp.w3." in name for name in inside)
    biased = any(name.endswith("attn.qkv.bias") for name in inside)
    return {
        "model_type": "dinov3_vit",
        "num_register_tokens": int(inside["storage_tokens"][1]),
        "intermediate_size": _hidden(inside)[0],
        "use_gated_mlp": gated,
        "hidden_act": "silu" if gated else "gelu",
        "query_bias": biased,
        "key_bias": False,
        "value_bias": biased,
        "rope_theta": ROPE_THETA,
        "layer_norm_eps": 1e-5,
    }


TIMM_LIKE = (
    (r"cls_token", r"embeddings.cls_token"),
    (r"pos_embed", r"embeddings.position_embeddings"),
    (r"patch_embed\.proj\.(\w+)", r"embeddings.patch_embeddings.projection.\1"),
    (_BLOCK + r"attn\.qkv\.(\w+)", _VIT_BLOCK + r"attention.attention.{qkv}.\2"),
    (_BLOCK + r"attn\.proj\.(\w+)", _VIT_BLOCK + r"attention.output.dense.\2"),
    (r"(?:fc_)?norm\.(\w+)", r"layernorm.\1"),  # MAE has the second for the mean of the patches
)
"""What all have that took the code of timm as their model."""

ORIGINALS: tuple[Original, ...] = (
    Original(
        projects="DINOv2",
        signs=("patch_embed.proj.weight", "cls_token", "pos_embed"),
        names=(
            *TIMM_LIKE,
            (r"(mask_token|register_tokens)", r"embeddings.\1"),
            (_BLOCK + r"norm([12])\.(\w+)", _VIT_BLOCK + r"norm\2.\3"),
            (_BLOCK + r"ls([12])\.gamma", _VIT_BLOCK + r"layer_scale\2.lambda1"),
            (_BLOCK + r"mlp\.(fc[12])\.(\w+)", _VIT_BLOCK + r"mlp.\2.\3"),
            (_BLOCK + r"mlp\.w12\.(\w+)", _VIT_BLOCK + r"mlp.weights_in.\2"),
            (_BLOCK + r"mlp\.w3\.(\w+)", _VIT_BLOCK + r"mlp.weights_out.\2"),
        ),
        thirds=("query", "key", "value"),
        position="pos_embed",
        heads={384: 6, 768: 12, 1024: 16, 1536: 24},
        config=_dinov2,
        mark=r"blocks\..*\.ls1\.gamma",
    ),
    Original(
        projects="DINOv3",
        signs=("patch_embed.proj.weight", "cls_token", "storage_tokens", ROPE_PERIODS),
        names=(
            (r"cls_token", r"embeddings.cls_token"),
            (r"storage_tokens", r"embeddings.register_tokens"),
            (r"patch_embed\.proj\.(\w+)", r"embeddings.patch_embeddings.\1"),
            (_BLOCK + r"norm([12])\.(\w+)", _DINOV3_BLOCK + r"norm\2.\3"),
            (_BLOCK + r"attn\.qkv\.(weight|bias)", _DINOV3_BLOCK + r"attention.{qkv}.\2"),
            (_BLOCK + r"attn\.proj\.(\w+)", _DINOV3_BLOCK + r"attention.o_proj.\2"),
            (_BLOCK + r"ls([12])\.gamma", _DINOV3_BLOCK + r"layer_scale\2.lambda1"),
            (_BLOCK + r"mlp\.(?:fc1|w2)\.(\w+)", _DINOV3_BLOCK + r"mlp.up_proj.\2"),
            (_BLOCK + r"mlp\.(?:fc2|w3)\.(\w+)", _DINOV3_BLOCK + r"mlp.down_proj.\2"),
            (_BLOCK + r"mlp\.w1\.(\w+)", _DINOV3_BLOCK + r"mlp.gate_proj.\2"),
            (r"norm\.(\w+)", r"norm.\1"),
        ),
        thirds=("q_proj", "k_proj", "v_proj"),
        position="",
        heads={},  # the rotary embedding tells the width of a head
        config=_dinov3,
        constant=(
            (re.escape(ROPE_PERIODS), "the network computes them"),
            (_BLOCK + r"attn\.qkv\.bias_mask", "it takes away the bias of keys"),
            (r"local_cls_norm\.\w+", "only used in training"),
        ),
        masked="k_proj.bias",
        resize=1.0,
        resample=2,
    ),
    Original(
        projects="DINO, iBOT, MAE, MoCo v3 and DeiT",
        signs=("patch_embed.proj.weight", "cls_token", "pos_embed"),
        names=(
            *TIMM_LIKE,
            (r"dist_token", r"embeddings.distillation_token"),
            (_BLOCK + r"norm1\.(\w+)", _VIT_BLOCK + r"layernorm_before.\2"),
            (_BLOCK + r"norm2\.(\w+)", _VIT_BLOCK + r"layernorm_after.\2"),
            (_BLOCK + r"mlp\.fc1\.(\w+)", _VIT_BLOCK + r"intermediate.dense.\2"),
            (_BLOCK + r"mlp\.fc2\.(\w+)", _VIT_BLOCK + r"output.dense.\2"),
        ),
        thirds=("query", "key", "value"),
        position="pos_embed",
        heads={192: 3, 768: 12, 1024: 16, 1280: 16},
        classifier="head",
        asked={384: "at which DINO, iBOT and DeiT have 6 heads, and MoCo v3 has 12"},
        config=_vit,
    ),
    Original(
        projects="torchvision",
        signs=("conv_proj.weight", "class_token", "encoder.pos_embedding"),
        names=(
            (r"class_token", r"embeddings.cls_token"),
            (r"encoder\.pos_embedding", r"embeddings.position_embeddings"),
            (r"conv_proj\.(\w+)", r"embeddings.patch_embeddings.projection.\1"),
            *(
                (r"encoder\.layers\.encoder_layer_(\d+)\." + old, _VIT_BLOCK + new)
                for old, new in (
                    (r"ln_1\.(\w+)", r"layernorm_before.\2"),
                    (r"ln_2\.(\w+)", r"layernorm_after.\2"),
                    (r"self_attention\.in_proj_(\w+)", r"attention.attention.{qkv}.\2"),
                    (r"self_attention\.out_proj\.(\w+)", r"attention.output.dense.\2"),
                    (r"mlp\.(?:0|linear_1)\.(\w+)", r"intermediate.dense.\2"),
                    (r"mlp\.(?:3|linear_2)\.(\w+)", r"output.dense.\2"),
                )
            ),
            (r"encoder\.ln\.(\w+)", r"layernorm.\1"),
        ),
        thirds=("query", "key", "value"),
        position="encoder.pos_embedding",
        classifier="heads.head",
        heads={768: 12, 1024: 16, 1280: 16},
        config=_vit,
        resample=2,
    ),
    Original(
        projects="OpenAI's CLIP and open_clip",
        signs=("conv1.weight", "class_embedding", "positional_embedding", "ln_pre.weight"),
        names=(
            (r"class_embedding", r"vision_model.embeddings.class_embedding"),
            (r"positional_embedding", r"vision_model.embeddings.position_embedding.weight"),
            (r"conv1\.weight", r"vision_model.embeddings.patch_embedding.weight"),
            (r"ln_pre\.(\w+)", r"vision_model.pre_layrnorm.\1"),
            (r"ln_post\.(\w+)", r"vision_model.post_layernorm.\1"),
            *(
                (r"transformer\.resblocks\.(\d+)\." + old, r"vision_model.encoder.layers.\1." + new)
                for old, new in (
                    (r"ln_([12])\.(\w+)", r"layer_norm\2.\3"),
                    (r"attn\.in_proj_(\w+)", r"self_attn.{qkv}.\2"),
                    (r"attn\.out_proj\.(\w+)", r"self_attn.out_proj.\2"),
                    (r"mlp\.c_fc\.(\w+)", r"mlp.fc1.\2"),
                    (r"mlp\.c_proj\.(\w+)", r"mlp.fc2.\2"),
                )
            ),
        ),
        thirds=("q_proj", "k_proj", "v_proj"),
        position="positional_embedding",
        heads={768: 12, 1024: 16, 1280: 16, 1408: 16, 1664: 16},
        config=_clip,
        behind="proj",
        resize=1.0,
        mean=CLIP_MEAN,
        std=CLIP_STD,
    ),
)
"""The first whose signs are all there."""
