"""Namings of weights in original checkpoints: a table, read from names and shapes without torch.

Many projects publish a state dict alone. Its names tell the family, its shapes most sizes; each
network here is one that transformers has as well, so that only names change. What neither tells,
such as the number of heads, comes from the project's own code where that leaves no choice, and from
the user where it does.
"""

from __future__ import annotations

import math
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
from generator.text.phrases import listed

Shapes = Mapping[str, Sequence[int]]

QUERY_KEY_VALUE = "{qkv}"
"""Stands in a new name for query, key and value, which an original keeps in one tensor."""


@dataclass(frozen=True, slots=True)
class Original:
    """One naming.

    Attributes:
        projects: whose it is, in words.
        signs: names by which it is recognized, the patch embedding's weight first.
        behind: name of a tensor that projects what the blocks give; empty for none.
        mark: pattern of a name that must be there as well; empty for none.
        names: pattern of an old name -> new name.
        thirds: what stands for :data:`QUERY_KEY_VALUE`: names of query, key and value.
        position: old name of the position embeddings.
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
    behind: str = ""
    mark: str = ""
    asked: Mapping[int, str] = field(default_factory=dict)
    resize: float = 256 / 224
    resample: int = 3
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD


@dataclass(frozen=True, slots=True)
class StoredAt:
    """Where a tensor comes from.

    Attributes:
        name: of the stored tensor.
        third: 0 to 2 for query, key or value in it; None for all of it.
    """

    name: str
    third: int | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """An original checkpoint as one of transformers.

    Attributes:
        original: whose naming it has.
        root: prefix of the network's names; empty without one.
        config: a ``config.json``.
        places: new name -> where the tensor is.
        left: names below the prefix that have no new one.
        behind: name of a projection behind the blocks; empty without one.
        outside: names beside the prefix.
    """

    original: Original
    root: str
    config: dict[str, Any]
    places: dict[str, StoredAt]
    left: tuple[str, ...]
    behind: str
    outside: tuple[str, ...]


def understand(shapes: Shapes, asked: StateDictSpec, model: str) -> Understood:
    """Find the network in a state dict.

    Args:
        shapes: of all tensors, by name.
        asked: what the user says of it.
        model: named in errors.

    Raises:
        ModelError: there is none, there are several, or something is left open.
    """
    original, root = _network(shapes, asked, model)
    inside = {name.removeprefix(root): s for name, s in shapes.items() if name.startswith(root)}
    places, left = _renamed(original, inside, root)
    width = _width(original, inside)
    config = {
        "hidden_size": width,
        "num_hidden_layers": _layers(places),
        "num_attention_heads": _heads(original, inside, root, width, asked, model),
        "patch_size": _patch(original, inside, model),
        **original.config(inside, asked, model),
    }
    config["image_size"] = _image_size(original, inside, config, asked, model)
    outside = tuple(sorted(name for name in shapes if not name.startswith(root)))
    behind = root + original.behind if original.behind in inside else ""
    return Understood(original, root, config, places, left, behind, outside)


def _network(shapes: Shapes, asked: StateDictSpec, model: str) -> tuple[Original, str]:
    """The naming, and the prefix of the names."""
    found: dict[str, Original] = {}
    for original in ORIGINALS:
        first = original.signs[0]
        for name in shapes:
            root = name.removesuffix(first)
            whole = name.endswith(first) and root[-1:] in ("", ".")
            if whole and root not in found and _is(original, root, shapes):
                found[root] = original
    if not found:
        first = next(iter(sorted(shapes)), "")
        raise ModelError(
            f"{model} holds {len(shapes)} tensors" + (f", {first} first" if first else "") + ", "
            "which are not named like a vision transformer of any of these projects: "
            f"{', '.join(original.projects for original in ORIGINALS)}.",
            "Save the model with save_pretrained() of transformers or save_for_hf() of timm.",
        )
    if asked.part:
        chosen = {root: o for root, o in found.items() if asked.part in root.split(".")}
        if not chosen:
            raise ModelError(
                f"{model} has no network under {asked.part}, only under {_roots(found)}.",
                "Correct part.",
            )
        found = chosen
    if len(found) > 1:
        words = [_telling(root, found) for root in found]
        raise ModelError(
            f"{model} holds {len(found)} networks, under {_roots(found)}.",
            f'Say which: part = "{words[0]}" in its table state_dict, or ?part={words[0]} behind '
            "the file.",
        )
    return next((original, root) for root, original in found.items())


def _is(original: Original, root: str, shapes: Shapes) -> bool:
    mark = re.compile(re.escape(root) + original.mark)
    signs = all(root + sign in shapes for sign in original.signs)
    return signs and (not original.mark or any(mark.fullmatch(name) for name in shapes))


def _roots(found: Mapping[str, Original]) -> str:
    return listed(root.removesuffix(".") or "no prefix" for root in sorted(found))


def _telling(root: str, found: Mapping[str, Original]) -> str:
    """The first word of a prefix that the others lack."""
    others = {word for other in found if other != root for word in other.split(".")}
    return next((word for word in root.split(".") if word and word not in others), root)


def _renamed(
    original: Original, inside: Shapes, root: str
) -> tuple[dict[str, StoredAt], tuple[str, ...]]:
    """Places by new name, and names that have none."""
    places: dict[str, StoredAt] = {}
    left = []
    for name in inside:
        made = _new_name(original, name)
        if not made and name != original.behind:
            left.append(root + name)
        elif QUERY_KEY_VALUE in made:
            for third, word in enumerate(original.thirds):
                places[made.replace(QUERY_KEY_VALUE, word)] = StoredAt(root + name, third)
        elif made:
            places[made] = StoredAt(root + name)
    return places, tuple(left)


def _new_name(original: Original, name: str) -> str:
    """What transformers calls it; empty for none."""
    for pattern, new in original.names:
        if match := re.fullmatch(pattern, name):
            return match.expand(new)
    return ""


def _width(original: Original, inside: Shapes) -> int:
    return int(inside[original.signs[0]][0])


def _layers(places: Mapping[str, StoredAt]) -> int:
    blocks = (re.search(r"layers?\.(\d+)\.", name) for name in places)
    return max((int(match[1]) + 1 for match in blocks if match), default=0)


def _patch(original: Original, inside: Shapes, model: str) -> int:
    shape = inside[original.signs[0]]
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        raise ModelError(
            f"{model} has patches of shape {list(shape)} in {original.signs[0]}; square filters of "
            "three colors were expected.",
            "Use a model of color images.",
        )
    return int(shape[2])


def _heads(
    original: Original, inside: Shapes, root: str, width: int, asked: StateDictSpec, model: str
) -> int:
    known = original.heads.get(width)
    if width in original.asked and (sure := _by_project(inside, root)):
        known = sure.get(width, known)
    heads = asked.heads or known
    if heads is None:
        why = original.asked.get(width, "which none of their published models has")
        raise ModelError(
            f"The names of {model} are those of {original.projects}, and it is {width} wide, "
            f"{why}: its number of heads cannot be told from the weights.",
            "Say it: heads = 6, for example, in its table state_dict, or ?heads=6 behind the file.",
        )
    if width % heads:
        raise ModelError(
            f"{model} is {width} wide, which {heads} heads do not divide.", "Correct heads."
        )
    return heads


def _by_project(inside: Shapes, root: str) -> Mapping[int, int]:
    """Heads by width where a trace of one project's training is in the file."""
    if {"base_encoder", "momentum_encoder"} & set(root.split(".")):
        return {384: 12}  # MoCo v3
    if "dist_token" in inside:
        return {384: 6}  # DeiT
    return {}


