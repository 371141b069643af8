"""Hooks on modules that are removed when their context ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from generator.capture.checkpoint.sequence import SequenceLayout, order_of
from generator.capture.forward.scores import in_order
from generator.records.record import TokenLayout


def first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """The first tensor that a module is called with, by position or by name."""
    return next(each for each in (*args, *kwargs.values()) if isinstance(each, Tensor))


class Hooked:
    """A context with hooks on modules. They are removed at its end, also after an error."""

    def __init__(self) -> None:
        super().__init__()
        self._handles: list[RemovableHandle] = []

    def hang(self) -> Iterator[RemovableHandle]:
        """Register the hooks."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            for handle in self.hang():
                self._handles.append(handle)
        except BaseException:
            self._take_down()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._take_down()

    def _take_down(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()


class Streams(Hooked):
    """A context that reads the residual stream of forward passes, before the final LayerNorm.

    Args:
        blocks: the transformer blocks, first to last.
        read: called with the embedding, then with each block's output, ``[image, token, channel]``,
            tokens in the order of the picture.
        layout: of the sequence; None for one whose tokens are in that order.
        tokens_first: whether the blocks hand on ``[token, image, channel]``.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        read: Callable[[Tensor], None],
        layout: TokenLayout | None = None,
        *,
        tokens_first: bool = False,
    ) -> None:
        super().__init__()
        self._blocks = blocks
        self._tell = read
        self._order = order_of(layout) if layout else ()
        self._tokens_first = tokens_first
        self._channels_first = isinstance(layout, SequenceLayout) and layout.channels_first

    def hang(self) -> Iterator[RemovableHandle]:
        """Read the first block's input and each block's output."""
        yield self._blocks[0].register_forward_pre_hook(self._before, with_kwargs=True)
        for block in self._blocks:
            yield block.register_forward_hook(self._after)

    def _before(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._read(first_tensor(args, kwargs))

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._read(output[0] if isinstance(output, tuple) else output)

    def _read(self, stream: Tensor) -> None:
        if self._tokens_first:
            stream = stream.transpose(0, 1)
        if self._channels_first:
            stream = stream.movedim(1, -1)
        # some networks keep the tokens of all pictures as one list, of which there is one here;
        # others keep their patches as rows and columns
        stream = stream[None] if stream.dim() == 2 else stream.flatten(1, -2)
        self._tell(in_order(stream, self._order))
