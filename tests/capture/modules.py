"""Vision transformers as researchers write them: plain torch modules, seeded, at 32 px."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE, PATCH, WIDTH, HEADS, LAYERS = 32, 8, 24, 3, 2
SAID: dict[str, Any] = {"image_size": SIDE, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
"""What cannot be seen of these modules."""


class Attention(nn.Module):
    """Self-attention that keeps its own attention matrix, for comparison."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.own: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        logits = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        self.own = torch.exp(logits - logits.logsumexp(-1, keepdim=True)).detach()
        if self.kind == "sdpa":
            heads = functional.scaled_dot_product_attention(q, k, v)
        elif self.kind == "softmax":
            heads = logits.softmax(-1) @ v
        else:  # attention that no softmax shows
            heads = self.own.to(v.dtype) @ v
        return self.out(heads.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = Attention(kind)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 48), nn.GELU(), nn.Dropout(0.5), nn.Linear(48, WIDTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PlainViT(nn.Module):
    """A vision transformer of one file.

    Args:
        kind: how its blocks attend: ``sdpa``, ``softmax`` or ``hidden``.
        registers: tokens behind the class token.
        any_size: whether position embeddings are interpolated.
    """

    def __init__(self, kind: str = "sdpa", registers: int = 0, any_size: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.prefix = nn.Parameter(torch.randn(1, 1 + registers, WIDTH))
        self.position = nn.Parameter(torch.randn(1, WIDTH, SIDE // PATCH, SIDE // PATCH))
        self.any_size = any_size
        self.blocks = nn.ModuleList(Block(kind) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        larger(self)

    def forward(self, pixels: Tensor) -> Tensor:
        grid = self.patches(pixels)
        position = self.position
        if self.any_size:
            position = functional.interpolate(position, grid.shape[-2:], mode="bilinear")
        tokens = (grid + position).flatten(2).transpose(1, 2)
        x = torch.cat([self.prefix.expand(len(tokens), -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


class TorchViT(nn.Module):
    """Built of ``nn.TransformerEncoder``, without a class token."""

    def __init__(self, batch_first: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 48, batch_first=batch_first, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.batch_first = batch_first
        larger(self)

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = self.patches(pixels).flatten(2).transpose(1, 2)
        tokens = tokens if self.batch_first else tokens.transpose(0, 1)
        return self.encoder(tokens).mean(1 if self.batch_first else 0)


class SplitViT(PlainViT):
    """The residual connections are in the loop of the network, not in its blocks.

    Args:
        scale: of what the MLPs return.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, pixels: Tensor) -> Tensor:
        return self.norm(self.streams(pixels)[-1])

    def streams(self, pixels: Tensor) -> list[Tensor]:
        """The residual stream: the embedding, then behind every block."""
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        found = [x]
        for block in self.blocks:
            x = x + block.attn(block.norm1(x))
            x = x + block.mlp(block.norm2(x)) * self.scale
            found.append(x)
        return found


def larger(module: nn.Module) -> None:
    """Weights that give attention far from uniform."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(std=0.3)


def own_attention(module: nn.Module) -> list[Tensor]:
    """What each block kept of its last pass: ``[image, head, query, key]``."""
    return [m.own for m in module.modules() if isinstance(m, Attention) and m.own is not None]
