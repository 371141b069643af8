"""Known register norms of public checkpoints, to check an installation against.

They test weights, token order and reading before the final LayerNorm at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from generator.capture.checkpoint.preprocess import model_input
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.forward.hooks import Streams
from generator.capture.models.load import LoadedModel
from generator.errors import ModelError
from generator.records.record import FloatArray
from generator.text.numbers import percent, plain

RESOLUTION = 518
"""Default short side of the input, in pixels: the checkpoints' own."""

LOW, HIGH = 0.9, 1.5
"""Accepted range of found over expected.

The table has the norm of the mean vector. The mean of norms is a little above it, since registers
hardly depend on the picture. It may be below for other pictures and resolutions.
"""

FAINT = 0.5
"""Before the onset, the norm must be below this share of the norm at the onset."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A norm of the table.

    Attributes:
        layer: index along the first axis of the norms: the input of this block.
        norm: of the register's mean vector over images.
        channel: of that vector's largest value; None if unknown.
    """

    layer: int
    norm: float
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Golden:
    """The expected norms of one checkpoint.

    Attributes:
        register: the one of high norm.
        before: just before the norm forms.
        onset: the first layer of high norm.
        later: further layers.
    """

    register: str
    before: Expected
    onset: Expected
    later: tuple[Expected, ...]


TABLE: dict[str, Golden] = {
    "facebook/dinov2-with-registers-small": Golden(
        "reg2", Expected(4, 2.7), Expected(5, 99.1, 287), (Expected(11, 118.4, 287),)
    ),
    "facebook/dinov2-with-registers-base": Golden(
        "reg4", Expected(7, 18.0), Expected(8, 187.8, 569), (Expected(11, 340.1, 569),)
    ),
    "facebook/dinov2-with-registers-large": Golden(
        "reg1",
        Expected(2, 14.8),
        Expected(3, 273.1, 971),
        (Expected(12, 307.5), Expected(23, 955.1, 555)),
    ),
    "facebook/dinov2-with-registers-giant": Golden(
        "reg3",
        Expected(0, 0.7),
        Expected(1, 626.5, 179),
        (Expected(20, 1099.0, 179), Expected(39, 1362.0, 179)),
    ),
}
"""Computed from the mean register vectors over 10 000 training images of ImageNet that come with
Sun 2024 (locuslab/massive-activations, assets/reg_feat_mean). Registers are counted from 1 here."""


@dataclass(frozen=True, slots=True)
class GoldenLine:
    """One line of the comparison.

    Attributes:
        what: is compared.
        expected: in words.
        found: in words.
        passed: whether they agree.
    """

    what: str
    expected: str
    found: str
    passed: bool


def golden_of(resolved: ResolvedModel) -> Golden:
    """The expected norms of a model; a folder is found by its name.

    Raises:
        ModelError: the table lacks the model.
    """
    for name, golden in TABLE.items():
        own = name if resolved.source == "hub" else name.rpartition("/")[2]
        if resolved.id == own:
            return golden
    raise ModelError(
        f"There is no golden table for {resolved.id}.",
        f"There is one for {', '.join(TABLE)}; for others use --check with a picture.",
        usage=True,
    )


def compare(
    model: LoadedModel, golden: Golden, pictures: Sequence[Image.Image], resolution: int
) -> list[GoldenLine]:
    """Compare the registers of a model with the table.

    Args:
        model: to run.
        golden: its row of the table.
        pictures: oriented, RGB.
        resolution: short side of the input, in pixels.

    Raises:
        ModelError: the model has no such register or layer.
    """
    expected = (golden.before, golden.onset, *golden.later)
    prefix = model.resolved.vision.prefix
    if golden.register not in prefix or model.facts.layers < max(e.layer for e in expected):
        raise ModelError(
            f"{model.facts.id} has {model.facts.layers} layers and the tokens {', '.join(prefix)}: "
            "it is not the checkpoint of that name in the golden table.",
            "Check the model's name.",
        )
    every = [_prefix_streams(model, picture, resolution) for picture in pictures]
    norms = np.mean([np.linalg.norm(stream, axis=-1) for stream in every], axis=0)
    at = prefix.index(golden.register)
    mean = np.mean(every, axis=0)[:, at]
    own = norms[:, at]
    registers = [index for index, name in enumerate(prefix) if name.startswith("reg")]
    lines = [_before(golden, own)]
    for known in (golden.onset, *golden.later):
        lines.append(_norm(golden.register, known, own[known.layer]))
        if known.channel is not None:
            lines.append(_channel(golden.register, known, mean[known.layer]))
    last = expected[-1].layer
    highest = prefix[max(registers, key=lambda index: float(norms[last, index]))]
    lines.append(
        GoldenLine(
            f"register of highest norm entering block {last}",
            golden.register,
            highest,
            highest == golden.register,
        )
    )
    return lines


def _before(golden: Golden, norms: FloatArray) -> GoldenLine:
    """The norm must be low before the onset."""
    layer = golden.before.layer
    found, onset = float(norms[layer]), float(norms[golden.onset.layer])
    return GoldenLine(
        f"norm of {golden.register} entering block {layer}, before the onset",
        f"{golden.before.norm:.1f}, below {plain(percent(FAINT))} of the onset",
        f"{found:.1f}, {plain(percent(found / max(onset, 1e-9)))} of it",
        found < FAINT * onset,
    )


def _norm(register: str, known: Expected, found: float) -> GoldenLine:
    return GoldenLine(
        f"norm of {register} entering block {known.layer}",
        f"{known.norm:.1f} ({LOW * known.norm:.1f} to {HIGH * known.norm:.1f})",
        f"{found:.1f}",
        bool(LOW * known.norm <= found <= HIGH * known.norm),
    )


def _channel(register: str, known: Expected, mean: FloatArray) -> GoldenLine:
    found = int(np.abs(mean).argmax())
    return GoldenLine(
        f"largest channel of {register} entering block {known.layer}",
        str(known.channel),
        str(found),
        found == known.channel,
    )


def _prefix_streams(
    model: LoadedModel, picture: Image.Image, resolution: int
) -> NDArray[np.float64]:
    """Residual stream of the prefix tokens, ``[layer + 1, token, channel]``."""
    pixels, _ = model_input(picture, model.resolved, field_of_view="square", resolution=resolution)
    values = torch.from_numpy(pixels)[None].to(model.device)
    layout = model.layout(*values.shape[-2:])
    found: list[Tensor] = []
    with Streams(model.blocks, lambda stream: found.append(stream[0, layout.prefix_slice])):
        model.forward(values, layout)
    return torch.stack(found).double().cpu().numpy()
