"""Watcher of a forward pass: it knows which block runs, and calls listeners with its attention.

Modern vision transformers call ``torch.nn.functional.scaled_dot_product_attention`` and never make
the attention matrix. A function mode sees the arguments of that call, whatever the modules around
it are named. Eager attention makes its matrix itself; it is recognized by one rule: a softmax over
a square of all tokens is attention, the square product before it holds queries and keys, and the
next product of the softmax's output holds the values. Each block must show exactly one attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from generator.capture.checkpoint.sequence import SequenceLayout, order_of
from generator.capture.forward.hooks import Hooked, first_tensor
from generator.capture.forward.multihead import MultiHeadCall
from generator.capture.forward.scores import AttentionCall, GivenScores, Scores, in_order
from generator.capture.forward.windows import Windows
from generator.errors import CaptureError
from generator.records.record import TokenLayout

SOFTMAX = (functional.softmax, torch.softmax, Tensor.softmax)
MATMUL = (torch.matmul, Tensor.matmul, Tensor.__matmul__)
MULTIPLY = (
    *(torch.mul, torch.multiply, Tensor.mul, Tensor.mul_, Tensor.multiply),
    *(Tensor.__mul__, Tensor.__rmul__, Tensor.__imul__),
)

Implementation = Literal["sdpa", "eager"]
Handler = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class Listener:
    """Base of listeners of a :class:`Watcher`. A subclass overrides the events that it needs.

    All events but ``pooling`` come from inside a block, and blocks run in order.

    Attributes:
        attends: whether it calls ``Scores.attend`` for all heads and queries of ``logits``. Then
            scaled dot-product attention need not run as well.
    """

    attends = False

    def logits(self, images: Iterator[Scores], implementation: Implementation) -> None:
        """A block is about to attend: its logits, image by image."""

    def weights(self, weights: Tensor) -> None:
        """An attention matrix was made: ``[image, head, query, key]``, with its gradient if any.

        Scaled dot-product attention makes none unless the watcher is ``explicit``.
        """

    def queries_and_keys(self, query: Tensor, key: Tensor) -> None:
        """The vectors that make a block's logits: ``[image, head, token, channel]``.

        Keys and values may have fewer heads than queries.
        """

    def values(self, value: Tensor, attended: Tensor) -> None:
        """A block's values, and the heads' results: ``[image, head, token, channel]``."""

    def linear(self, given: Tensor, weight: Tensor, result: Tensor) -> None:
        """A linear layer ran: ``[..., channel]`` by ``[channel, channel]``."""

    def product(self, factors: Sequence[Any]) -> None:
        """Tensors or numbers were multiplied element by element."""

    def block_ends(self, layer: int) -> None:
        """A block has ended, after its attention."""

    def pooling(self, weights: Tensor) -> None:
        """A pooling head attended, outside of all blocks: float32 ``[image, head, key]``."""


class Watcher(Hooked, TorchFunctionMode):
    """A context in which one forward pass is watched.

    Args:
        blocks: the transformer blocks, first to last.
        listeners: called for every event, in this order.
        tokens: length of the sequence that the layout promises.
        model: named in errors.
        explicit: run scaled dot-product attention as softmax and product, in float32, so that its
            matrix is made.
        layout: of the sequence; listeners get its tokens in the order of the picture. None for one
            whose tokens are in that order.

    Raises:
        CaptureError: a block shows no attention, more than one, or one that does not cover all
            tokens; or the blocks do not run once each, in order.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        *listeners: Listener,
        tokens: int,
        model: str,
        explicit: bool = False,
        layout: TokenLayout | None = None,
    ) -> None:
        super().__init__()
        self._blocks = blocks
        self._listeners = listeners
        self._tokens = tokens
        self._model = model
        self._explicit = explicit
        self._order = order_of(layout) if layout else ()
        self._places = tuple(np.argsort(self._order).tolist())
        self._windowed = isinstance(layout, SequenceLayout) and layout.windowed
        self._windows: list[tuple[AttentionCall, Tensor]] = []
        self._cut = Windows(layout) if isinstance(layout, SequenceLayout) and layout.side else None
        self._images = 0
        self._layer: int | None = None
        self._finished = 0
        self._attended = False
        self._query_key: tuple[Tensor, Tensor] | None = None
        self._awaits_values = False
        self._outside: dict[Any, Handler] = {
            functional.scaled_dot_product_attention: self._see_pooling,
            functional.multi_head_attention_forward: self._see_multi_head_pooling,
        }
        self._inside: dict[Any, Handler] = {
            functional.scaled_dot_product_attention: self._see_attention,
            functional.multi_head_attention_forward: self._see_multi_head,
            functional.linear: self._see_linear,
            **dict.fromkeys(SOFTMAX, self._see_softmax),
            **dict.fromkeys(MATMUL, self._see_matmul),
            **dict.fromkeys(MULTIPLY, self._see_multiply),
        }

    def hang(self) -> Iterator[RemovableHandle]:
        """Watch each block begin and end."""
        for layer, block in enumerate(self._blocks):
            yield block.register_forward_pre_hook(self._entering(layer))
            yield block.register_forward_hook(self._leaving(layer))

    def __enter__(self) -> Self:
        Hooked.__enter__(self)
        TorchFunctionMode.__enter__(self)  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        TorchFunctionMode.__exit__(self, kind, error, trace)  # type: ignore[no-untyped-call]
        Hooked.__exit__(self, kind, error, trace)
        if kind is None and self._finished < len(self._blocks):
            raise self._out_of_order(f"Layer {self._finished + 1}", "did not run")

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch instead of every function."""
        handle = (self._outside if self._layer is None else self._inside).get(func)
        if handle is None:
            return func(*args, **(kwargs or {}))
        return handle(func, args, kwargs or {})

    def _entering(self, layer: int) -> Callable[..., None]:
        def enter(module: nn.Module, inputs: Any) -> None:
            if layer != self._finished:
                raise self._out_of_order(f"Layer {layer + 1}", "ran out of order")
            self._layer = layer
            self._attended, self._awaits_values, self._query_key = False, False, None
            self._windows.clear()
            if self._cut:
                self._images = len(first_tensor(inputs, {}))

        return enter

    def _leaving(self, layer: int) -> Callable[..., None]:
        def leave(module: nn.Module, inputs: Any, output: Any) -> None:
            if not self._attended:
                raise CaptureError(
                    f"Layer {layer + 1} of {self._model} ran no attention that can be read: "
                    "neither scaled_dot_product_attention nor a square softmax was called.",
                    "Report the architecture with the versions of torch and transformers.",
                )
            self._layer, self._query_key = None, None
            self._finished += 1
            for listener in self._listeners:
                listener.block_ends(layer)

        return leave

    def _see_attention(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        call = self._read(args, kwargs)
        queries, keys = call.query.shape[-2], call.key.shape[-2]
        if self._windowed and queries == keys < self._tokens:
            return self._see_window(call, func(*args, **kwargs))
        if queries == keys and self._holds_windows(len(call.query), queries):
            return self._see_windows(call, func(*args, **kwargs))
        if queries != self._tokens or keys != self._tokens:
            raise CaptureError(
                f"{self._name} attends over {queries} x {keys} tokens where the token layout has "
                f"{self._tokens}.",
                "Windowed or pooled attention has no map over the whole picture.",
            )
        self._attend_once()
        placed = call.placed(self._order)
        attended = self._memory(placed)
        for listener in self._listeners:
            listener.logits(placed.images(attended if listener.attends else None), "sdpa")
            listener.queries_and_keys(placed.query, placed.key)
        if attended is not None:
            pass  # the listener that attends has filled it
        elif self._explicit:
            weights = torch.softmax(placed.logits(), dim=-1)
            for listener in self._listeners:
                listener.weights(weights)
            attended = (weights @ placed.shared(placed.value).float()).to(placed.value.dtype)
        else:
            attended = in_order(torch.as_tensor(func(*args, **kwargs)), self._order)
        for listener in self._listeners:
            listener.values(placed.value, attended)
        return in_order(attended, self._places)

    def _see_window(self, call: AttentionCall, attended: Tensor) -> Tensor:
        """Attention within one window: told once all windows of the block have attended."""
        self._windows.append((call, attended))
        if sum(each.query.shape[-2] for each, _ in self._windows) == self._tokens:
            self._attend_once()
            placed = AttentionCall.joined([each for each, _ in self._windows]).placed(self._order)
            results = torch.cat([result for _, result in self._windows], dim=-2)
            for listener in self._listeners:
                listener.logits(placed.images(), "sdpa")
                listener.queries_and_keys(placed.query, placed.key)
                listener.values(placed.value, in_order(results, self._order))
        return attended

    def _holds_windows(self, batch: int, tokens: int) -> bool:
        """Whether attention of this shape is within windows, all of a block's in one batch."""
        return self._cut is not None and self._cut.hold(batch, tokens, self._images)

    def _see_windows(self, call: AttentionCall, attended: Tensor) -> Tensor:
        """Attention within windows, all of a block's in one batch."""
        assert self._cut is not None
        self._attend_once()
        logits = call.logits()
        vectors = (call.query, call.key, call.value, attended)
        query, key, value, results = (self._cut.in_picture(each) for each in vectors)
        for listener in self._listeners:
            listener.logits(self._cut.scores(logits), "sdpa")
            listener.queries_and_keys(query, key)
            listener.values(value, results)
        return attended

    def _memory(self, call: AttentionCall) -> Tensor | None:
        """Memory for the heads' results, where a listener makes them; else None."""
        attends = not self._explicit and any(listener.attends for listener in self._listeners)
        return call.memory() if attends else None

    def _see_softmax(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        logits = args[0] if args else kwargs["input"]
        if self._cut is not None and self._see_windowed_softmax(logits):
            return torch.as_tensor(func(*args, **kwargs))
        if not self._is_square(logits):
            return torch.as_tensor(func(*args, **kwargs))
        self._attend_once()
        placed = in_order(logits, self._order, -2, -1)
        for listener in self._listeners:
            listener.logits(map(GivenScores, placed), "eager")
            if self._query_key is not None:
                query, key = (in_order(each, self._order) for each in self._query_key)
                listener.queries_and_keys(query, key)
        self._query_key, self._awaits_values = None, True
        weights: Tensor = func(*args, **kwargs)
        self._tell_weights(weights)
        return weights

    def _see_windowed_softmax(self, logits: Tensor) -> bool:
        """Eager attention of a network with windows: ``[image * window * head, token, token]``.

        Returns:
            Whether it is attention.
        """
        assert self._cut is not None
        tokens = logits.shape[-1]
        whole, windowed = tokens == self._tokens, self._cut.hold_all(logits, self._images)
        if logits.dim() not in (3, 4) or logits.shape[-2] != tokens or not (whole or windowed):
            return False
        if whole and windowed and logits.dim() == 3:
            raise CaptureError(
                f"{self._name} attends within windows of {tokens} tokens, as many as the picture "
                "has: its matrices do not tell which of both they are of.",
                "Use another --resolution.",
            )
        self._attend_once()
        for listener in self._listeners:
            if windowed:
                apart = logits.reshape(self._images * self._cut.count, -1, tokens, tokens)
                listener.logits(self._cut.scores(apart), "eager")
            else:
                apart = logits.reshape(self._images, -1, tokens, tokens)
                listener.logits(map(GivenScores, apart), "eager")
        return True

    def _see_matmul(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        result: Tensor = func(*args, **kwargs)
        if len(args) != 2 or args[0].dim() != 4 or args[1].dim() != 4:
            return result
        left, right = args
        if not self._attended and self._query_key is None and self._is_square(result):
            self._query_key = left, right.transpose(-1, -2)
        elif self._awaits_values and self._is_square(left):
            self._awaits_values = False
            value, attended = in_order(right, self._order), in_order(result, self._order)
            for listener in self._listeners:
                listener.values(value, attended)
        return result

    def _see_linear(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        result: Tensor = func(*args, **kwargs)
        named = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        for listener in self._listeners:
            listener.linear(named["input"], named["weight"], result)
        return result

    def _see_multiply(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        result: Tensor = func(*args, **kwargs)
        for listener in self._listeners:
            listener.product([*args, *kwargs.values()])
        return result

    def _see_multi_head(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Tensor | None]:
        """Attention of ``nn.MultiheadAttention``: projected here, so that its parts are seen."""
        call = MultiHeadCall.of(args, kwargs, self._name)
        query, key, value = call.vectors()
        attended = self._see_attention(
            functional.scaled_dot_product_attention, (query, key, value), {}
        )
        joined = attended.transpose(1, 2).flatten(2)
        output = call.projected(joined)
        for listener in self._listeners:
            listener.linear(joined, call.projection, output)
        return output.transpose(0, 1), call.weights(query, key)

    def _see_pooling(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        call = self._read(args, kwargs)
        queries = call.query.shape[-2]
        if queries != 1:
            raise CaptureError(
                f"{self._model} attends over {queries} tokens outside its blocks.",
                "Report the architecture: it is not laid out like a plain vision transformer.",
            )
        self._tell_pooling(torch.softmax(call.logits(), dim=-1)[..., 0, :])
        return torch.as_tensor(func(*args, **kwargs))

    def _see_multi_head_pooling(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
        """A pooling head built on ``nn.MultiheadAttention``: ask it for its weights, per head."""
        output, weights = func(
            *args, **{**kwargs, "need_weights": True, "average_attn_weights": False}
        )
        self._tell_pooling(weights[..., 0, :].float())
        return output, weights.mean(dim=1)

    def _tell_weights(self, weights: Tensor) -> None:
        weights = in_order(weights, self._order, -2, -1)
        for listener in self._listeners:
            listener.weights(weights)

    def _tell_pooling(self, weights: Tensor) -> None:
        for listener in self._listeners:
            listener.pooling(weights)

    def _read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AttentionCall:
        call = AttentionCall.of(args, kwargs)
        if call.causal:
            raise CaptureError(
                f"{self._model} uses causal attention; patches must see each other.",
                "Use a bidirectional vision transformer.",
            )
        return call

    def _attend_once(self) -> None:
        if self._attended:
            raise CaptureError(
                f"{self._name} ran attention more than once; one call for each block was expected.",
                "Report the architecture: it is not a plain vision transformer.",
            )
        self._attended = True

    def _is_square(self, matrix: Tensor) -> bool:
        """Whether it is ``[image, head, token, token]``."""
        return matrix.dim() == 4 and matrix.shape[-2:] == (self._tokens, self._tokens)

    @property
    def _name(self) -> str:
        """The running layer, for errors."""
        assert self._layer is not None
        return f"Layer {self._layer + 1} of {self._model}"

    def _out_of_order(self, layer: str, fault: str) -> CaptureError:
        return CaptureError(
            f"{layer} of {self._model} {fault}; each of its {len(self._blocks)} layers was "
            "expected to run once, in order.",
            "Report the architecture: it is not a plain vision transformer.",
        )
