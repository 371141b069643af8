"""The residual stream at every block, before the final LayerNorm.

transformers' own hidden states are not used: for some families the last one is normalized, which
hides outliers. Each layer is reduced at once, so that only what a record keeps stays in memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from generator.capture.arrays import full, half, indices
from generator.capture.forward.hooks import Streams
from generator.errors import CaptureError
from generator.records.extras import Extra, FloatArray, MassiveActivations
from generator.records.record import TokenLayout

LARGEST = 3
"""Largest activations kept of each layer (Sun 2024, Fig. 2)."""

SAMPLE = 1 << 16
"""Evenly spaced values of which the median is taken: the median of all would cost as much as some
layers. Its rank is off by 0.2 %; massive activations are 1,000 times the median."""


def find_blocks(model: nn.Module, layers: int, *, name: str) -> Sequence[nn.Module]:
    """The transformer blocks: the heaviest ``ModuleList`` of the promised length.

    Args:
        model: the network.
        layers: number of blocks by the config.
        name: the model's id, for the error.

    Raises:
        CaptureError: there is no such list.
    """
    lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == layers]
    if not lists:
        raise CaptureError(
            f"{name} has no list of {layers} blocks, which its config promises.",
            "Report the architecture: it is not laid out like a plain vision transformer.",
        )

    def weight(blocks: nn.ModuleList) -> int:
        return sum(parameter.numel() for parameter in blocks.parameters())

    return tuple(max(lists, key=weight))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LayerActivations:
    """The largest activations of one layer, for each image of a batch.

    Attributes:
        value: float32 ``[image, 3]``, largest magnitude first, with sign.
        token: ``[image, 3]``.
        channel: ``[image, 3]``.
        median: float32 ``[image]``, of the magnitudes of at most ``SAMPLE`` values.
        channel_max: float32 ``[image, channel]``, largest magnitude over the patches.
    """

    value: Tensor
    token: Tensor
    channel: Tensor
    median: Tensor
    channel_max: Tensor


class ResidualStream(Streams):
    """A context that keeps norms and features of a forward pass's residual stream.

    Args:
        blocks: the transformer blocks, first to last.
        layout: which tokens are patches.
        extras: ``features`` and ``massive`` are measured here.
        tokens_first: whether the blocks hand on ``[token, image, channel]``.

    Attributes:
        norms: float32 ``[image, token]``, one for the embedding and one after each block.
        pooled: float32 ``[image, 2, channel]``, one for the embedding and one after each block:
            the CLS token (NaN without one) and the mean over the patches; only with ``features``.
        last: ``[image, patch, channel]`` after the last block, in the model's dtype; only with
            ``features``.
        largest: one for the embedding and one after each block; only with ``massive``.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        layout: TokenLayout,
        extras: Collection[Extra] = (),
        *,
        tokens_first: bool = False,
    ) -> None:
        super().__init__(blocks, self._keep, layout, tokens_first=tokens_first)
        self._layout = layout
        self._extras = extras
        self.norms: list[Tensor] = []
        self.pooled: list[Tensor] = []
        self.last: Tensor | None = None
        self.largest: list[LayerActivations] = []

    def image_norms(self, image: int) -> Tensor:
        """Norms of one image: float32 ``[layer + 1, token]``."""
        return torch.stack([norms[image] for norms in self.norms])

    def image_last(self, image: int) -> FloatArray:
        """The patches of one image after the last block: float16 ``[patch, channel]``."""
        assert self.last is not None
        return half(self.last[image])

    def image_pooled(self, image: int) -> FloatArray:
        """CLS token and mean patch of one image: float32 ``[layer + 1, 2, channel]``."""
        return full(torch.stack([pooled[image] for pooled in self.pooled]))

    def image_massive(self, image: int) -> MassiveActivations | None:
        """The largest activations of one image; None unless wanted."""
        if not self.largest:
            return None
        return MassiveActivations(
            value=full(torch.stack([layer.value[image] for layer in self.largest])),
            token=indices(torch.stack([layer.token[image] for layer in self.largest])),
            channel=indices(torch.stack([layer.channel[image] for layer in self.largest])),
            median=full(torch.stack([layer.median[image] for layer in self.largest])),
            channel_max=full(torch.stack([layer.channel_max[image] for layer in self.largest])),
        )

    def _keep(self, stream: Tensor) -> None:
        self.norms.append(torch.linalg.vector_norm(stream, dim=-1, dtype=torch.float32))
        if "features" in self._extras:
            self.pooled.append(_pooled(stream, self._layout))
            if len(self.norms) == len(self._blocks) + 1:
                self.last = stream[:, self._layout.patch_slice]
        if "massive" in self._extras:
            self.largest.append(largest_activations(stream, self._layout))


def _pooled(stream: Tensor, layout: TokenLayout) -> Tensor:
    """The CLS token and the mean over the patches: float32 ``[image, 2, channel]``."""
    mean = stream[:, layout.patch_slice].mean(1, dtype=torch.float32)
    if layout.cls is None:
        cls = torch.full_like(mean, torch.nan)
    else:
        cls = stream[:, layout.token(layout.cls)].float()
    return torch.stack([cls, mean], dim=1)


def largest_activations(stream: Tensor, layout: TokenLayout) -> LayerActivations:
    """The largest activations of a residual stream ``[image, token, channel]``.

    The three largest values lie in the three channels with the largest maxima, so not all values
    are sorted.
    """
    patches, prefix = stream[:, layout.patch_slice], stream[:, layout.prefix_slice]
    channel_max = _magnitude(patches)
    highest = torch.maximum(channel_max, _magnitude(prefix)) if layout.prefix else channel_max
    channels = highest.topk(min(LARGEST, stream.shape[-1]), dim=-1).indices
    picked = stream.gather(2, channels[:, None].expand(-1, stream.shape[1], -1)).flatten(1)
    places = picked.abs().topk(LARGEST, dim=-1).indices
    return LayerActivations(
        value=picked.gather(1, places).float(),
        token=places // channels.shape[-1],
        channel=channels.gather(1, places % channels.shape[-1]),
        median=_median(_sample(stream).float().abs()),
        channel_max=channel_max.float(),
    )


def _magnitude(stream: Tensor) -> Tensor:
    """Largest magnitude over the tokens: ``[image, channel]``."""
    return torch.maximum(stream.amax(1), stream.amin(1).neg())


def _sample(stream: Tensor) -> Tensor:
    """Evenly spaced values of each image, ``[image, value]``, from all channels equally."""
    values, channels = stream.flatten(1), stream.shape[-1]
    step = -(-values.shape[1] // SAMPLE)
    while math.gcd(step, channels) > 1:
        step += 1
    return values[:, ::step]


def _median(values: Tensor) -> Tensor:
    """Median of each row, float32; the lower of two values in the middle."""
    if values.device.type != "cpu":
        return values.median(dim=1).values
    # numpy is several times faster than torch here.
    middle = (values.shape[1] - 1) // 2
    rows = np.partition(values.numpy(), middle, axis=1)
    return torch.from_numpy(rows[:, middle].copy())
