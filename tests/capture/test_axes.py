"""The stated axes of every array, against a record of a real model whose dimensions all differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.records.arrays import ARRAYS
from generator.records.extras import DEFAULT_EXTRAS, EXTRAS, PROJECTIONS, Measuring
from generator.records.file import record_arrays
from generator.records.record import AttentionRecord, PatchQueries
from tests.capture.families import Family
from tests.capture.models.test_heads import LABELS, loaded, prepared, record_of

LAYERS, HEADS, WIDTH, REGISTERS = 7, 4, 44, 4
TOKENS, PATCHES, PREFIX = 21, 16, 5
SIZES = {
    "query": PREFIX,
    "layer": LAYERS,
    "start layer": LAYERS,
    "layer + 1": LAYERS + 1,
    "head": HEADS,
    "key": TOKENS,
    "token": TOKENS,
    "patch": PATCHES,
    "query group": PREFIX + 1,
    "key group": PREFIX + 1,
    "channel": WIDTH,
    "CLS or mean patch": 2,
    "place": 3,
    "probe head": HEADS,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("axes")
    sizes = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "hidden_size": WIDTH}
    labels = {"id2label": LABELS, "label2id": {v: k for k, v in LABELS.items()}}
    registers = Family(
        "registers",
        "Dinov2WithRegistersConfig",
        "Dinov2WithRegistersForImageClassification",
        ("CLS", "reg1", "reg2", "reg3", "reg4"),
        {**sizes, **labels, "num_register_tokens": REGISTERS},
    )
    probe = Family("probe", "SiglipVisionConfig", "SiglipVisionModel", (), sizes, pooling=True)
    return {each.name: each.save(root / each.name) for each in (registers, probe)}


def measured(folder: Path, patches: PatchQueries, *, head: bool) -> AttentionRecord:
    """One patch of the picture is far brighter than any can be, and so has an unusual norm."""
    model = loaded(folder)
    item = prepared(model)
    pixels = item.pixels.copy()
    pixels[:, :16, :16] += 1000
    measuring = Measuring(extras=EXTRAS if head else DEFAULT_EXTRAS, objects=PROJECTIONS)
    return record_of(
        model, replace(item, pixels=pixels, patch_queries=patches, measuring=measuring)
    )


def test_dimensions_that_could_be_mistaken_for_each_other_differ() -> None:
    """Else a swap of two axes would go unseen: only words for the same length may be equal."""
    same = [{"layer", "start layer"}, {"key", "token"}, {"query group", "key group"}]
    same.append({"head", "probe head"})
    for size in set(SIZES.values()):
        words = {word for word, each in SIZES.items() if each == size}
        assert len(words) == 1 or words in same


@pytest.mark.parametrize("patches", ["heads", "mean"])
def test_stated_axes_are_the_shapes_of_a_real_record(
    folders: dict[str, Path], patches: PatchQueries
) -> None:
    found = {
        **record_arrays(measured(folders["probe"], patches, head=False)),
        **record_arrays(measured(folders["registers"], patches, head=True)),
    }
    assert found.keys() == {array.name for array in ARRAYS}
    for array in ARRAYS:
        sizes = {**SIZES, "query": PATCHES} if array.name == "patch_attention" else SIZES
        absent = array.may_lack if patches == "mean" else ""
        expected = tuple(sizes[axis] for axis in array.axes if axis != absent)
        assert found[array.name].shape == expected, array.name
        assert found[array.name].dtype == np.dtype(array.dtype), array.name


def test_attention_sums_to_one_over_the_axis_that_is_called_key(folders: dict[str, Path]) -> None:
    record = measured(folders["registers"], "heads", head=False)
    for array in ARRAYS:
        if array.name in ("attention", "patch_attention"):
            shares = getattr(record, array.name).astype(np.float64) / TOKENS
            np.testing.assert_allclose(shares.sum(array.axes.index("key")), 1, atol=2e-3)
