"""Position embeddings and patch filters of a model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from generator.capture.arrays import full
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.models.load import LoadedModel
from generator.records.extras import FloatArray, ModelWeights

COMPONENTS = 28
"""Filters kept, as in Dosovitskiy 2021, Fig. 7 left."""

POSITION_NAMES = frozenset({"position_embeddings", "position_embedding", "pos_embed"})
PATCH_WORDS = ("patch_embed", "patch_projection", "patch_embedding")
ELSEWHERE = ("decoder", "text", "head", "video")
"""Words in the names of weights outside the vision transformer's input."""

COLORS = 3


def reduce_weights(model: LoadedModel, key: str) -> ModelWeights:
    """Position embeddings as a grid, and the principal components of the patch embedding.

    Args:
        model: the network is read, not run.
        key: of the file in the store.
    """
    vision = model.resolved.vision
    position, grid, note = _position(model.network, vision)
    filters, spectrum = filter_components(_filters(model.network, vision))
    return ModelWeights(
        key=key,
        model=model.facts.id,
        position=position,
        position_grid=grid,
        position_note=note,
        filters=filters,
        spectrum=spectrum,
    )


def _position(
    network: nn.Module, vision: VisionConfig
) -> tuple[FloatArray | None, tuple[int, int], str]:
    """Learned embeddings of the native grid ``[patch, channel]``, or why there are none."""
    nothing = (0, 0)
    if vision.position:
        return None, nothing, vision.position
    found = [
        parameter
        for name, parameter in network.named_parameters()
        if POSITION_NAMES & set(name.split("."))
        and not any(word in name for word in ELSEWHERE)
        and parameter.shape[-1] == vision.width
    ]
    if not found:
        return None, nothing, "none are found among the weights"
    table = found[0].detach().reshape(-1, vision.width)
    # Registers have no position embedding.
    prefix = sum(not name.startswith("reg") for name in vision.prefix)
    rows, cols = vision.position_grid
    # RADIO's CLS tokens have none; ViTDet keeps and skips that of the CLS of its pretraining
    for count in (prefix, 0, 1):
        if len(table) - count == rows * cols:
            return full(table[count:]), (rows, cols), ""
    return (
        None,
        nothing,
        f"{len(table)} are found, where {prefix} prefix tokens and {rows} x {cols} patches "
        f"make {prefix + rows * cols}",
    )


def _filters(network: nn.Module, vision: VisionConfig) -> Tensor | None:
    """The patch embedding's weights ``[filter, color, row, col]``, or None."""
    height, width = vision.patch_height, vision.patch_width
    for name, module in network.named_modules():
        if any(word in name for word in ELSEWHERE):
            continue
        if isinstance(module, nn.Conv2d) and module.weight.shape[1:] == (COLORS, height, width):
            return module.weight.detach()
        if (
            isinstance(module, nn.Linear)
            and module.in_features == COLORS * height * width
            and any(word in name for word in PATCH_WORDS)
        ):
            weight = module.weight.detach()
            if vision.inputs in ("patches", "placed"):  # the processor cuts them, channels last
                return weight.reshape(-1, height, width, COLORS).permute(0, 3, 1, 2)
            return weight.reshape(-1, COLORS, height, width)
    return None


def filter_components(weight: Tensor | None) -> tuple[FloatArray, FloatArray]:
    """Principal components of the filters, centered.

    A component's sign is arbitrary: its entry of largest magnitude is made positive.

    Args:
        weight: ``[filter, color, row, col]``; None without a known patch embedding.

    Returns:
        float32 ``[component, color, row, col]`` of unit length, and float32 ``[component]``, the
        share of the variance of all components; both empty without weights.
    """
    if weight is None:
        return np.zeros((0, COLORS, 1, 1), np.float32), np.zeros(0, np.float32)
    flat: NDArray[np.float64] = weight.cpu().double().flatten(1).numpy()
    _, sizes, components = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    variance = sizes**2
    kept = components[:COMPONENTS]
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1)[:, None], axis=1)
    kept = kept * np.sign(largest)
    spectrum = variance / max(float(variance.sum()), math.ulp(0.0))
    return (
        kept.reshape(len(kept), *weight.shape[1:]).astype(np.float32),
        spectrum.astype(np.float32),
    )
