"""From a checkpoint of timm to a network with its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from generator.capture.checkpoint.families import RELATIVE, ROTARY
from generator.capture.checkpoint.layouts import (
    VisionConfig,
    expect_small_lists,
)
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.models.built import Built
from generator.capture.models.foreign import loading_errors
from generator.capture.models.heads import ClassHead
from generator.capture.models.tensors import (
    StoredTensor,
    Tensors,
    expect_size,
    fitting,
    stored_tensors,
)
from generator.capture.models.timm_import import timm, torchvision_is_missing
from generator.errors import ModelError, UnsupportedModelError, first_line
from generator.records.record import TokenLayout

NETWORKS = (
    *("VisionTransformer", "VisionTransformerDistilled", "VisionTransformerRelPos"),
    *("Eva", "Beit", "NaFlexVit"),
)
"""Classes of timm whose blocks attend over all tokens: prefix, then patches, row by row."""

WRAPPER = "timm_model."
"""Prefix of names where transformers has put its wrapper around a network of timm."""


def geometry(config: Mapping[str, Any], model: str) -> VisionConfig:
    """Geometry by the flags of the network itself, which is made without numbers.

    Args:
        config: the parsed ``config.json``.
        model: named in errors.

    Raises:
        ModelError: timm does not make this network.
        UnsupportedModelError: it is not a plain vision transformer.
    """
    expect_small_lists(config, model)
    network = _network(config, model, classes=0, device="meta")
    declared = config.get("pretrained_cfg", config).get("input_size")
    return geometry_of(network, str(config["architecture"]), declared, model)


def geometry_of(
    network: Any, architecture: str, input_size: Sequence[int] | None, model: str
) -> VisionConfig:
    """Geometry of a network by its flags.

    Args:
        network: of a class in :data:`NETWORKS`, or of one that inherits from it.
        architecture: its name in timm.
        input_size: channels, height and width of the own input; None where the network knows it.
        model: named in errors.

    Raises:
        UnsupportedModelError: it is not a plain vision transformer.
    """
    embedding = getattr(network, "embeds", network)  # NaFlexVit keeps its input in a module
    patch_height, patch_width = _patch(network)
    rows, cols = _grid(network, embedding)
    prefix = _prefix(network, embedding, model)
    blocks = list(network.blocks)
    if not all(hasattr(block, "attn") for block in blocks):
        raise UnsupportedModelError(
            f"{model} has blocks of the kind {type(blocks[0]).__name__}, which attend more than "
            "once.",
            "Use a vision transformer of timm with one attention in each block.",
        )
    heads = {block.attn.num_heads for block in blocks}
    if len(heads) > 1:
        raise UnsupportedModelError(
            f"{model} has blocks of {' and '.join(map(str, sorted(heads)))} heads.",
            "A model whose blocks differ in size has no attention map over the whole picture.",
        )
    return VisionConfig(
        model_type=architecture.partition(".")[0],
        listed=True,
        prefix=prefix,
        patch_height=patch_height,
        patch_width=patch_width,
        image_size=min(_own_size(network, input_size, (rows * patch_height, cols * patch_width))),
        layers=len(blocks),
        heads=heads.pop(),
        width=int(network.embed_dim),
        inputs="pixels",
        resizable=_takes_any_size(network),
        nest=(),
        position=_position(network, embedding),
        position_grid=(rows, cols),
        no_register=_no_register(network, prefix),
    )


def build_network(
    resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
) -> Built:
    """The network of a checkpoint, with its weights.

    Args:
        resolved: what to load.
        dtype: of weights and activations.
        attention: ``eager`` turns timm's fused attention off.
        blank: leave the numbers out.

    Raises:
        ModelError: the weights cannot be read, are incomplete, or hold what the network has no
            place for.
    """
    if resolved.adapter is not None:
        raise ModelError(
            f"{resolved.id} has {resolved.adapter.words}, which is not applied to models of timm.",
            "Merge it into the weights where it was trained, and save the model.",
        )
    with loading_errors(resolved):
        tensors, _ = stored_tensors(resolved, resolved.id, blank=blank)
        classes = _classes_in(tensors)
        planned = _network(resolved.config, resolved.id, classes=classes, device="meta")
        expect_size(planned, tensors, resolved.id)

        def make(given: Mapping[str, StoredTensor]) -> Any:
            device = "meta" if blank else "cpu"
            network = _network(resolved.config, resolved.id, classes=classes, device=device)
            return network, _fill(network, given)

        attempt = fitting(make, tensors, resolved.vision, resolved.id)
    network: Any = attempt.network
    network.to(dtype)
    for module in network.modules():
        if attention == "eager" and hasattr(module, "fused_attn"):
            module.fused_attn = False
    head, headless = class_head_of(network, resolved.config)
    return Built(
        network=network,
        blocks=tuple(network.blocks),
        runner=TimmRunner(network),
        head=head,
        headless=headless,
        renamed=attempt.renamed,
        unused=attempt.unused,
    )


@dataclass(frozen=True, slots=True)
class TimmRunner:
    """Calls a network of timm."""

    network: Any

    def hidden(self, pixels: Tensor, layout: TokenLayout) -> Tensor:
        """The features, and the pooling head over the patches, if there is one, to be seen."""
        hidden: Tensor = self.network.forward_features(pixels)
        if _pools_patches(self.network):
            self.network.attn_pool(hidden[:, layout.patch_slice])
        return hidden

    def attentions(self, pixels: Tensor, layout: TokenLayout) -> tuple[Tensor, ...]:
        """What enters the dropout that follows each block's softmax."""
        found: list[Tensor] = []
        hooks = [
            block.attn.attn_drop.register_forward_pre_hook(lambda _, args: found.append(args[0]))
            for block in self.network.blocks
        ]
        try:
            self.network.forward_features(pixels)
        finally:
            for hook in hooks:
                hook.remove()
        return tuple(found)


