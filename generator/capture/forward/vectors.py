"""Query, key and value vectors as they enter attention, and the contributions of tokens.

The output projection and LayerScale are found by following the data from the heads' results, not by
the names of modules. With them, the norm of a token's contribution follows from its value vector
(Kobayashi 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generator.capture.arrays import full, half
from generator.capture.checkpoint.sequence import order_of
from generator.capture.forward.statistics import LayerStatistics, ReducedAttention
from generator.capture.forward.watcher import Listener
from generator.records.extras import FloatArray, Measuring, Projection, ValueNorms
from generator.records.record import TokenLayout


@dataclass(frozen=True, slots=True)
class HeadRoots:
    """Square matrices ``R`` with ``|v R| = |v W|``, ``W`` a head's part of the output projection.

    Attributes:
        roots: float32 ``[head, channel of the head, channel of the head]``: the transposed
            triangle of a QR decomposition. It is smaller than ``W`` and, unlike the Gram matrix,
            keeps small values exact.
    """

    roots: Tensor

    @classmethod
    def of(cls, weight: Tensor, heads: int) -> HeadRoots:
        """Decompose a projection ``[channel, head x channel of the head]``, LayerScale included."""
        parts = weight.cpu().reshape(len(weight), heads, -1).transpose(0, 1)
        triangles = torch.linalg.qr(parts, mode="r").R
        return cls(triangles.transpose(1, 2).contiguous().to(weight.device))


@dataclass(slots=True)
class _Block:
    """The events of a block so far.

    Attributes:
        query: ``[image, head, token, channel]``.
        key: as ``query``, with as many heads as the model has for keys.
        value: as ``key``.
        attended: the heads' results, as ``query``.
        weight: of the output projection, ``[channel, head x channel of the head]``.
        projected: the output projection's result.
        scale: LayerScale: a vector or a number.
        plain: whether the heads' results entered the projection side by side and unchanged. It
            stays on the model's device, so that nothing waits for it.
    """

    query: Tensor | None = None
    key: Tensor | None = None
    value: Tensor | None = None
    attended: Tensor | None = None
    weight: Tensor | None = None
    projected: Tensor | None = None
    scale: Tensor | float | None = None
    plain: Tensor | None = None


class BlockVectors(Listener):
    """Keeps norms of values and the vectors of the last block.

    The reductions must be before this listener in the watcher's list.

    Args:
        attention: reductions of each layer's attention, listening to the same pass.
        layers: number of blocks.
        layout: which tokens are patches.
        measuring: what is wanted.
        roots: decompositions of the output projections, by layer: filled here, kept by the model.

    Attributes:
        norms: float32 ``[image, head, key]`` for each layer.
        contribution: float32 ``[image, key]`` for each layer.
        objects: ``[image, head, token, channel]`` of the last block, by name: those that are
            wanted and were seen.
        missing: why there are no value norms, or empty. Complete after ``check``.
    """

    def __init__(
        self,
        attention: ReducedAttention[LayerStatistics],
        *,
        layers: int,
        layout: TokenLayout,
        measuring: Measuring,
        roots: dict[int, HeadRoots],
    ) -> None:
        self._attention = attention
        self._last = layers - 1
        self._layout = layout
        self._measuring = measuring
        self._roots = roots
        self._block = _Block()
        self._plain: list[Tensor] = []
        self.norms: list[Tensor] = []
        self.contribution: list[Tensor] = []
        self.objects: dict[Projection, Tensor] = {}
        self.missing = ""

    def queries_and_keys(self, query: Tensor, key: Tensor) -> None:
        """Hold the vectors until the block ends."""
        self._block.query, self._block.key = query, key

    def values(self, value: Tensor, attended: Tensor) -> None:
        """Follow the heads' results from here."""
        self._block.value, self._block.attended = value, attended

    def linear(self, given: Tensor, weight: Tensor, result: Tensor) -> None:
        """The first linear layer that takes all heads side by side is the output projection."""
        block = self._block
        if block.attended is None or block.weight is not None:
            return
        heads, channels = block.attended.shape[1], block.attended.shape[-1]
        if given.shape[-1] == heads * channels:
            # one token is enough to see whether the heads' results arrive unchanged, side by side
            place = next(iter(order_of(self._layout)), 0)  # windows keep the first patch in front
            arrived = given.reshape(-1, heads * channels)[place]
            left = block.attended[0, :, 0].flatten()
            block.plain = ((arrived == left) | (arrived.isnan() & left.isnan())).all()
            block.weight, block.projected = weight, result

    def product(self, factors: Sequence[Any]) -> None:
        """A product of the projection's result with a vector of channels is LayerScale."""
        block = self._block
        projected = block.projected
        if projected is None or block.scale is not None:
            return
        other = [x for x in factors if not (isinstance(x, Tensor) and _is(x, projected))]
        if len(factors) != 2 or len(other) != 1:
            return
        scale = other[0]
        if isinstance(scale, int | float) or (
            isinstance(scale, Tensor) and scale.numel() in (1, projected.shape[-1])
        ):
            block.scale = scale

    def block_ends(self, layer: int) -> None:
        """Keep the requested vectors of the block."""
        block, self._block = self._block, _Block()
        if layer == self._last and "features" in self._measuring.extras:
            seen = {"queries": block.query, "keys": block.key, "values": block.value}
            for name in self._measuring.objects:
                if (vectors := seen[name]) is not None:
                    self.objects[name] = vectors
        if "values" in self._measuring.extras and not self.missing:
            self._reduce(layer, block)

    def image_objects(self, image: int) -> dict[Projection, FloatArray]:
        """Vectors of one image's patches, heads side by side: float16 ``[patch, channel]``."""
        patches = self._layout.patch_slice
        return {
            name: half(vectors[image, :, patches].transpose(0, 1).flatten(1))
            for name, vectors in self.objects.items()
        }

    def image_values(self, image: int) -> ValueNorms | None:
        """Norms of one image's values; None if not wanted or not available."""
        if not self.norms or self.missing:
            return None
        return ValueNorms(
            norms=half(torch.stack([norms[image] for norms in self.norms])),
            contribution=full(torch.stack([norms[image] for norms in self.contribution])),
        )

    def check(self) -> None:
        """After the pass: check that the projections took the heads' results unchanged."""
        if self._plain and not bool(torch.stack(self._plain).all()):
            self.missing = "something else comes between attention and its output projection"

    def _reduce(self, layer: int, block: _Block) -> None:
        """Norms of a block's values, and of what they contribute to the first token."""
        if block.value is None or block.weight is None or block.plain is None:
            self.missing = f"layer {layer + 1} has no output projection that can be seen"
            return
        images = self._attention.layers[layer]
        first = [image.rows[0] if len(image.rows) else image.received for image in images]
        attention = torch.stack(first)  # [image, head, key]
        value, weight = block.value.float(), block.weight.float()
        heads = attention.shape[1]
        if value.shape[1] != heads:
            value = value.repeat_interleave(heads // value.shape[1], dim=1)
        if block.scale is not None:
            scale = torch.as_tensor(block.scale, device=weight.device).float().flatten()
            weight = weight * scale[:, None]
        if layer not in self._roots:
            self._roots[layer] = HeadRoots.of(weight, heads)
        self.norms.append(torch.linalg.vector_norm(value @ self._roots[layer].roots, dim=-1))
        weighted = (value * attention[..., None]).transpose(1, 2).flatten(2)
        self.contribution.append(torch.linalg.vector_norm(weighted @ weight.T, dim=-1))
        self._plain.append(block.plain)


def _is(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors share their memory."""
    return one.data_ptr() == other.data_ptr() and one.numel() == other.numel()
