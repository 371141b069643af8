"""Checkpoints whose sinks are known: one patch or one register that draws attention and has a norm.

The weights are written by hand, so that everything follows from a formula. Tokens are embedded in
directions that are orthogonal, of zero mean and of unit variance, so LayerNorm leaves them alone:
``plain`` for a patch, one each for CLS and registers, and ``marker`` on top of the token that is to
become the sink. One neuron of one MLP sees the marker and adds the direction ``sink``, which makes
the token's norm ``norm`` times that of a plain patch; one neuron of a later MLP takes it away. In
between, every query of every head gives the direction ``sink`` the logit that makes ``share`` of
the attention; all else is uniform. Values are zero: attention moves nothing.

``content`` mixes the mean color of each patch into its embedding, for maps and features that show
the picture; shares and norms are then near what was planted, no longer equal to it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from torch import Tensor, nn

WIDTH = 32
HEADS = 4
PATCH = 14
MARKER = 1.0
"""How much of the direction ``marker`` the sink's embedding has, beside one of its own."""

MAGENTA = (255, 0, 255)
GRAY = (128, 128, 128)
NEURON = 7
"""Of the MLP in whose layer the sink's norm appears, and of the one in which it goes."""

FIRING = 10.0
"""Activation of that neuron at the sink; its bias is the negative, so elsewhere GELU gives 0."""


