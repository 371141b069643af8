"""The arrays of a record: their table, their documentation and the check of their shapes agree."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, replace

import numpy as np
import pytest

from generator.records import record as record_module
from generator.records.arrays import ARRAYS, RecordArray, axis_sizes
from generator.records.extras import (
    EXTRAS,
    Features,
    LogitLens,
    MassiveActivations,
    Relevance,
    ValueNorms,
)
from generator.records.record import AttentionRecord, Pooling, RecordError
from tests import tiny

PARTS = {
    "": AttentionRecord,
    "pooling": Pooling,
    "features": Features,
    "values": ValueNorms,
    "massive": MassiveActivations,
    "relevance": Relevance,
    "lens": LogitLens,
}


def documented(part: str) -> dict[str, str]:
    """Field -> its text in the docstring of a part."""
    section = inspect.cleandoc(PARTS[part].__doc__ or "").partition("Attributes:")[2]
    items = re.split(r"\n    (?=\w+: )", section)
    return {name.strip(): text for name, _, text in (item.partition(": ") for item in items)}


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: array.name)
def test_the_docstring_of_a_field_begins_with_its_dtype_and_axes(array: RecordArray) -> None:
    part, _, name = array.name.rpartition(".")
    text = " ".join(documented(part)[name].split())
    expected = f"{array.dtype} ``[{', '.join(array.axes)}]``"
    assert text.startswith(expected), text


def test_every_array_of_every_part_is_in_the_table() -> None:
    expected = {
        f"{part}.{item.name}".removeprefix(".")
        for part, kind in PARTS.items()
        for item in fields(kind)
        if re.match("FloatArray|IntArray", str(item.type))
    }
    assert expected == {array.name for array in ARRAYS}


def test_every_axis_word_is_explained() -> None:
    table = (record_module.__doc__ or "").split("\n===")[1]
    words = {re.split(r"\s{2,}", line)[0] for line in table.splitlines()[1:]}
    assert {axis for array in ARRAYS for axis in array.axes} <= words


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: array.name)
def test_an_array_of_another_shape_is_no_record(array: RecordArray) -> None:
    whole = tiny.record(
        tiny.layout(registers=1), pooling=True, patches="heads", extras=EXTRAS, seed=3
    )
    assert whole.features is not None
    vectors = replace(whole.features, queries=whole.features.keys, values=whole.features.keys)
    received = np.zeros((3, whole.layout.tokens), np.float16)
    whole = replace(whole, features=vectors, received_from_outliers=received)
    part, _, name = array.name.rpartition(".")
    owner = getattr(whole, part) if part else whole
    wrong = getattr(owner, name)[None]
    broken = {part: replace(owner, **{name: wrong})} if part else {name: wrong}
    with pytest.raises(RecordError) as error:
        replace(whole, **broken)
    sizes = axis_sizes(whole.layout, 3, 2)
    said = ", ".join(map(str, array.shape(sizes, len(array.axes))))
    got = ", ".join(map(str, wrong.shape))
    assert str(error.value) == (
        f"{array.name} of tiny/model should have shape ({said}), got ({got})."
    )


def test_a_message_names_the_shape_and_an_axis_of_any_size_by_its_word() -> None:
    whole = tiny.record(extras=("features",))
    assert whole.features is not None
    with pytest.raises(RecordError) as error:
        replace(whole, features=replace(whole.features, last=whole.features.last[1:]))
    assert str(error.value) == (
        "features.last of tiny/model should have shape (24, channel), got (23, 32)."
    )
    with pytest.raises(RecordError) as error:
        replace(whole, attention=np.moveaxis(whole.attention, 0, 2))
    assert str(error.value) == (
        "attention of tiny/model should have shape (1, 3, 2, 25), got (3, 2, 1, 25)."
    )


@pytest.mark.parametrize("windowed", [(3,), (-1, 0), (0,)], ids=str)
def test_windows_in_layers_that_do_not_exist_are_refused(windowed: tuple[int, ...]) -> None:
    record = tiny.record()
    facts = replace(record.model, window=0 if windowed == (0,) else 2, windowed=windowed)
    with pytest.raises(RecordError, match="tiny/model cannot have windows in its layers"):
        replace(record, model=facts)
