"""From tokens to maps: every value lands on its patch, and masses are named after their tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.analysis.stream.norms import outliers_of
from generator.pipeline.plan import PlannedCell, WorkPlan
from generator.present.cells.chunks.chunk import CellFacts, chunk_bytes, read_chunk, statistics_of
from generator.present.cells.chunks.maps import maps_of, query_ids
from generator.present.cells.chunks.patches import patch_histogram
from generator.present.drawing.quantize import decode
from generator.present.drawing.scale import octave_histogram
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.record import AttentionRecord, RecordError, TokenLayout
from tests import tiny
from tests.present.gallery import Gallery, picture
from tests.tiny import patch_token

Built = tuple[Gallery, Path, SiteResult]


def marked(layout: TokenLayout, row: int, col: int) -> AttentionRecord:
    """A record whose every CLS row lies on one patch, but for layer 2, head 1, which is uniform."""
    record = tiny.record(layout)
    attention = np.zeros_like(record.attention)
    attention[..., patch_token(layout, row, col)] = layout.tokens
    attention[:, 1, 0] = 1
    return replace(record, attention=attention)


def through_a_chunk(record: AttentionRecord, query: str, folder: Path) -> np.ndarray:
    maps = maps_of(record, query)
    facts = CellFacts(
        record=record.key,
        image_sha256=record.image_sha256,
        model=record.model,
        layout=record.layout,
        view=record.view,
        preprocessing=record.preprocessing,
        environment=record.environment,
        queries=tuple(query_ids(record.layout)),
        histogram=octave_histogram(maps.maps),
        patch_histogram=patch_histogram(record),
        outliers=outliers_of(record),
    )
    path = folder / "chunk.js"
    path.write_bytes(chunk_bytes(maps, facts, statistics_of(record)))
    header, quantized = read_chunk(path)
    assert header.facts == facts
    return decode(quantized)


@pytest.mark.parametrize("registers", [0, 4])
def test_a_patch_of_a_non_square_grid_lands_on_its_place(tmp_path: Path, registers: int) -> None:
    layout = tiny.layout(registers=registers, rows=3, cols=7)
    values = through_a_chunk(marked(layout, row=1, col=5), "CLS", tmp_path)
    assert values.shape == (3, 3, 3, 7)  # layers, heads and mean, rows, cols
    spike = np.zeros((3, 7))
    spike[1, 5] = layout.tokens
    np.testing.assert_allclose(values[0, 0], spike, rtol=1e-6)
    np.testing.assert_allclose(values[1, 0], 1, rtol=1e-6)
    np.testing.assert_allclose(values[1, 2, 1, 5], (1 + layout.tokens) / 2, rtol=1e-3)


def test_masses_are_shares_named_after_their_tokens() -> None:
    record = tiny.record(tiny.layout(registers=2))
    maps = maps_of(record, "reg2")
    assert maps.groups == ("CLS", "reg1", "reg2", "patches")
    np.testing.assert_allclose(maps.mass.sum(-1), 1, atol=1e-6)
    n = record.layout.tokens
    np.testing.assert_allclose(maps.mass[1, 0, 0], record.attention[2, 1, 0, 0] / n, rtol=1e-3)


@pytest.mark.parametrize("query", ["CLS", "reg1", "received"])
def test_masses_are_those_of_the_record_not_of_its_half_precision_rows(query: str) -> None:
    record = tiny.record(tiny.layout(registers=2))
    tiny_share = record.mass.copy()
    tiny_share[:, :, :, 1] = 3e-21  # nothing, in half precision
    tiny_share[:, :, :, -1] = 1 - tiny_share[:, :, :, :-1].sum(-1)
    mass = maps_of(replace(record, mass=tiny_share), query).mass
    np.testing.assert_allclose(mass[..., 1], 3e-21, rtol=1e-5)
    np.testing.assert_allclose(mass.sum(-1), 1, atol=1e-6)


def test_the_mean_over_heads_is_the_last_column() -> None:
    maps = maps_of(tiny.record(heads=4), "CLS")
    np.testing.assert_allclose(maps.maps[:, 4], maps.maps[:, :4].mean(1), rtol=1e-6)


def test_several_class_tokens_pair_by_the_first() -> None:
    layout = TokenLayout(prefix=("CLS1", "CLS2", "reg1"), rows=2, cols=2)
    assert query_ids(layout) == {"CLS": "CLS1", "CLS2": "CLS2", "reg1": "reg1"}


def test_without_a_class_token_the_blocks_show_received_attention_and_the_probe_a_row() -> None:
    record = tiny.record(tiny.layout(cls=False), pooling=True)
    maps = maps_of(record, "CLS")
    assert maps.token == "received"
    assert maps.rows == ("1", "2", "3", "pool")
    received = record.layout.fold(record.received_by_all())
    np.testing.assert_allclose(maps.maps[:3, :2], received, rtol=1e-6)
    assert record.pooling is not None
    probe = record.layout.fold(record.pooling.attention.astype(np.float32))
    np.testing.assert_allclose(maps.maps[3, :2], probe)
    assert maps.keys == (24, 24, 24, 24)
    np.testing.assert_allclose(maps.mass[3, :, -1], 1, atol=1e-3)


def test_a_probe_with_more_heads_leaves_the_blocks_heads_absent_not_zero() -> None:
    record = tiny.record(tiny.layout(cls=False), pooling=True, heads=2)
    assert record.pooling is not None
    more = np.repeat(record.pooling.attention, 2, axis=0)
    record = replace(record, pooling=replace(record.pooling, attention=more))
    maps = maps_of(record, "CLS")
    assert np.isnan(maps.maps[0, 2]).all()
    assert not np.isnan(maps.maps[0, 4]).any()  # the mean
    assert not np.isnan(maps.maps[3]).any()


def test_an_unknown_token_is_an_error() -> None:
    with pytest.raises(RecordError, match="No token is called reg1"):
        maps_of(tiny.record(), "reg1")


def test_in_a_mixed_gallery_every_model_shows_received_attention(built: Built) -> None:
    trial, site, _ = built
    for model in ("plain", "registers", "probe", "deep"):
        (path,) = (site / "data" / model).glob("image0.received.*.js")
        record = trial.record(model, "image0")
        header, quantized = read_chunk(path)
        assert (header.query, header.token) == ("received", "received")
        assert len(header.rows) == record.model.layers  # the probe is no layer
        true = record.layout.fold(record.received_by_all())
        found = decode(quantized)[:, :-1]
        np.testing.assert_allclose(found, true, atol=0.005 * true.max())


@pytest.mark.usefixtures("begun")
def test_models_of_one_kind_need_no_query_more_and_a_second_kind_adds_it(
    trial: Gallery, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    build_site(replace(trial.run, mixed=False), trial.read, site, version="1")
    assert not list(site.rglob("*.received.*"))
    build_site(trial.run, trial.read, site, version="1")
    assert len(list(site.rglob("*.received.*"))) == 8
    first = next((site / "data/plain").glob("image0.CLS.*.js"))
    assert "received" in read_chunk(first)[0].facts.queries


def test_a_plan_knows_whether_models_are_mixed(tmp_path: Path) -> None:
    image = picture(tmp_path / "one.png", 0)
    kinds = {"cls": tiny.layout(), "none": tiny.layout(cls=False)}
    cells = {name: PlannedCell(name, image, layout=layout) for name, layout in kinds.items()}
    failed = PlannedCell("gone", image)
    assert WorkPlan((), (image,), (cells["cls"], failed, cells["none"]), "float32").mixed
    assert not WorkPlan((), (image,), (cells["cls"], failed), "float32").mixed
    assert not WorkPlan((), (image,), (cells["none"],), "float32").mixed


@pytest.mark.value_of("value-weighted")
@pytest.mark.parametrize("registers", [0, 2])
def test_attention_is_weighted_by_what_each_key_gives(registers: int) -> None:
    record = tiny.record(tiny.layout(registers=registers), extras=("values",))
    assert record.values is not None
    layout, given = record.layout, record.values.norms.astype(float)
    maps = maps_of(record, "values")
    assert maps.token == "CLS"
    for layer, head in np.ndindex(*given.shape[:2]):
        product = record.attention[0, layer, head].astype(float) * given[layer, head]
        shares = product / product.sum()
        patches = shares[layout.patch_slice].reshape(layout.rows, layout.cols)
        np.testing.assert_allclose(maps.maps[layer, head], patches * layout.tokens, rtol=1e-5)
        np.testing.assert_allclose(maps.mass[layer, head, 0], shares[0], rtol=1e-5)
    np.testing.assert_allclose(maps.mass.sum(-1), 1, atol=1e-5)


def test_keys_that_all_give_alike_leave_attention_as_it_is() -> None:
    record = tiny.record(tiny.layout(registers=2), extras=("values",))
    assert record.values is not None
    alike = replace(record.values, norms=np.full_like(record.values.norms, 3))
    record = replace(record, values=alike)
    weighted, plain = maps_of(record, "values"), maps_of(record, "CLS")
    np.testing.assert_allclose(weighted.maps, plain.maps, rtol=2e-3)
    np.testing.assert_allclose(weighted.mass, plain.mass, rtol=2e-3)


def test_without_a_class_token_what_all_queries_receive_is_weighted() -> None:
    layout = TokenLayout(prefix=(), rows=3, cols=4)
    record = tiny.record(layout, extras=("values",))
    assert record.values is not None
    maps = maps_of(record, "values")
    product = record.received_by_all()[1, 0] * record.values.norms[1, 0].astype(float)
    assert maps.token == "received"
    wanted = (product / product.sum() * 12).reshape(3, 4)
    np.testing.assert_allclose(maps.maps[1, 0], wanted, rtol=1e-5)
