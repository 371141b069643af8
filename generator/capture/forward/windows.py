"""Attention within windows of the picture, all windows of a block in one batch.

Networks such as SAM cut the picture into windows, pad those that reach past it at the right and at
the bottom, and attend within each. Here the windows are put back into the picture: attention
outside of a window is 0. Padding is no part of a picture, but takes its share of attention: it is
one more key, the last, with the weights of all of a window's padding together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.capture.checkpoint.sequence import SequenceLayout
from generator.capture.forward.scores import MASKED


class Windows:
    """The windows of a grid of patches.

    Args:
        layout: with a side of windows, and no tokens but patches.

    Attributes:
        count: number of windows.
        padded: whether some reach past the picture.
    """

    def __init__(self, layout: SequenceLayout) -> None:
        self.layout, self.side = layout, layout.side
        high, wide = -(-layout.rows // self.side), -(-layout.cols // self.side)
        self.count = high * wide
        self.padded = self.count * self.side**2 > layout.patches
        whole = torch.full((high * self.side, wide * self.side), layout.patches)
        patches = torch.arange(layout.patches).view(layout.rows, layout.cols)
        whole[: layout.rows, : layout.cols] = patches
        cut = whole.view(high, self.side, wide, self.side).transpose(1, 2)
        self._keys = cut.reshape(self.count, self.side**2)  # the patch at each place of a window
        places = torch.empty(layout.patches + 1, dtype=torch.long)
        places[self._keys.flatten()] = torch.arange(self._keys.numel())
        self._places = places[:-1]  # of each patch, in all windows one after another

    def hold(self, batch: int, tokens: int, images: int) -> bool:
        """Whether a call to attention is one within windows.

        Args:
            batch: its first axis.
            tokens: its queries and keys.
            images: number of pictures.
        """
        alone = self.count == 1 and not self.padded
        return not alone and (batch, tokens) == (images * self.count, self.side**2)

    def hold_all(self, logits: Tensor, images: int) -> bool:
        """Whether logits, heads on an axis of their own or not, are those within windows."""
        batch = images * self.count
        heads_apart = logits.dim() == 4
        fits = len(logits) == batch if heads_apart else len(logits) % batch == 0
        return fits and self.hold(batch, logits.shape[-1], images)

    def in_picture(self, vectors: Tensor) -> Tensor:
        """Vectors of windows as those of the picture.

        Args:
            vectors: ``[image * window, head, place, channel]``.

        Returns:
            ``[image, head, patch, channel]``.
        """
        apart = vectors.unflatten(0, (-1, self.count)).transpose(1, 2).flatten(2, 3)  # type: ignore[no-untyped-call]
        found: Tensor = apart.index_select(2, self._places.to(vectors.device))
        return found

    def scores(self, logits: Tensor) -> Iterator[WindowScores]:
        """Logits of each picture.

        Args:
            logits: ``[image * window, head, place, place]``.
        """
        keys = self._keys.to(logits.device)
        padding = (keys == self.layout.patches)[:, None, None]
        logits = logits.float().clamp(min=MASKED)
        for own in logits.unflatten(0, (-1, self.count)):  # type: ignore[no-untyped-call]
            held = own
            if self.padded:
                # all of a window's padding is one key: each of its places holds the whole
                together = own.masked_fill(~padding, -torch.inf).logsumexp(-1, keepdim=True)
                held = torch.where(padding, together, own)
            yield WindowScores(held, keys, self._places.to(logits.device), self.padded)

    def whole(self, weights: Tensor) -> Tensor:
        """Attention within windows as that of the picture, without padding.

        Args:
            weights: ``[image * window, head, place, place]``.

        Returns:
            ``[image, head, patch, patch]``, 0 outside of windows.
        """
        images = len(weights) // self.count
        size = self.count * self.side**2
        apart = weights.unflatten(0, (images, self.count))  # type: ignore[no-untyped-call]
        joined = weights.new_zeros(images, weights.shape[1], size, size)
        for window, own in enumerate(apart.unbind(1)):
            inside = slice(window * self.side**2, (window + 1) * self.side**2)
            joined[:, :, inside, inside] = own
        places = self._places.to(weights.device)
        return joined.index_select(2, places).index_select(3, places)


@dataclass(frozen=True, slots=True)
class WindowScores:
    """Logits of attention within windows.

    Attributes:
        logits: float32 ``[window, head, place, place]`` of one image.
        own: the patch at each place of a window, ``[window, place]``.
        places: of each patch in all windows, one after another.
        padded: whether the last key is padding.
    """

    logits: Tensor
    own: Tensor
    places: Tensor
    padded: bool

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.logits.shape[1]

    @property
    def device(self) -> torch.device:
        """Device of the logits."""
        return self.logits.device

    @property
    def queries(self) -> int:
        """Number of patches."""
        return len(self.places)

    @property
    def keys(self) -> int:
        """Number of patches, and one more for padding."""
        return self.queries + self.padded

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Logits into ``out``, float32 ``[head, query, key]``."""
        asked = self.places[queries]
        window = asked // self.own.shape[1]
        rows = self.logits[window, :, asked % self.own.shape[1]][:, heads].transpose(0, 1)
        out.fill_(MASKED).scatter_(2, self.own[window].expand(len(rows), -1, -1), rows)

    def attend(self, heads: slice, queries: slice, weights: Tensor) -> None:
        """Nothing: the network weighs its values itself."""
