"""Axes and dtype of every array of a record.

The axis words are those of :mod:`generator.records.record`. Records are checked against this table
when they are made, and exports print it. :mod:`generator.analysis.quantities.table` defines the
quantities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.records.layout import RecordError, TokenLayout


@dataclass(frozen=True, slots=True)
class RecordArray:
    """An array of a record.

    Attributes:
        name: the field of the record; ``part.field`` for a field of one of its parts.
        axes: axis words, outermost first.
        note: remark on this array only; may be empty.
        may_lack: axis that is absent if the record holds means over it; empty for none.
    """

    name: str
    axes: tuple[str, ...]
    dtype: str
    note: str = ""
    may_lack: str = ""

    def shape(self, sizes: Mapping[str, int], dimensions: int) -> tuple[int | str, ...]:
        """Sizes of the axes; the axis word where the facts do not fix the size.

        Args:
            sizes: result of :func:`axis_sizes`.
            dimensions: number of dimensions, one less than axes if ``may_lack`` is absent.
        """
        known = {**sizes, "query": sizes["patch"]} if self.name == PATCH_ROWS else sizes
        lacks = self.may_lack if dimensions < len(self.axes) else ""
        return tuple(known.get(axis, axis) for axis in self.axes if axis != lacks)

    def check(self, found: tuple[int, ...], sizes: Mapping[str, int], model: str) -> None:
        """Check an array's shape against its axes.

        Raises:
            RecordError: they differ.
        """
        shape = self.shape(sizes, len(found))
        fits = len(shape) == len(found) and all(
            isinstance(size, str) or size == own for size, own in zip(shape, found, strict=True)
        )
        if not fits:
            said = ", ".join(map(str, shape))
            raise RecordError(
                f"{self.name} of {model} should have shape ({said}), got "
                f"({', '.join(map(str, found))})."
            )


PATCH_ROWS = "patch_attention"
"""The array whose queries are the patches; those of ``attention`` are the prefix tokens."""

TARGET = "The class is prediction.target."

ARRAYS = (
    RecordArray(
        "attention",
        ("query", "layer", "head", "key"),
        "float16",
        "The queries are the prefix tokens, in the order of layout.prefix.",
    ),
    RecordArray("received", ("layer", "head", "key"), "float16"),
    RecordArray("entropy", ("layer", "head"), "float32"),
    RecordArray("entropy_patches", ("layer", "head"), "float32"),
    RecordArray("distance", ("layer", "head"), "float32"),
    RecordArray("distance_patches", ("layer", "head"), "float32"),
    RecordArray("mass", ("layer", "head", "query group", "key group"), "float32"),
    RecordArray("self_attention", ("layer", "head"), "float32"),
    RecordArray("norms", ("layer + 1", "token"), "float32"),
    RecordArray("rollout", ("start layer", "key"), "float32"),
    RecordArray("rollout_cosine", ("start layer",), "float32"),
    RecordArray("received_from_outliers", ("layer", "key"), "float16"),
    RecordArray(
        PATCH_ROWS,
        ("layer", "head", "query", "key"),
        "float16",
        "The queries are the patches. Without the head axis: mean over heads.",
        may_lack="head",
    ),
    RecordArray("pooling.attention", ("probe head", "patch"), "float16"),
    RecordArray("pooling.entropy", ("probe head",), "float32"),
    RecordArray("features.last", ("patch", "channel"), "float16"),
    RecordArray("features.pooled", ("layer + 1", "CLS or mean patch", "channel"), "float32"),
    RecordArray("features.keys", ("patch", "channel"), "float16"),
    RecordArray("features.queries", ("patch", "channel"), "float16"),
    RecordArray("features.values", ("patch", "channel"), "float16"),
    RecordArray("values.norms", ("layer", "head", "key"), "float16"),
    RecordArray("values.contribution", ("layer", "key"), "float32"),
    RecordArray("massive.value", ("layer + 1", "place"), "float32"),
    RecordArray("massive.token", ("layer + 1", "place"), "int32"),
    RecordArray("massive.channel", ("layer + 1", "place"), "int32"),
    RecordArray("massive.median", ("layer + 1",), "float32"),
    RecordArray("massive.channel_max", ("layer + 1", "channel"), "float32"),
    RecordArray("relevance.keys", ("key",), "float32", TARGET),
    RecordArray("lens.probability", ("layer + 1", "token"), "float16", TARGET),
    RecordArray("lens.rank", ("layer + 1", "token"), "int32", TARGET),
)
"""All arrays, in the order of :class:`AttentionRecord`, parts last."""


def axis_sizes(layout: TokenLayout, layers: int, heads: int) -> dict[str, int]:
    """Sizes of the axes that the facts of a record fix."""
    prefix = len(layout.prefix)
    return {
        "query": prefix,
        "layer": layers,
        "start layer": layers,
        "layer + 1": layers + 1,
        "head": heads,
        "key": layout.tokens,
        "token": layout.tokens,
        "patch": layout.patches,
        "query group": prefix + 1,
        "key group": prefix + 1,
        "CLS or mean patch": 2,
        "place": 3,
    }
