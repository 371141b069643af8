"""Contexts in which modules are watched; after them no trace of it is left on the modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle


class Hooked:
    """A context in which hooks hang on modules. They are gone after it, whatever happens in it."""

    def __init__(self) -> None:
        super().__init__()
        self._handles: list[RemovableHandle] = []

    def hang(self) -> Iterator[RemovableHandle]:
        """Hang the hooks, one after the other."""
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


class BlockWatcher(Hooked, TorchFunctionMode):
    """A context in which every torch function passes by, and the running block is known.

    What is seen is up to the subclass, in ``__torch_function__``.

    Args:
        blocks: the transformer blocks, first to last.

    Attributes:
        blocks: the same.
        layer: index of the block that is running; None between blocks and outside of them.
    """

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = blocks
        self.layer: int | None = None

    def enter_block(self, layer: int) -> None:
        """Called when a block begins; ``layer`` is set already."""

    def leave_block(self, layer: int) -> None:
        """Called when a block ends; ``layer`` is None already."""

    def hang(self) -> Iterator[RemovableHandle]:
        """Tell of each block when it begins and ends."""
        for index, block in enumerate(self.blocks):
            yield block.register_forward_pre_hook(self._entering(index))
            yield block.register_forward_hook(self._leaving(index))

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

    def _entering(self, index: int) -> Callable[..., None]:
        def enter(module: nn.Module, inputs: Any) -> None:
            self.layer = index
            self.enter_block(index)

        return enter

    def _leaving(self, index: int) -> Callable[..., None]:
        def leave(module: nn.Module, inputs: Any, output: Any) -> None:
            self.layer = None
            self.leave_block(index)

        return leave


class Streams(Hooked):
    """A context in which forward passes show their residual stream, before the final LayerNorm.

    Args:
        blocks: the transformer blocks, first to last.
        read: called with the embedding, then with what leaves each block: ``[image, token,
            channel]``.
    """

    def __init__(self, blocks: Sequence[nn.Module], read: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._blocks = blocks
        self._read = read

    def hang(self) -> Iterator[RemovableHandle]:
        """See what enters the first block and what leaves each."""
        yield self._blocks[0].register_forward_pre_hook(self._before, with_kwargs=True)
        for block in self._blocks:
            yield block.register_forward_hook(self._after)

    def _before(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._read(args[0] if args else kwargs["hidden_states"])

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._read(output[0] if isinstance(output, tuple) else output)
