"""Test-time registers (Jiang 2025): the neurons that make outlier patches, found and checked.

A few neurons of the MLPs make the patches of unusual norm. They are found on calibration images by
their activation at such patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from generator.capture.forward.hooks import Streams
from generator.capture.forward.neurons import mlp_output
from generator.capture.forward.scores import Scores, attention_of
from generator.capture.forward.statistics import ReducedAttention
from generator.capture.forward.watcher import Watcher
from generator.capture.models.load import LoadedModel
from generator.errors import ModelError
from generator.records.extras import Intervened, Intervention, RegisterCheck, RegisterNeuron
from generator.records.record import OUTLIER
from generator.text.numbers import number, rounded
from generator.text.phrases import counted


def calibrate(
    model: LoadedModel, images: Sequence[NDArray[np.float32]], asked: Intervention
) -> LoadedModel:
    """Find the register neurons of a model, and put a test-time register to work in it.

    Args:
        model: as it is.
        images: pixels of the calibration images, ``[channel, row, column]`` each.
        asked: how many neurons, and where to look.

    Raises:
        ModelError: no image, no patch that is an outlier, or no such layer.
    """
    layers = model.facts.layers
    if asked.up_to_layer is not None and asked.up_to_layer > layers:
        raise ModelError(
            f"{model.facts.id} has {layers} layers; test_time_registers asks for register neurons "
            f"up to layer {asked.up_to_layer}.",
            "Lower up_to_layer, or leave it out.",
        )
    if not images:
        raise ModelError(
            f"No image could be opened to look for the register neurons of {model.facts.id}.",
            "Put images that can be opened first.",
        )
    norms = [_norms(model, pixels) for pixels in images]
    # Over all layers: in distilled models the outliers are gone at the last.
    ratios = np.stack([(n.max(1) / np.median(n, axis=1)) for n in norms]).mean(0)
    peak = int(ratios.argmax())
    outliers = [np.flatnonzero(n[peak] > OUTLIER * np.median(n[peak])) for n in norms]
    count = sum(len(found) for found in outliers)
    up_to = asked.up_to_layer or peak
    if not count or not up_to:
        pictures = f"{counted(len(images), 'calibration image')}"
        raise ModelError(
            f"{model.facts.id} has no outlier patches that an MLP makes, on {pictures} "
            f"(largest norm {number(float(ratios[peak]))} times the median, on average): "
            "nothing to move.",
            "Raise --resolution, or leave test_time_registers out for this model.",
        )
    neurons = _register_neurons(model, images, outliers, up_to, asked.neurons)
    draft = Intervened(
        asked=asked,
        token=model.resolved.vision.with_register().prefix[-1],
        outlier_layer=peak,
        outliers=count,
        images=sum(len(found) > 0 for found in outliers),
        up_to_layer=up_to,
        neurons=neurons,
        taken_over=RegisterCheck(0.0, 0.0, 0.0, 0.0, outliers=0, holds=False),  # known below
    )
    check = _check(replace(model, register=draft), images, draft)
    return replace(model, register=replace(draft, taken_over=check))


def _norms(model: LoadedModel, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Norms of the patches, ``[layer + 1, patch]``."""
    layout = model.layout(*pixels.shape[1:])
    return _watched(model, pixels)[0][:, layout.patch_slice]


def _watched(
    model: LoadedModel, pixels: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Norms ``[layer + 1, token]``, and the class token's attention ``[layer, token]``."""
    layout = model.layout(*pixels.shape[1:])
    cls = layout.token(layout.cls or layout.prefix[0])
    norms: list[Tensor] = []

    def read(stream: Tensor) -> None:
        norms.append(torch.linalg.vector_norm(stream[0], dim=-1, dtype=torch.float32))

    def row(scores: Scores) -> Tensor:
        return attention_of(scores, slice(cls, cls + 1))[:, 0].mean(0)

    attention = ReducedAttention(row)
    watcher = Watcher(model.blocks, attention, tokens=layout.tokens, model=model.facts.id)
    with Streams(model.blocks, read), watcher:
        model.forward(torch.from_numpy(pixels)[None].to(model.device), layout)
    rows = torch.stack([images[0] for images in attention.layers])
    return torch.stack(norms).double().cpu().numpy(), rows.double().cpu().numpy()


def _check(
    model: LoadedModel, images: Sequence[NDArray[np.float32]], register: Intervened
) -> RegisterCheck:
    """What the register has of norm and attention, beside the patches."""
    behind = min((neuron.layer for neuron in register.neurons), default=-1) + 1
    found, left = [], 0
    for pixels in images:
        layout = model.layout(*pixels.shape[1:])
        norms, rows = _watched(model, pixels)
        at, patches = layout.token(register.token), layout.patch_slice
        ratios = norms[register.outlier_layer] / np.median(norms[register.outlier_layer, patches])
        late = rows[min(behind, len(rows) - 1) :]
        left += int((ratios[patches] > OUTLIER).sum())
        strongest = late[:, patches].max(1).mean()
        found.append((ratios[at], ratios[patches].max(), late[:, at].mean(), strongest))
    norm, patch_norm, attention, patch_attention = np.mean(found, axis=0).tolist()
    return RegisterCheck(
        register_norm=rounded(norm, 6),
        patch_norm=rounded(patch_norm, 6),
        register_attention=rounded(attention, 6),
        patch_attention=rounded(patch_attention, 6),
        outliers=left,
        holds=norm > max(patch_norm, OUTLIER) and attention > patch_attention,
    )


def _register_neurons(
    model: LoadedModel,
    images: Sequence[NDArray[np.float32]],
    outliers: Sequence[NDArray[np.intp]],
    up_to: int,
    most: int,
) -> tuple[RegisterNeuron, ...]:
    """The neurons that are most active at outlier patches."""
    seen = [
        _activity(model, pixels, places, up_to)
        for pixels, places in zip(images, outliers, strict=True)
        if len(places)
    ]
    mean = torch.stack(seen).sum(0) / sum(len(places) for places in outliers)
    flat, width = mean.flatten(), mean.shape[1]
    order = flat.argsort(descending=True, stable=True)[:most].tolist()
    return tuple(
        RegisterNeuron(index // width, index % width, round(float(flat[index]), 6))
        for index in order
        if flat[index] > 0
    )


def _activity(
    model: LoadedModel, pixels: NDArray[np.float32], places: NDArray[np.intp], up_to: int
) -> Tensor:
    """Magnitude of every neuron, summed over some patches: float64 ``[layer, neuron]``."""
    layout = model.layout(*pixels.shape[1:])
    tokens = torch.from_numpy(places + len(layout.prefix)).to(model.device)
    seen: list[Tensor] = []

    def see(module: nn.Module, args: tuple[Any, ...]) -> None:
        seen.append(args[0][0, tokens].abs().sum(0, dtype=torch.float32).double().cpu())

    outputs = [mlp_output(block) for block in model.blocks[:up_to]]
    hooks = [output.register_forward_pre_hook(see) for output in outputs]
    try:
        model.forward(torch.from_numpy(pixels)[None].to(model.device), layout)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(seen)
