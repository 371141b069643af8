"""From a resolved model to one that runs: the right class, safe weights, a checked layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.checkpoint.sequence import behind, order_of
from generator.capture.forward.as_found import as_found, expect_finite, place_of
from generator.capture.forward.hooks import first_tensor
from generator.capture.forward.neurons import MovedNeurons
from generator.capture.forward.scores import in_order
from generator.capture.forward.vectors import HeadRoots
from generator.capture.models.built import Built, Runner
from generator.capture.models.heads import ClassHead
from generator.errors import CaptureError, ModelError
from generator.records.extras import Intervened
from generator.records.record import ModelFacts, TokenLayout


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in evaluation mode, ready to be watched.

    Attributes:
        facts: its facts in records.
        network: the module that runs.
        blocks: its transformer blocks, first to last.
        runner: how it is called.
        resolved: its origin.
        device: device that it runs on.
        dtype: of weights and activations.
        head: its class head; None for a backbone, or when the checkpoint's head is not whole.
        register: a test-time register at work; None for the model as it is.
        inferred: layouts found by looking, by input height and width; see ``inferred_layout``.
        roots: decompositions of the output projections, by layer, made when first needed.
        noted: warnings that were given already.
        lent: whether the network belongs to somebody else, so that each pass leaves it as found.
        tokens_first: whether the blocks hand on ``[token, image, channel]``.
    """

    facts: ModelFacts
    network: nn.Module
    blocks: Sequence[nn.Module]
    runner: Runner
    resolved: ResolvedModel
    device: torch.device
    dtype: torch.dtype
    head: ClassHead | None = None
    register: Intervened | None = None
    inferred: dict[tuple[int, int], TokenLayout] = field(default_factory=dict)
    roots: dict[int, HeadRoots] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)
    lent: bool = False
    tokens_first: bool = False

    def layout(self, input_height: int, input_width: int) -> TokenLayout:
        """The layout for an input of this many pixels, with the test-time register if any."""
        vision = self.resolved.vision
        vision = vision.with_register() if self.register else vision
        return vision.layout(input_height, input_width)

    def forward(self, pixels: Tensor, layout: TokenLayout, *, gradients: bool = False) -> Tensor:
        """Run the model; returns the last hidden state ``[image, token, channel]``.

        Args:
            pixels: ``[image, channel, row, column]``.
            layout: of an input of this size.
            gradients: whether a backward pass is to follow.
        """
        # Not inference mode, also within a caller's: what a network keeps from one pass for the
        # next, such as an index of relative positions, would be of no use to a later pass with
        # gradients.
        with (
            torch.inference_mode(mode=False),
            torch.set_grad_enabled(gradients),
            self._moved(layout),
        ):
            return self.runner.hidden(pixels.to(self.dtype), layout)

    def attentions(self, pixels: Tensor, layout: TokenLayout) -> tuple[Tensor, ...]:
        """What the model itself returns: ``[image, head, query, key]`` for each layer.

        Only a model loaded with eager attention returns any.
        """
        with torch.no_grad(), self._moved(layout):
            own = self.runner.attentions(pixels.to(self.dtype), layout)
        return tuple(in_order(weights, order_of(layout), -2, -1) for weights in own)

    @contextmanager
    def _moved(self, layout: TokenLayout) -> Iterator[None]:
        """With the test-time register at work, if there is one, and leaving no trace."""
        register = self.register
        moved = MovedNeurons(self.blocks, register, layout) if register else nullcontext()
        with as_found(self.network) if self.lent else nullcontext(), moved:
            yield


def load(
    resolved: ResolvedModel,
    *,
    device: torch.device,
    dtype: torch.dtype,
    attention: str = "sdpa",
) -> LoadedModel:
    """Load weights and check that they are all there and finite.

    Args:
        resolved: what to load.
        device: where it will run; a module in memory stays where it is.
        dtype: of weights and activations; a module in memory keeps its own.
        attention: ``sdpa``; ``eager`` only for checking.

    Raises:
        ModelError: the weights cannot be loaded, are incomplete, or hold NaN or infinity.
        CaptureError: the network has no list of blocks.
    """
    built = resolved.loader.build(resolved, dtype, attention)
    classifiers = nn.ModuleDict(
        {
            f"classifier{n + 1}": classifier
            for n, classifier in enumerate(built.head.classifiers if built.head else ())
        }
    )
    parts = (built.network, classifiers)
    if not built.lent:
        for part in parts:
            _into_memory(part)
        resolved.expect_unchanged()
    for part in parts:
        expect_finite(part, resolved.id, in_memory=built.lent)
    if built.lent:
        device, dtype = place_of(built.network, resolved.id)
    else:
        _settle(built.network, classifiers, device, resolved.id)
    return LoadedModel(
        facts=_facts(resolved, built),
        network=built.network,
        blocks=built.blocks,
        runner=built.runner,
        resolved=resolved,
        device=device,
        dtype=dtype,
        head=built.head,
        lent=built.lent,
        tokens_first=built.tokens_first,
    )


