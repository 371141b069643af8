"""Token layout of a sequence, and the part of the picture the patches cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.errors import GalleryError


class RecordError(GalleryError):
    """The fields of a record contradict each other."""


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Which token is which, and which patch is which place in the picture.

    Nothing else in the program indexes tokens with a literal.

    Attributes:
        prefix: names of the tokens in front of the patches, in sequence order, drawn from ``CLS``
            (``CLS1``, ``CLS2`` when there are several), ``DIST``, ``reg1``, ``reg2``, ...
        rows: rows of the patch grid.
        cols: columns of the patch grid.
    """

    prefix: tuple[str, ...]
    rows: int
    cols: int

    def __post_init__(self) -> None:
        if self.rows < 1 or self.cols < 1:
            raise RecordError(f"A patch grid needs rows and columns, got {self.rows}x{self.cols}.")
        if len(set(self.prefix)) != len(self.prefix):
            raise RecordError(f"Prefix tokens must have distinct names, got {self.prefix}.")

    @property
    def patches(self) -> int:
        """Number of patches."""
        return self.rows * self.cols

    @property
    def tokens(self) -> int:
        """Number of tokens, prefix and patches."""
        return len(self.prefix) + self.patches

    @property
    def patch_slice(self) -> slice:
        """Slice of the patches along a token axis."""
        return slice(len(self.prefix), self.tokens)

    @property
    def prefix_slice(self) -> slice:
        """Slice of the prefix tokens along a token axis."""
        return slice(0, len(self.prefix))

    @property
    def cls(self) -> str | None:
        """Name of the first class token, or None for a model without one."""
        return next((name for name in self.prefix if name.startswith("CLS")), None)

    @property
    def registers(self) -> tuple[str, ...]:
        """Names of the register tokens."""
        return tuple(name for name in self.prefix if name.startswith("reg"))

    def token(self, name: str) -> int:
        """Index of a prefix token.

        Raises:
            RecordError: the model has no such token.
        """
        if name not in self.prefix:
            raise RecordError(f"No token is called {name}; the prefix is {list(self.prefix)}.")
        return self.prefix.index(name)

    def fold(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Reshape the patches of the last axis to the grid: ``[..., token] -> [..., row, col]``.

        Accepts a last axis of all tokens (the prefix is dropped) or of patches only.
        """
        if values.shape[-1] == self.tokens:
            values = values[..., self.patch_slice]
        if values.shape[-1] != self.patches:
            raise RecordError(
                f"Cannot fold {values.shape[-1]} values into {self.rows}x{self.cols} patches "
                f"with {len(self.prefix)} prefix tokens."
            )
        folded: NDArray[np.floating] = values.reshape(*values.shape[:-1], self.rows, self.cols)
        return folded


@dataclass(frozen=True, slots=True)
class View:
    """The part of the original picture that the patch grid covers.

    The grid divides the box evenly, so an overlay is drawn from the original pixels in the box and
    is never shifted by resizing, cropping or a tail that no patch covers.

    Attributes:
        image_width: width of the oriented original, in pixels.
        image_height: height of the oriented original, in pixels.
        left: left edge of the box, in original pixels, possibly fractional.
        top: top edge of the box.
        right: right edge of the box.
        bottom: bottom edge of the box.
        input_width: width of what the model received, in pixels, covered by patches.
        input_height: height of what the model received, in pixels, covered by patches.
    """

    image_width: int
    image_height: int
    left: float
    top: float
    right: float
    bottom: float
    input_width: int
    input_height: int

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise RecordError(f"A view needs an area, got {self.box}.")

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in original pixels."""
        return (self.left, self.top, self.right, self.bottom)

    def patch_box(self, layout: TokenLayout, row: int, col: int) -> tuple[float, ...]:
        """The box (left, top, right, bottom), in original pixels, that one patch covers."""
        width = (self.right - self.left) / layout.cols
        height = (self.bottom - self.top) / layout.rows
        left, top = self.left + col * width, self.top + row * height
        return (left, top, left + width, top + height)
