"""What cannot be seen of a module in memory, and what the user says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from generator.capture.checkpoint.processor_defaults import Triple


@dataclass(frozen=True, slots=True)
class ModuleOptions:
    """How to read a module in memory. None stands for what the module tells itself.

    Attributes:
        name: its id in records and on pages; None for the name of its class.
        call: how it is called, pixels ``[image, channel, row, column]`` to anything; None for
            ``module(pixels)``.
        patch_size: side of a patch in pixels, or height and width.
        class_token: whether the first token is a class token.
        registers: number of register tokens behind it.
        image_size: side of the module's own input in pixels.
        mean: subtracted from values from 0 to 1, for red, green and blue.
        std: divides after that.
        processor: an image processor of transformers, or its config.
    """

    name: str | None = None
    call: Callable[..., Any] | None = None
    patch_size: int | tuple[int, int] | None = None
    class_token: bool | None = None
    registers: int | None = None
    image_size: int | None = None
    mean: Triple | None = None
    std: Triple | None = None
    processor: Mapping[str, Any] | object | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that were given."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) is not None)

    @property
    def geometry_given(self) -> tuple[str, ...]:
        """Names of the options about geometry that were given."""
        names = ("call", "patch_size", "class_token", "registers")
        return tuple(name for name in self.given if name in names)