def _into_memory(network: nn.Module) -> None:
    """Copy the numbers out of a mapped file, whose changes would change them.

    Where such a file becomes shorter, the system ends the program.
    """
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone()


def _settle(network: nn.Module, classifiers: nn.Module, device: torch.device, model: str) -> None:
    """Put a network of our own where it will run, without gradients, in evaluation mode."""
    try:
        for part in (network, classifiers):
            part.requires_grad_(False)
            part.to(device)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"The weights of {model} do not fit the memory of {device}.",
            "Use --dtype bfloat16 or --device cpu.",
        ) from error
    network.train(False)


def _facts(resolved: ResolvedModel, built: Built) -> ModelFacts:
    vision, network = resolved.vision, built.network
    return ModelFacts(
        id=resolved.id,
        source=resolved.source,
        revision=resolved.revision,
        commit=resolved.commit,
        weights_sha256=resolved.weights_sha256,
        model_type=vision.model_type,
        architecture=type(network).__name__,
        layers=vision.layers,
        heads=vision.heads,
        width=vision.width,
        patch_height=vision.patch_height,
        patch_width=vision.patch_width,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        license=resolved.license,
        adapter=resolved.adapter_words,
        renamed=built.renamed,
        unused=built.unused,
        headless=built.headless,
        window=vision.window * vision.merge if vision.windowed else 0,
        windowed=vision.windowed,
    )


def inferred_layout(model: LoadedModel, pixels: Tensor) -> TokenLayout:
    """The layout of an architecture that the table does not list, by looking where patches go.

    Tokens beside the patches become prefix tokens: the first in front of them is taken for CLS, the
    others keep no role. Only the embedding runs for this, and once for each input size.

    Args:
        model: what to look at.
        pixels: ``[image, channel, row, column]``; one image is enough.

    Raises:
        CaptureError: the patches are not kept as one token each, row by row.
    """
    size = (pixels.shape[-2], pixels.shape[-1])
    if size not in model.inferred:
        model.inferred[size] = _find_patches(model, pixels[:1])
    return model.inferred[size]


def _find_patches(model: LoadedModel, pixels: Tensor) -> TokenLayout:
    """Change one patch at each corner of the picture, and see which token changes."""
    grid = model.resolved.vision.layout(pixels.shape[-2], pixels.shape[-1])
    height, width = pixels.shape[-2] // grid.rows, pixels.shape[-1] // grid.cols
    before = _embedding(model, pixels, grid)
    corners = [(row, col) for row in (0, grid.rows - 1) for col in (0, grid.cols - 1)]
    found = []
    for row, col in corners:
        changed = pixels.clone()
        changed[..., row * height : (row + 1) * height, col * width : (col + 1) * width] += 1.0
        change = (_embedding(model, changed, grid) - before).abs().sum(-1)
        found.append(int(change.argmax()))
    first = found[0]
    if found != [first + row * grid.cols + col for row, col in corners]:
        raise CaptureError(
            f"{model.facts.id} does not keep its {grid.rows} x {grid.cols} patches as one token "
            f"each, row by row; it runs {len(before)} tokens.",
            "It merges, drops or reorders patches, so there is no map over the whole picture.",
        )
    names = ("CLS", *(f"extra{n + 1}" for n in range(first - 1)))[:first]
    if last := len(before) - first - grid.patches:
        known = max(first - 1, 0)
        back = tuple(f"extra{known + n + 1}" for n in range(last))
        return behind(names, back, grid.rows, grid.cols)
    return TokenLayout(names, grid.rows, grid.cols)


class _SeenError(Exception):
    """Ends a forward pass early."""


def _embedding(model: LoadedModel, pixels: Tensor, layout: TokenLayout) -> Tensor:
    """What enters the first block for one image: float32 ``[token, channel]``."""
    seen: list[Tensor] = []

    def stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(first_tensor(args, kwargs))
        raise _SeenError

    hook = model.blocks[0].register_forward_pre_hook(stop, with_kwargs=True)
    try:
        with suppress(_SeenError):
            model.forward(pixels, layout)
    finally:
        hook.remove()
    return seen[0].float().flatten(0, -2)
