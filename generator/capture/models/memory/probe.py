"""What can be seen of a module in memory: its attention calls, its blocks, its tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from generator.capture.forward.hooks import Hooked, first_tensor
from generator.capture.forward.watcher import SOFTMAX
from generator.capture.models.memory.spans import find_spans
from generator.errors import CaptureError, GalleryError, ModelError, first_line
from generator.text.phrases import counted, listed

Call = Callable[[Tensor], Any]
"""How a module is called: pixels ``[image, channel, row, column]`` to anything."""


@dataclass(frozen=True, slots=True)
class SeenAttention:
    """One attention call of a forward pass.

    Attributes:
        path: names of the running modules, outermost first; the whole module has no name.
        heads: number of heads.
        queries: number of queries.
        keys: number of keys.
    """

    path: tuple[str, ...]
    heads: int
    queries: int
    keys: int


class AttentionProbe(Hooked, TorchFunctionMode):
    """A context that notes the attention calls of a forward pass, and in which modules they are.

    Args:
        network: the whole module.

    Attributes:
        calls: attention calls, in order.
        unread: shapes of softmaxes that look like attention and are not read.
        ran: names of the modules that ran.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._network = network
        self._stack: list[str] = []
        self.calls: list[SeenAttention] = []
        self.unread: list[tuple[int, ...]] = []
        self.ran: list[str] = []

    def hang(self) -> Iterator[RemovableHandle]:
        """Watch every module begin and end."""
        for name, module in self._network.named_modules():
            yield module.register_forward_pre_hook(self._entering(name))
            yield module.register_forward_hook(self._leaving(name), always_call=True)

    def __enter__(self) -> AttentionProbe:
        Hooked.__enter__(self)
        TorchFunctionMode.__enter__(self)  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        TorchFunctionMode.__exit__(self, kind, error, trace)  # type: ignore[no-untyped-call]
        Hooked.__exit__(self, kind, error, trace)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch instead of every function."""
        named = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            query = args[0] if args else named["query"]
            key = args[1] if len(args) > 1 else named["key"]
            self._note(query.shape[-3], query.shape[-2], key.shape[-2])
        elif func is functional.multi_head_attention_forward:
            query, key = args[0], args[1]
            self._note(args[4], query.shape[0], key.shape[0])
        elif func in SOFTMAX:
            logits = args[0] if args else named["input"]
            if logits.dim() == 4 and logits.shape[-1] == logits.shape[-2] > 1:
                self._note(logits.shape[1], logits.shape[-2], logits.shape[-1])
            elif logits.dim() > 2:
                self.unread.append(tuple(logits.shape))
        return func(*args, **named)

    def _note(self, heads: int, queries: int, keys: int) -> None:
        self.calls.append(SeenAttention(tuple(self._stack), heads, queries, keys))

    def _entering(self, name: str) -> Callable[..., None]:
        def enter(module: nn.Module, inputs: Any) -> None:
            self._stack.append(name)
            self.ran.append(name)

        return enter

    def _leaving(self, name: str) -> Callable[..., None]:
        def leave(module: nn.Module, inputs: Any, output: Any) -> None:
            if self._stack and self._stack[-1] == name:
                self._stack.pop()

        return leave


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """What a forward pass of a module showed.

    Attributes:
        blocks: the transformer blocks, first to last.
        names: their names.
        tokens: tokens of the sequence.
        heads: heads of each block.
        width: channels of the residual stream.
        tokens_first: whether the blocks hand on ``[token, image, channel]``.
    """

    blocks: tuple[nn.Module, ...]
    names: tuple[str, ...]
    tokens: int
    heads: int
    width: int
    tokens_first: bool


def probe(network: nn.Module, call: Call, pixels: Tensor, model: str) -> SeenNetwork:
    """Run a module once and find its blocks.

    A block is the outermost module that runs exactly one attention over all tokens.

    Args:
        network: the module.
        call: how it is called.
        pixels: ``[image, channel, row, column]``, of two images.
        model: named in errors.

    Raises:
        ModelError: the call fails.
        CaptureError: no attention can be read, or the blocks are not clear. The message says what
            was found instead.
    """
    seen = AttentionProbe(network)
    with seen:
        _called(call, pixels, model)
    calls = _self_attention(seen, network, model)
    names = _block_names(calls, model)
    modules = dict(network.named_modules())
    blocks: tuple[nn.Module, ...] = tuple(modules[name] for name in names)
    try:
        width, tokens_first = _check_stream(blocks, names, call, pixels, calls[0].queries, model)
    except _LoopError as error:
        shape = (len(pixels), calls[0].queries, error.width)
        blocks = find_spans(network, names, lambda: _called(call, pixels, model), shape)
        if not blocks:
            raise
        width, tokens_first = error.width, False
    return SeenNetwork(blocks, names, calls[0].queries, calls[0].heads, width, tokens_first)


def _called(call: Call, pixels: Tensor, model: str) -> None:
    try:
        call(pixels)
    except GalleryError:
        raise
    except Exception as error:
        size = "x".join(map(str, pixels.shape))
        raise ModelError(
            f"{model} fails on pixels of the shape {size}: {type(error).__name__}: "
            f"{first_line(error).rstrip('.')}.",
            "Say how it is called, call=lambda pixels: ..., and its own image_size.",
        ) from error


def _self_attention(
    seen: AttentionProbe, network: nn.Module, model: str
) -> tuple[SeenAttention, ...]:
    """The calls of the sequence that most calls are about."""
    square = [call for call in seen.calls if call.queries == call.keys > 1]
    if not square:
        raise CaptureError(
            f"{model} ran no attention that can be read: {_instead(seen, network)}.",
            "Attention is read from F.scaled_dot_product_attention, from nn.MultiheadAttention, "
            "and from a softmax over [image, head, token, token].",
        )
    lengths = Counter(call.queries for call in square)
    if len(lengths) > 1:
        found = listed(
            f"{counted(many, 'call')} over {counted(tokens, 'token')}"
            for tokens, many in lengths.most_common()
        )
        raise CaptureError(
            f"{model} attends over sequences of different lengths: {found}.",
            "Windowed and pooled attention has no map over the whole picture. For one part of a "
            "larger module, open that part.",
        )
    if len({call.heads for call in square}) > 1:
        heads = listed(sorted({str(call.heads) for call in square}))
        raise CaptureError(
            f"{model} has blocks of {heads} heads.",
            "A model whose blocks differ in size cannot be shown.",
        )
    return tuple(square)


def _instead(seen: AttentionProbe, network: nn.Module) -> str:
    """What was seen where attention was looked for."""
    if len(seen.ran) < 2:
        inner = sum(1 for _ in network.modules()) - 1
        return f"the call ran none of the {counted(inner, 'module')} inside it"
    if seen.calls:
        first = seen.calls[0]
        return (
            f"the first of {counted(len(seen.calls), 'call')} has "
            f"{counted(first.queries, 'query', 'queries')} and {counted(first.keys, 'key')}, where "
            "all tokens have to attend to all"
        )
    if seen.unread:
        shape = ", ".join(map(str, seen.unread[0]))
        return f"{counted(len(seen.unread), 'softmax', 'softmaxes')} ran, the first over [{shape}]"
    return f"{counted(len(seen.ran), 'module')} ran without any"


def _block_names(calls: Sequence[SeenAttention], model: str) -> tuple[str, ...]:
    """For each call, the outermost module in which no other call is."""
    within = Counter(name for call in calls for name in set(call.path))
    found = []
    for call in calls:
        own = [name for name in call.path if within[name] == 1 and name]
        if not own:
            where = call.path[-1] or "the module itself"
            raise CaptureError(
                f"{model} has no blocks that can be told apart: {where} runs "
                f"{within[call.path[-1]]} of its {counted(len(calls), 'attention call')}.",
                "Each block has to be a module of its own, called once.",
            )
        found.append(own[0])
    return tuple(found)


def _check_stream(
    blocks: Sequence[nn.Module],
    names: Sequence[str],
    call: Call,
    pixels: Tensor,
    tokens: int,
    model: str,
) -> tuple[int, bool]:
    """Check that each block hands its residual stream to the next.

    Returns:
        Channels of the stream, and whether its tokens come before the images.
    """
    entered: list[Tensor] = []
    left: list[Tensor] = []
    with _Ends(blocks, entered, left):
        _called(call, pixels, model)
    width = entered[0].shape[-1] if len(entered) == len(blocks) == len(left) else 0
    images_first, tokens_first = (len(pixels), tokens, width), (tokens, len(pixels), width)
    expected = tokens_first if entered and entered[0].shape == tokens_first else images_first
    for name, given, result in zip(names, entered, left, strict=False):
        for what, tensor in (("receives", given), ("returns", result)):
            if _sequence(tensor) != expected:
                shape = ", ".join(map(str, tensor.shape))
                raise CaptureError(
                    f"{model}: its block {name} {what} [{shape}] for {len(pixels)} images of "
                    f"{tokens} tokens; {list(expected)} was expected.",
                    "Each block has to return a residual stream of all tokens.",
                )
    for place, (result, given) in enumerate(zip(left, entered[1:], strict=False)):
        if not torch.allclose(result.float(), given.float(), rtol=1e-3, atol=1e-4):
            raise _LoopError(
                f"{model}: what {names[place]} returns is not what {names[place + 1]} receives, "
                "nor is the sum of what the modules up to there return.",
                "Put attention, MLP and their residual connections of a layer into one module.",
                width=width,
            )
    return width, expected == tokens_first


class _LoopError(CaptureError):
    """Blocks do not hand on a residual stream, so their residual connections are elsewhere."""

    def __init__(self, message: str, hint: str, *, width: int) -> None:
        super().__init__(message, hint)
        self.width = width


def _sequence(tensor: Tensor) -> tuple[int, ...]:
    """The shape, with patches that are kept as rows and columns in one axis."""
    return tuple(tensor.flatten(1, -2).shape) if tensor.dim() > 2 else tuple(tensor.shape)


class _Ends(Hooked):
    """A context that keeps what blocks receive and return."""

    def __init__(
        self, blocks: Sequence[nn.Module], entered: list[Tensor], left: list[Tensor]
    ) -> None:
        super().__init__()
        self._blocks, self._entered, self._left = blocks, entered, left

    def hang(self) -> Iterator[RemovableHandle]:
        """Keep inputs and outputs."""
        for block in self._blocks:
            yield block.register_forward_pre_hook(self._before, with_kwargs=True)
            yield block.register_forward_hook(self._after)

    def _before(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._entered.append(first_tensor(args, kwargs))

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        self._left.append(output[0] if isinstance(output, tuple) else output)


def places_of_corners(
    seen: SeenNetwork, call: Call, pixels: Tensor, patch: tuple[int, int], model: str
) -> list[int]:
    """Which token changes with the patch at each corner of the picture, row by row.

    Args:
        seen: the blocks.
        call: how the module is called.
        pixels: ``[1, channel, row, column]``.
        patch: height and width of a patch, in pixels.
        model: named in errors.
    """
    height, width = patch
    rows, cols = pixels.shape[-2] // height, pixels.shape[-1] // width
    batch = pixels.repeat(5, 1, 1, 1)
    corners = [(row, col) for row in (0, rows - 1) for col in (0, cols - 1)]
    for image, (row, col) in enumerate(corners, 1):
        batch[image, :, row * height : (row + 1) * height, col * width : (col + 1) * width] += 1.0
    entered: list[Tensor] = []
    with _Ends(seen.blocks[:1], entered, []):
        _called(call, batch, model)
    stream = (entered[0].transpose(0, 1) if seen.tokens_first else entered[0]).float()
    stream = stream.flatten(1, -2)
    return [int(place) for place in (stream[1:] - stream[0]).abs().sum(-1).argmax(-1)]
