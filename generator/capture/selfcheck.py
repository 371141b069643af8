"""Check that captured attention agrees with the model's own eager attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generator.capture.checkpoint.preprocess import model_input
from generator.capture.forward.residual import ResidualStream
from generator.capture.forward.scores import Scores, attention_of
from generator.capture.forward.statistics import ReducedAttention
from generator.capture.forward.watcher import Watcher
from generator.capture.models.foreign import running_errors
from generator.capture.models.load import LoadedModel, inferred_layout, load
from generator.errors import ModelError
from generator.records.record import TokenLayout
from generator.text.numbers import number, plain

TOLERANCE = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}
"""Largest difference of an attention weight between capture and eager path, by dtype."""

SUM_TOLERANCE = 1e-5
LEVELS = 1.01
"""Largest difference of the input to the checkpoint's own processor, in 8-bit levels."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the self-check.

    Attributes:
        name: what was compared.
        outcome: how it came out; ``skipped`` when it cannot be done here.
        detail: the numbers, or the reason.
    """

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str


def self_check(model: LoadedModel, picture: Image.Image, resolution: int | None) -> list[Check]:
    """Run a model twice on one picture and compare.

    Args:
        model: loaded with its fast attention.
        picture: oriented, RGB.
        resolution: short side of the input in pixels; None for the checkpoint's own.

    Raises:
        CaptureError: the attention does not fit the architecture.
        ModelError: the network cannot run on a picture.
    """
    with running_errors(model.resolved):
        return _checks(model, picture, resolution)


def _checks(model: LoadedModel, picture: Image.Image, resolution: int | None) -> list[Check]:
    resolved = model.resolved
    seen, _ = model_input(picture, resolved, field_of_view="square", resolution=resolution)
    values = torch.from_numpy(seen)[None].to(model.device)
    layout = resolved.vision.layout(*values.shape[-2:])
    if not resolved.vision.listed:
        layout = inferred_layout(model, values)
    attention = ReducedAttention(_whole)
    watcher = Watcher(
        model.blocks, attention, tokens=layout.tokens, model=resolved.id, layout=layout
    )
    with torch.no_grad(), ResidualStream(model.blocks, layout) as residual, watcher:
        model.forward(values, layout)
    matrices = [images[0] for images in attention.layers]
    captured = torch.stack([matrix[..., : layout.tokens] for matrix in matrices])
    return [
        _layout(layout, residual.norms[0].shape[-1]),
        _sums(matrices),
        _eager(model, values, layout, captured),
        _preprocessing(model, picture),
    ]


def _whole(scores: Scores) -> Tensor:
    """The whole matrix of a layer, ``[head, query, key]``: affordable once, for a check.

    The last of its keys may be padding.
    """
    return attention_of(scores, slice(None))


def _layout(layout: TokenLayout, tokens: int) -> Check:
    prefix = ", ".join(layout.prefix) or "no prefix"
    return Check(
        "token layout against the config",
        "passed" if tokens == layout.tokens else "failed",
        f"{tokens} tokens ran; {prefix} and {layout.rows} x {layout.cols} patches "
        f"make {layout.tokens}",
    )


def _sums(matrices: Sequence[Tensor]) -> Check:
    sums = torch.stack([matrix.sum(-1, dtype=torch.float64) for matrix in matrices])
    worst = float((sums - 1).abs().max())
    return Check(
        "rows sum to 1",
        "passed" if worst <= SUM_TOLERANCE else "failed",
        f"off by {plain(number(worst, 2))} at most, over {sums.numel()} rows",
    )


def _eager(model: LoadedModel, values: Tensor, layout: TokenLayout, captured: Tensor) -> Check:
    name = "captured against eager attention"
    eager = load(model.resolved, device=model.device, dtype=model.dtype, attention="eager")
    attentions = eager.attentions(values, layout)
    if len(attentions) != len(captured):
        return Check(
            name,
            "skipped",
            f"the eager path returned {len(attentions)} of {len(captured)} layers",
        )
    worst = max(
        float((own[0].float() - seen).abs().max())
        for own, seen in zip(attentions, captured, strict=True)
    )
    layers, heads = captured.shape[:2]
    return Check(
        name,
        "passed" if worst <= TOLERANCE[model.dtype] else "failed",
        f"off by {plain(number(worst, 2))} at most, over {layers} layers x {heads} heads",
    )


def _preprocessing(model: LoadedModel, picture: Image.Image) -> Check:
    name = "preprocessing against the checkpoint's own processor"
    resolved = model.resolved
    if resolved.base is not None and resolved.processor is resolved.base.processor:
        resolved = resolved.base  # an adapter inherits undeclared options from its base
    if not resolved.processor.declared:
        return Check(name, "skipped", resolved.processor.assumed)
    if resolved.processor.beyond:
        reason = f"it {resolved.processor.beyond}, so the view of the checkpoint is refused"
        return Check(name, "skipped", reason)
    try:
        theirs = resolved.loader.own_input(resolved, picture)
        ours, preprocessing = model_input(
            picture, model.resolved, field_of_view="checkpoint", resolution=None
        )
    except (ImportError, OSError, ValueError, TypeError, ModelError) as error:
        return Check(name, "skipped", str(error).strip().split("\n", maxsplit=1)[0])
    if theirs.ndim != 3:
        return Check(name, "skipped", "its processor cuts the picture into patches itself")
    theirs = theirs[:, : ours.shape[1], : ours.shape[2]]
    if theirs.shape != ours.shape:
        return Check(name, "failed", f"shapes differ: {ours.shape} and {theirs.shape}")
    std = np.asarray(preprocessing.std)[:, None, None]
    worst = float((np.abs(ours - theirs) * std / preprocessing.rescale).max())
    return Check(
        name,
        "passed" if worst <= LEVELS else "failed",
        f"off by {plain(number(worst, 2))} of 255 levels at most",
    )