@dataclass(frozen=True)
class Planted:
    """What was written into a checkpoint.

    Attributes:
        folder: of the checkpoint.
        prefix: names of the tokens in front of the patches.
        grid: rows and columns of the native patch grid.
        token: index of the sink among the tokens; -1 for the patch that has the marker's color.
        layers: blocks, from 0, in which the sink draws attention. These are also the indices of
            the norms at which it is an outlier: the stream that enters each of these blocks.
        depth: number of blocks.
        share: of the attention of every query that the sink draws there, in every head.
        norm: of the sink there, times that of a plain patch.
        neuron: block and index of the MLP neuron that makes the norm.
    """

    folder: Path
    prefix: tuple[str, ...]
    grid: tuple[int, int]
    token: int
    layers: tuple[int, ...]
    depth: int
    share: float
    norm: float
    neuron: tuple[int, int]

    @property
    def tokens(self) -> int:
        """Length of the sequence on the native grid."""
        return len(self.prefix) + self.grid[0] * self.grid[1]

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height of the native input, in pixels."""
        return self.grid[1] * PATCH, self.grid[0] * PATCH

    @property
    def patch(self) -> int:
        """Index of the sink among the patches."""
        return self.token - len(self.prefix)

    def row(self, layer: int, sink: int | None = None) -> np.ndarray:
        """Attention that any query pays in a block, ``[key]``, in times uniform."""
        n = self.tokens
        if layer not in self.layers:
            return np.ones(n)
        row = np.full(n, (1 - self.share) / (n - 1) * n)
        row[self.token if sink is None else sink] = self.share * n
        return row

    def norms(self, sink: int | None = None) -> np.ndarray:
        """Norms of the residual stream, ``[layer + 1, token]``."""
        plain = math.sqrt(WIDTH)
        norms = np.full((self.depth + 1, self.tokens), plain)
        at = self.token if sink is None else sink
        norms[:, at] = plain * math.sqrt(1 + MARKER**2)
        norms[list(self.layers), at] = plain * self.norm
        return norms

    @property
    def share_of_a_pure_sink(self) -> float:
        """Share of a token that is nothing but the direction ``sink``, added to the sequence.

        LayerNorm scales what a token has of the direction; the planted token has the part
        ``added / norm`` of it, the pure one has 1.
        """
        weight = math.exp(_logit(self.share, self.tokens) * self.norm / _added(self.norm))
        return weight / (weight + self.tokens)


def planted_patch_sink(
    folder: Path,
    *,
    layers: tuple[int, ...] = (2, 3),
    patch: tuple[int, int] | None = (1, 2),
    share: float = 0.4,
    norm: float = 8.0,
    depth: int = 6,
    grid: int = 4,
    content: float = 0.0,
    relayed: bool = False,
) -> Planted:
    """Write a DINOv2 checkpoint in which one patch is a sink and an outlier.

    Args:
        folder: to write.
        layers: see :class:`Planted`; blocks that follow each other, not the first of all.
        patch: row and column of the sink; None for the patch that is :data:`MAGENTA`.
        share: of the attention that it draws.
        norm: of the sink, times that of a plain patch.
        depth: number of blocks; with the last of them in ``layers``, the last norms are plain.
        grid: rows and columns of the native grid.
        content: how much of its color a patch's embedding has.
        relayed: whether the neuron that makes the norm waits for one of the block before it, which
            sees the marker and writes the direction ``relay``. Needs two blocks in front.
    """
    network = transformers.Dinov2Model(_config("Dinov2Config", depth, grid))
    axes = _directions()
    with torch.no_grad():
        _embed(network, axes, content)
        embeddings = network.embeddings
        if patch is None:
            # Magenta is 1, every gray is 0.
            color = torch.tensor([0.5, -1.0, 0.5]) / PATCH**2
            embeddings.patch_embeddings.projection.weight += (
                MARKER * axes["marker"][:, None, None, None] * color[:, None, None]
            )
        else:
            embeddings.position_embeddings[0, 1 + patch[0] * grid + patch[1]] += (
                MARKER * axes["marker"]
            )
        tokens = 1 + grid * grid
        _plant(network, axes, layers, share, norm, tokens, relayed=relayed)
    _save(network, folder, grid)
    token = -1 if patch is None else 1 + patch[0] * grid + patch[1]
    return Planted(
        folder, ("CLS",), (grid, grid), token, layers, depth, share, norm, (layers[0] - 1, NEURON)
    )


def planted_register_sink(
    folder: Path,
    *,
    layers: tuple[int, ...] = (2, 3),
    register: int = 2,
    registers: int = 4,
    share: float = 0.4,
    norm: float = 8.0,
    depth: int = 6,
    grid: int = 4,
    content: float = 0.0,
) -> Planted:
    """Write a DINOv2 checkpoint with registers, of which one is a sink; no patch is an outlier.

    Args:
        folder: to write.
        layers: see :class:`Planted`; blocks that follow each other, not the first of all.
        register: which one, from 1.
        registers: how many there are.
        share: of the attention that it draws.
        norm: of the sink, times that of a plain patch.
        depth: number of blocks.
        grid: rows and columns of the native grid.
        content: how much of its color a patch's embedding has.
    """
    config = _config("Dinov2WithRegistersConfig", depth, grid, num_register_tokens=registers)
    network = transformers.Dinov2WithRegistersModel(config)
    axes = _directions()
    with torch.no_grad():
        _embed(network, axes, content)
        for index in range(registers):
            network.embeddings.register_tokens[0, index] = axes[f"reg{index + 1}"]
        network.embeddings.register_tokens[0, register - 1] += MARKER * axes["marker"]
        tokens = 1 + registers + grid * grid
        _plant(network, axes, layers, share, norm, tokens)
    _save(network, folder, grid)
    prefix = ("CLS", *(f"reg{n + 1}" for n in range(registers)))
    return Planted(
        folder, prefix, (grid, grid), register, layers, depth, share, norm, (layers[0] - 1, NEURON)
    )


def plain_picture(path: Path, grid: int = 4) -> Path:
    """Write a gray picture of a native grid's size."""
    Image.new("RGB", (grid * PATCH, grid * PATCH), GRAY).save(path)
    return path


def marked_picture(path: Path, row: int, col: int, grid: int = 4) -> Path:
    """Write a gray picture with one magenta patch."""
    picture = Image.new("RGB", (grid * PATCH, grid * PATCH), GRAY)
    picture.paste(MAGENTA, (col * PATCH, row * PATCH, (col + 1) * PATCH, (row + 1) * PATCH))
    picture.save(path)
    return path


def _config(name: str, depth: int, grid: int, **more: Any) -> Any:
    return getattr(transformers, name)(
        hidden_size=WIDTH,
        num_hidden_layers=depth,
        num_attention_heads=HEADS,
        mlp_ratio=2,
        image_size=grid * PATCH,
        patch_size=PATCH,
        layerscale_value=1.0,
        **more,
    )