def _image_size(
    original: Original,
    inside: Shapes,
    config: Mapping[str, Any],
    asked: StateDictSpec,
    model: str,
) -> int:
    """Side of the input that the position embeddings are for, in pixels."""
    tokens = math.prod(inside[original.position][:-1])
    patches = tokens - 1 - ("dist_token" in inside)
    side = math.isqrt(patches)
    pixels = side * int(config["patch_size"])
    if side * side != patches:
        raise ModelError(
            f"{model} has position embeddings of {patches} patches, which make no square.",
            "Save it with save_pretrained() of transformers, whose config says its size.",
        )
    if asked.image_size not in (None, pixels):
        raise ModelError(
            f"{model} has position embeddings for {pixels} x {pixels} px, not for "
            f"{asked.image_size}.",
            "Leave image_size out; --resolution measures at another size.",
        )
    return pixels


# --- the table -----------------------------------------------------------------------------------

_BLOCK = r"blocks\.(?:\d+\.)?(\d+)\."  # DINOv2 puts blocks into chunks, numbered through
_VIT_BLOCK = r"encoder.layer.\1."


_HIDDEN = re.compile(
    r"(blocks|encoder\.layers|transformer\.resblocks)\..*mlp\.(fc1|0|linear_1|c_fc)\.weight"
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


TIMM_LIKE = (
    (r"cls_token", r"embeddings.cls_token"),
    (r"pos_embed", r"embeddings.position_embeddings"),
    (r"patch_embed\.proj\.(\w+)", r"embeddings.patch_embeddings.projection.\1"),
    (_BLOCK + r"attn\.qkv\.(\w+)", _VIT_BLOCK + r"attention.attention.{qkv}.\2"),
    (_BLOCK + r"attn\.proj\.(\w+)", _VIT_BLOCK + r"attention.output.dense.\2"),
    (r"norm\.(\w+)", r"layernorm.\1"),
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