def _pools_patches(network: Any) -> bool:
    """Whether a pooling head attends to the patches alone. Eva's reads prefix tokens as well."""
    has = getattr(network, "attn_pool", None) is not None
    return has and not getattr(network, "pool_include_prefix", True)


def own_input(resolved: ResolvedModel, picture: Image.Image) -> NDArray[np.float32]:
    """What timm's transform for evaluation makes of a picture: ``[channel, row, column]``.

    Raises:
        ImportError: it needs torchvision.
    """
    if torchvision_is_missing():
        raise ImportError("timm's own transform needs torchvision, which cannot be imported here")
    data = timm().data
    declared = resolved.config.get("pretrained_cfg", resolved.config)
    options = data.resolve_data_config(pretrained_cfg=dict(declared))
    values = data.create_transform(**options)(picture)
    return np.asarray(values, np.float32)


# --- the network ---------------------------------------------------------------------------------


def _network(config: Mapping[str, Any], model: str, *, classes: int, device: str) -> Any:
    """The network that a config describes, of any input size where it can be.

    Args:
        classes: of the class head; 0 for none.
        device: ``meta`` for a network without numbers.
    """
    known = {field.name for field in dataclasses.fields(timm().models.PretrainedCfg)}
    declared = config.get("pretrained_cfg", config)
    pretrained = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in declared.items()
        if key in known
    }
    options = dict(config.get("model_args") or {})
    options |= {"num_classes": classes, "global_pool": config.get("global_pool") or None}
    name = str(config["architecture"])

    def make(**more: Any) -> Any:
        with torch.device(device):
            return timm().create_model(
                name, pretrained=False, pretrained_cfg=pretrained, **{**options, **more}
            )

    try:
        network = make()
    except (RuntimeError, TypeError, ValueError, AssertionError, KeyError) as error:
        raise ModelError(
            f"timm {timm().__version__} does not make {name}, the model of {model}: "
            f"{first_line(error).rstrip('.')}.",
            "Use the version of timm that the checkpoint was saved with.",
        ) from error
    kind = type(network).__name__
    if kind not in NETWORKS:
        raise UnsupportedModelError(
            f"{model} is a {name} model of timm, a {kind}: it is not a plain vision transformer, "
            "so it has no attention map over the whole picture.",
            f"Use a model of timm that is a {', '.join(NETWORKS[:-1])} or {NETWORKS[-1]}.",
        )
    if not getattr(network, "dynamic_img_size", True):
        network = make(dynamic_img_size=True)
    return network.eval()


def _fill(network: Any, given: Mapping[str, StoredTensor]) -> dict[str, Any]:
    """Put tensors into a network by name; returns which of its names lack one."""
    missing, unlike = [], []
    parameters = dict(network.named_parameters())
    for name, place in network.state_dict(keep_vars=True).items():
        if name not in given:
            if name in parameters:  # a buffer is made anew
                missing.append(name)
        elif tuple(given[name].shape) != tuple(place.shape):
            unlike.append((name, given[name].shape, place.shape))
        else:
            values = given[name][...]
            if not place.is_meta:
                place.data.copy_(values)
    return {"missing_keys": missing, "mismatched_keys": unlike}


def _classes_in(tensors: Tensors) -> int:
    """Classes of the head that the weights hold; 0 without one."""
    for name in ("head.weight", f"{WRAPPER}head.weight"):
        if name in tensors and len(tensors[name].shape) == 2:
            return int(tensors[name].shape[0])
    return 0


