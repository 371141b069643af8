"""Sequences whose tokens do not stand as records have them: prefix first, then patches row by row.

Networks that merge neighbors behind their blocks keep the patches of a neighborhood together.
Records never show it: what is captured is put into the order of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.records.record import TokenLayout


@dataclass(frozen=True, slots=True)
class SequenceLayout(TokenLayout):
    """A token layout with the places of its tokens in the network's own sequence.

    Attributes:
        order: place in the network's sequence of each token, prefix tokens first, then patches row
            by row.
        windowed: whether some blocks attend within windows of patches, one after another.
        side: side of the windows within which some blocks attend, all of them in one batch; 0 for
            none. Where they reach past the picture they are padded, at the right and at the bottom.
        channels_first: whether the blocks hand on ``[image, channel, row, column]``.
    """

    order: tuple[int, ...] = ()
    windowed: bool = False
    side: int = 0
    channels_first: bool = False

    @property
    def shown(self) -> TokenLayout:
        """The layout of what is captured."""
        return TokenLayout(self.prefix, self.rows, self.cols)


def merged(rows: int, cols: int, merge: int, window: int) -> SequenceLayout:
    """The layout of a network that keeps neighbors together, as Qwen2-VL and GLM-4V do.

    Args:
        rows: of patches, a multiple of ``merge``.
        cols: of patches, a multiple of ``merge``.
        merge: side of a neighborhood, in patches.
        window: side of a window in neighborhoods, which are kept together in turn as Qwen2.5-VL
            does; 0 without windows.
    """
    high, wide = rows // merge, cols // merge
    patches = np.arange(rows * cols).reshape(high, merge, wide, merge)
    neighborhoods = patches.transpose(0, 2, 1, 3).reshape(high * wide, merge * merge)
    if window:
        row, col = np.divmod(np.arange(high * wide), wide)
        neighborhoods = neighborhoods[np.lexsort((col, row, col // window, row // window))]
    order = np.argsort(neighborhoods.reshape(-1))
    return SequenceLayout((), rows, cols, tuple(order.tolist()), windowed=bool(window))


def behind(front: tuple[str, ...], back: tuple[str, ...], rows: int, cols: int) -> SequenceLayout:
    """The layout of a network with tokens behind the patches, which are shown among the prefix.

    Args:
        front: names of the tokens in front of the patches.
        back: names of those behind.
        rows: of patches.
        cols: of patches.
    """
    first, last = len(front), len(front) + rows * cols
    order = (*range(first), *range(last, last + len(back)), *range(first, last))
    return SequenceLayout((*front, *back), rows, cols, order)


def order_of(layout: TokenLayout) -> tuple[int, ...]:
    """Place in the network's sequence of each token; empty where it is that of the layout."""
    return layout.order if isinstance(layout, SequenceLayout) else ()


def shown(layout: TokenLayout) -> TokenLayout:
    """The layout of what is captured."""
    return layout.shown if isinstance(layout, SequenceLayout) else layout