def _directions() -> dict[str, Tensor]:
    """Orthogonal vectors of +1 and -1 with zero mean: rows of a Hadamard matrix but the first."""
    matrix = torch.ones(1, 1)
    while len(matrix) < WIDTH:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    names = ("CLS", "plain", "marker", "sink", "red", "green", "blue")
    registers = tuple(f"reg{n + 1}" for n in range(WIDTH - 2 - len(names)))
    return dict(zip((*names, *registers, "relay"), matrix[1:], strict=True))


def _embed(network: Any, axes: dict[str, Tensor], content: float) -> None:
    """All weights zero, but LayerNorm as it is and the tokens embedded."""
    for name, parameter in network.named_parameters():
        parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
        if "layer_scale" in name:
            parameter.fill_(1.0)
    embeddings = network.embeddings
    embeddings.cls_token[0, 0] = axes["CLS"]
    projection = embeddings.patch_embeddings.projection
    projection.bias.copy_(axes["plain"])
    for channel, color in enumerate(("red", "green", "blue")):
        filters = axes[color] * content
        projection.weight[:, channel] += filters[:, None, None] / PATCH**2
        projection.bias -= filters / 2


def _plant(
    network: Any,
    axes: dict[str, Tensor],
    layers: tuple[int, ...],
    share: float,
    norm: float,
    tokens: int,
    *,
    relayed: bool = False,
) -> None:
    """The neuron that makes the norm, the one that takes it away, and the attention between."""
    if layers[0] < 1 or layers != tuple(range(layers[0], layers[-1] + 1)):
        raise ValueError(f"{layers} should follow each other and start at 1 or later")
    added = _added(norm)
    blocks = network.encoder.layer
    marker = MARKER / math.sqrt(1 + MARKER**2)  # of the marker, after LayerNorm
    if relayed:
        _neuron(blocks[layers[0] - 2], axes["marker"], marker, axes["relay"])
        relay = 1 / math.sqrt(2 + MARKER**2)  # of the relay, after LayerNorm
        _neuron(blocks[layers[0] - 1], axes["relay"], relay, axes["sink"] * added)
    else:
        _neuron(blocks[layers[0] - 1], axes["marker"], marker, axes["sink"] * added)
    _neuron(blocks[layers[-1]], axes["sink"], added / norm, -axes["sink"] * added)
    channels = WIDTH // HEADS
    for layer in layers:
        query, key = linears(blocks[layer])[:2]
        # One channel of each head: a query of 1, and a key that is the logit, scaled as SDPA does.
        logit = _logit(share, tokens) * math.sqrt(channels) * norm / added
        query.bias[::channels] = 1.0
        key.weight[::channels] = axes["sink"] * logit / WIDTH


def _neuron(block: nn.Module, sees: Tensor, component: float, writes: Tensor) -> None:
    """Make a neuron fire where a direction has at least nearly this component."""
    first, second = linears(block)[-2:]
    first.weight[NEURON] = sees / WIDTH * (2 * FIRING / component)
    first.bias[NEURON] = -FIRING
    second.weight[:, NEURON] += writes / FIRING


def linears(block: nn.Module) -> list[nn.Linear]:
    """Of a block: query, key, value, output, and the two of the MLP."""
    return [module for module in block.modules() if isinstance(module, nn.Linear)]


def _added(norm: float) -> float:
    """How much of ``sink`` makes a token that also has 1 and MARKER of others this long."""
    return math.sqrt(norm**2 - 1 - MARKER**2)


def _logit(share: float, tokens: int) -> float:
    """The logit of one key among others of logit 0 that draws this share."""
    return math.log(share * (tokens - 1) / (1 - share))


def _save(network: Any, folder: Path, grid: int) -> None:
    network.eval()
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "ViTImageProcessor",
                "size": {"height": grid * PATCH, "width": grid * PATCH},
                "image_mean": [0.0, 0.0, 0.0],
                "image_std": [1.0, 1.0, 1.0],
                "resample": 3,
            }
        )
    )