# --- its flags -----------------------------------------------------------------------------------


def _patch(network: Any) -> tuple[int, int]:
    """Height and width of the patch of one token, in input pixels."""
    if hasattr(network, "embeds"):
        height, width = network.embeds.patch_size
    else:
        height, width = network.patch_embed.feat_ratio(as_scalar=False)
    return int(height), int(width)


def _grid(network: Any, embedding: Any) -> tuple[int, int]:
    """Rows and columns that the position embeddings were made for."""
    if hasattr(network, "embeds"):
        rows, cols = embedding.pos_embed_grid_size
    else:
        rows, cols = network.patch_embed.grid_size
    return int(rows), int(cols)


def _own_size(
    network: Any, declared: Sequence[int] | None, by_grid: tuple[int, int]
) -> tuple[int, int]:
    """Height and width of the checkpoint's own input, in pixels."""
    if not hasattr(network, "embeds"):
        height, width = network.patch_embed.img_size
        return int(height), int(width)
    return (int(declared[1]), int(declared[2])) if declared else by_grid


def _prefix(network: Any, embedding: Any, model: str) -> tuple[str, ...]:
    """Names of the tokens in front of the patches, in timm's order."""
    registers = getattr(embedding, "reg_token", None)
    names = (
        *(("CLS",) if getattr(embedding, "cls_token", None) is not None else ()),
        *(("DIST",) if getattr(network, "dist_token", None) is not None else ()),
        *(f"reg{n + 1}" for n in range(registers.shape[1] if registers is not None else 0)),
    )
    count = int(network.num_prefix_tokens)
    if len(names) != count:
        raise UnsupportedModelError(
            f"{model} puts {count} tokens in front of its patches, of which {len(names)} have a "
            f"name in timm ({', '.join(names) or 'none'}).",
            "Report the architecture.",
        )
    return names


def _takes_any_size(network: Any) -> bool:
    return hasattr(network, "embeds") or bool(getattr(network, "dynamic_img_size", False))


def _position(network: Any, embedding: Any) -> str:
    """Why there are no learned position embeddings; empty where there are."""
    if getattr(embedding, "pos_embed", None) is not None:
        return ""
    if getattr(network, "rope", None) is not None:
        return ROTARY
    relative = any("rel_pos" in name or "relative_position" in name for name, _ in _named(network))
    return RELATIVE if relative else "none are found among the weights"


def _named(network: Any) -> Sequence[tuple[str, Tensor]]:
    return [*network.named_parameters(), *network.named_buffers()]


def _no_register(network: Any, prefix: tuple[str, ...]) -> str:
    """Why the blocks take no token more behind the prefix."""
    kind = type(network).__name__
    if "CLS" not in prefix:
        return f"a {kind} model of timm without a class token has none to put it behind"
    if getattr(network, "rope", None) is not None:
        return "its rotary embedding is laid out for its own tokens"
    if kind in ("Beit", "VisionTransformerRelPos"):
        return "its relative position bias is of a fixed number of tokens"
    return ""


def class_head_of(network: Any, config: Mapping[str, Any]) -> tuple[ClassHead | None, str]:
    """The class head, or why there is none."""
    if not isinstance(network.head, nn.Linear):
        return None, "it has no class head"
    norm, after = network.norm, getattr(network, "fc_norm", None)
    final = norm if isinstance(norm, nn.LayerNorm) else None
    pooled = after if isinstance(after, nn.LayerNorm) else None
    classifiers = [network.head]
    pooling = "map" if getattr(network, "attn_pool", None) is not None else network.global_pool
    if getattr(network, "pool_include_prefix", False):
        pooling = f"{pooling} with prefix tokens"
    head = None
    labels = _labels(config)
    if pooling == "token" and final is not None and pooled is None:
        if getattr(network, "head_dist", None) is not None:
            classifiers.append(network.head_dist)
            head = ClassHead("CLS and DIST", tuple(classifiers), final, labels)
        else:
            head = ClassHead("CLS", tuple(classifiers), final, labels)
    elif pooling == "avg" and pooled is None:
        head = ClassHead("mean of patches", tuple(classifiers), final, labels)
    elif pooling == "avg" and final is None:
        head = ClassHead("mean patch", tuple(classifiers), pooled, labels)
    if head is None:
        return None, f"its class head is not supported ({pooling} pooling)"
    return head, ""


def _labels(config: Mapping[str, Any]) -> dict[int, str]:
    """Names of the classes, by their descriptions where there are some."""
    names = config.get("label_names") or ()
    descriptions = config.get("label_descriptions") or {}
    listed = names.items() if isinstance(names, Mapping) else enumerate(names)
    return {int(index): str(descriptions.get(name, name)) for index, name in listed}
