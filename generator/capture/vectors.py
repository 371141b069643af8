"""Query, key and value vectors as they enter attention, and what becomes of the values.

A second watcher beside :class:`generator.capture.tap.AttentionTap`. Of each block it sees the
vectors that go into attention, the linear map that the heads' results go through next (the output
projection), and the vector that the result is multiplied with (LayerScale), each known by the data
that flows from one to the next and not by the names of modules. With these, the norm of what a
token contributes follows from its value vector alone (Kobayashi 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.capture.arrays import full, half
from generator.capture.calls import AttentionCall
from generator.capture.hooks import BlockWatcher
from generator.capture.statistics import LayerStatistics
from generator.capture.tap import AttentionTap
from generator.records.extras import FloatArray, Measuring, Projection, ValueNorms
from generator.records.record import TokenLayout

MATMUL = (torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm)
MULTIPLY = (
    *(torch.mul, torch.multiply, Tensor.mul, Tensor.mul_, Tensor.multiply),
    *(Tensor.__mul__, Tensor.__rmul__, Tensor.__imul__),
)


@dataclass(frozen=True, slots=True)
class HeadRoots:
    """Of each head's part ``W`` of an output projection, ``R`` with ``|v W| = |v R|``.

    Attributes:
        roots: float32 ``[head, channel of the head, channel of the head]``: the transposed
            triangle of a QR decomposition. It has as many rows as columns, where ``W`` is as wide
            as the model; and unlike the Gram matrix it does not square small values away.
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
    """What has been seen of a block so far.

    Attributes:
        query: ``[image, head, token, channel]``.
        key: likewise, with as many heads as the model has for keys.
        value: likewise.
        attended: what attention made of the values.
        weight: of the output projection, ``[channel, head x channel of the head]``.
        projected: what came out of the output projection.
        scale: LayerScale: a vector or a number.
        plain: whether the heads' results went into the projection side by side and unchanged;
            on the model's device, so that nobody waits for it.
    """

    query: Tensor | None = None
    key: Tensor | None = None
    value: Tensor | None = None
    attended: Tensor | None = None
    weight: Tensor | None = None
    projected: Tensor | None = None
    scale: Tensor | float | None = None
    plain: Tensor | None = None


class VectorTap(BlockWatcher):
    """A context in which a forward pass leaves behind norms of values and the last vectors.

    Enter it after the :class:`AttentionTap`, whose reductions it reads, and leave it before.

    Args:
        blocks: the transformer blocks, first to last.
        attention: has reduced each layer's attention by the time that its block ends.
        layout: which tokens are patches.
        measuring: what is wanted.
        roots: decompositions of the output projections, by layer: filled here, kept by the model.

    Attributes:
        norms: float32 ``[image, head, key]`` for each layer.
        contribution: float32 ``[image, key]`` for each layer.
        objects: ``[image, head, token, channel]``, of the last block, by name: those that are
            wanted and were seen.
        missing: why value norms cannot be had; empty when they can. Known after ``check``.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        attention: AttentionTap[LayerStatistics],
        *,
        layout: TokenLayout,
        measuring: Measuring,
        roots: dict[int, HeadRoots],
    ) -> None:
        super().__init__(blocks)
        self._attention = attention
        self._layout = layout
        self._measuring = measuring
        self._roots = roots
        self._block: _Block | None = None
        self._plain: list[Tensor] = []
        self.norms: list[Tensor] = []
        self.contribution: list[Tensor] = []
        self.objects: dict[Projection, Tensor] = {}
        self.missing = ""

    def enter_block(self, layer: int) -> None:
        """Nothing has been seen of this block."""
        self._block = _Block()

    def leave_block(self, layer: int) -> None:
        """Keep of the block what is wanted."""
        block, self._block = self._block, None
        assert block is not None
        if layer == len(self.blocks) - 1 and "features" in self._measuring.extras:
            seen = {"queries": block.query, "keys": block.key, "values": block.value}
            for name in self._measuring.objects:
                if (vectors := seen[name]) is not None:
                    self.objects[name] = vectors
        if "values" in self._measuring.extras and not self.missing:
            self._reduce(layer, block)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch in place of every function; looks on and changes nothing."""
        kwargs = kwargs or {}
        block = self._block
        if block is None:
            return func(*args, **kwargs)
        if func is functional.linear and block.attended is not None and block.weight is None:
            return _see_linear(block, func, args, kwargs)
        result = func(*args, **kwargs)
        if func is functional.scaled_dot_product_attention:
            call = AttentionCall.of(args, kwargs)
            block.query, block.key, block.value = call.query, call.key, call.value
            block.attended = result
        elif func in MATMUL and block.attended is None and len(args) == 2:
            _see_matmul(block, *args, result, tokens=self._layout.tokens)
        elif func in MULTIPLY and block.projected is not None and block.scale is None:
            _see_scale(block, args, kwargs)
        return result

    def image_objects(self, image: int) -> dict[Projection, FloatArray]:
        """Vectors of one image's patches, heads side by side: float16 ``[patch, channel]``."""
        patches = self._layout.patch_slice
        return {
            name: half(vectors[image, :, patches].transpose(0, 1).flatten(1))
            for name, vectors in self.objects.items()
        }

    def image_values(self, image: int) -> ValueNorms | None:
        """Norms of one image's values; None when they are not wanted or cannot be had."""
        if not self.norms or self.missing:
            return None
        return ValueNorms(
            norms=half(torch.stack([norms[image] for norms in self.norms])),
            contribution=full(torch.stack([norms[image] for norms in self.contribution])),
        )

    def check(self) -> None:
        """After the pass: see whether the projections took the heads' results as they were."""
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


def _see_matmul(block: _Block, left: Tensor, right: Tensor, result: Tensor, *, tokens: int) -> None:
    """Attention by hand: query times key makes a square, which times value is the result."""
    square = (tokens, tokens)
    if left.dim() != 4 or right.dim() != 4:
        return
    if block.key is None and result.shape[-2:] == square:
        block.query, block.key = left, right.transpose(-1, -2)
    elif block.key is not None and left.shape[-2:] == square:
        block.value, block.attended = right, result


def _see_linear(
    block: _Block, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Tensor:
    """The first linear map of all heads side by side is the output projection."""
    assert block.attended is not None
    projected: Tensor = func(*args, **kwargs)
    given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    heads, channels = block.attended.shape[1], block.attended.shape[-1]
    if given["input"].shape[-1] == heads * channels:
        # One token tells whether the heads' results arrive as they left, side by side.
        arrived = given["input"].reshape(-1, heads * channels)[0]
        left = block.attended[0, :, 0].flatten()
        block.plain = ((arrived == left) | (arrived.isnan() & left.isnan())).all()
        block.weight, block.projected = given["weight"], projected
    return projected


def _see_scale(block: _Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A product of the projection's result with a vector of channels is LayerScale."""
    assert block.projected is not None
    given = [*args, *kwargs.values()]
    same = [x for x in given if isinstance(x, Tensor) and _is(x, block.projected)]
    other = [x for x in given if not (isinstance(x, Tensor) and _is(x, block.projected))]
    if len(same) != 1 or len(other) != 1:
        return
    scale = other[0]
    if isinstance(scale, int | float) or (
        isinstance(scale, Tensor) and scale.numel() in (1, block.projected.shape[-1])
    ):
        block.scale = scale


def _is(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same numbers in the same place."""
    return one.data_ptr() == other.data_ptr() and one.numel() == other.numel()
