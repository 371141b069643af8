"""Blocks whose residual connections are in the loop of a network, not in a module.

::

    for attend, feed in layers:
        x = x + attend(x)
        x = x + feed(x)

Such a block has no module of its own. It begins where the first of its modules receives the
residual stream, and ends where the first module of the next block does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from generator.capture.forward.hooks import Hooked, first_tensor


class LoopBlock(nn.Module):
    """A block from one module's input to another's: it takes hooks, and is never called.

    Args:
        begins: receives the residual stream at the beginning.
        ends: receives it after the block.
    """

    def __init__(self, begins: nn.Module, ends: nn.Module) -> None:
        super().__init__()
        self._between = (begins, ends)  # in a tuple, so that they are not its parts

    def register_forward_pre_hook(self, hook: Any, **options: Any) -> RemovableHandle:
        """At the beginning of the block."""
        return self._between[0].register_forward_pre_hook(hook, **options)

    def register_forward_hook(self, hook: Any, **options: Any) -> RemovableHandle:
        """At its end, with the residual stream as the output."""

        def ended(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            hook(module, args, first_tensor(args, kwargs))

        return self._between[1].register_forward_pre_hook(ended, with_kwargs=True)


@dataclass(eq=False, slots=True)
class _Pass:
    """A module of a forward pass that received and returned all tokens."""

    module: nn.Module
    name: str
    began: int
    given: Tensor
    ended: int = 0
    result: Tensor | None = None
    result_id: int = 0
    given_id: int = 0


class _Passes(Hooked):
    """A context that keeps every module's first input and output of one shape."""

    def __init__(self, network: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self._network, self._shape = network, shape
        self._open: list[_Pass | None] = []
        self._alive: list[Tensor] = []  # so that no two tensors share an id
        self._clock = 0
        self.found: list[_Pass] = []

    def hang(self) -> Iterator[RemovableHandle]:
        """Watch every module begin and end."""
        for name, module in self._network.named_modules():
            yield module.register_forward_pre_hook(self._beginning(name), with_kwargs=True)
            yield module.register_forward_hook(self._ending)

    def _beginning(self, name: str) -> Callable[..., None]:
        def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._clock += 1
            tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, Tensor)]
            step = None
            if tensors and tuple(tensors[0].shape) == self._shape:
                self._alive.append(tensors[0])
                given = tensors[0].detach().clone()
                step = _Pass(module, name, self._clock, given, given_id=id(tensors[0]))
            self._open.append(step)

        return begin

    def _ending(self, module: nn.Module, args: Any, output: Any) -> None:
        self._clock += 1
        step = self._open.pop()
        result = output[0] if isinstance(output, tuple) else output
        if step is None or not isinstance(result, Tensor) or tuple(result.shape) != self._shape:
            return
        self._alive.append(result)
        step.ended, step.result, step.result_id = self._clock, result.detach().clone(), id(result)
        self.found.append(step)


def find_spans(
    network: nn.Module, attending: Sequence[str], run: Callable[[], None], shape: tuple[int, ...]
) -> tuple[LoopBlock, ...]:
    """The blocks around attention modules, if each adds what it returns to the stream.

    Checked by the numbers: what attention returns is added to what the block receives, and what
    another module returns is added to that, before the next block receives it.

    Args:
        network: the whole module.
        attending: names of the modules that attend, first to last.
        run: runs the network once.
        shape: of the residual stream, ``(image, token, channel)``.

    Returns:
        A span for each attention; nothing if the numbers don't add up.
    """
    steps = _Passes(network, shape)
    with steps:
        run()
    found = sorted(steps.found, key=lambda step: step.began)
    begins: list[_Pass] = []
    for name in attending:
        attention = next((step for step in found if step.name == name), None)
        begin = attention and _beginning_of(attention, found)
        if attention is None or begin is None:
            return ()
        begins.append(begin)
    ends = []
    for place, (name, begin) in enumerate(zip(attending, begins, strict=True)):
        attention = next(step for step in found if step.name == name)
        end = _end_of(attention, begin, found)
        if end is None or (place + 1 < len(begins) and end is not begins[place + 1]):
            return ()
        ends.append(end)
    return tuple(LoopBlock(a.module, b.module) for a, b in zip(begins, ends, strict=True))


def _beginning_of(attention: _Pass, found: Sequence[_Pass]) -> _Pass | None:
    """The module that receives the stream: attention itself, or a norm in front of it."""
    norm = [s for s in found if s.result_id == attention.given_id and s.ended < attention.began]
    for begin in (attention, *norm):
        if _after(begin.given, attention, found):
            return begin
    return None


def _after(stream: Tensor, attention: _Pass, found: Sequence[_Pass]) -> list[_Pass]:
    """Modules behind attention that receive the stream with its result added."""
    assert attention.result is not None
    middle = stream + attention.result
    return [s for s in found if s.began > attention.ended and _close(s.given, middle)]


def _end_of(attention: _Pass, begin: _Pass, found: Sequence[_Pass]) -> _Pass | None:
    """The first module that receives the stream behind the block."""
    middle = _after(begin.given, attention, found)[0]
    for step in found:
        if step.began <= middle.ended:
            continue
        for other in found:
            added = other.result is not None and middle.began <= other.began < step.began
            if added and _close(step.given, middle.given + other.result):  # type: ignore[operator]
                return step
    return None


def _close(one: Tensor, two: Tensor) -> bool:
    return torch.allclose(one.float(), two.float(), rtol=1e-3, atol=1e-4)
