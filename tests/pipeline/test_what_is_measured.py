"""Every model on every image, once, as the spec says."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.records.store import Store, load_records
from generator.spec.gallery import GallerySpec
from generator.spec.options import merge
from tests.capture.planted import plain_picture, planted_patch_sink
from tests.pipeline.galleries import build, gallery, manifest, picture, replace_models


def test_every_model_is_measured_on_every_image(
    spec: GallerySpec, passes: list[tuple[str, int]]
) -> None:
    outcome = build(spec)
    assert (outcome.measured, outcome.reused, outcome.site.failures) == (4, 0, ())
    assert passes == [("plain", 2), ("registers", 2)]
    cells = [(cell.model, cell.image) for cell in manifest(spec).cells]
    images = ("first", "second")
    assert cells == [(model, image) for image in images for model in ("plain", "registers")]
    records = {record.key: record for record in load_records(spec.store)}
    assert {cell.record for cell in manifest(spec).cells} == set(records)
    page = (spec.out / "index.html").read_text()
    assert "Two by two" in page and "plain" in page and "registers" in page


def test_a_grid_of_one_patch_has_pages(spec: GallerySpec) -> None:
    outcome = build(spec.model_copy(update={"resolution": 16, "patch_queries": "heads"}))
    assert (outcome.measured, outcome.failures) == (4, ())
    assert {record.layout.patches for record in load_records(spec.store)} == {1}


def test_same_picture_twice_is_measured_once(
    spec: GallerySpec, passes: list[tuple[str, int]]
) -> None:
    shutil.copy(spec.images[0] / "first.png", spec.images[0] / "again.png")
    outcome = build(spec)
    assert (outcome.measured, passes) == (4, [("plain", 2), ("registers", 2)])
    cells = manifest(spec).cells
    assert len(cells) == 6 and all(cell.record for cell in cells)
    assert len({cell.record for cell in cells}) == 4
    assert build(spec).reused == 6


@pytest.mark.slow
def test_pictures_of_different_shapes_keep_their_own_grid(spec: GallerySpec) -> None:
    photos = spec.images[0]
    picture(photos / "tall.png", 3, (60, 120))
    picture(photos / "tall too.png", 4, (60, 120))
    whole = merge(spec, field_of_view="whole")
    outcome = build(whole)
    assert (outcome.measured, outcome.site.failures) == (8, ())
    found = manifest(spec)
    measured = [(c.image, found.measurements[c.measurement or 0]) for c in found.cells]
    grids = {(image, how.layout.rows, how.layout.cols) for image, how in measured}
    assert grids == {("first", 4, 6), ("second", 4, 6), ("tall", 8, 4), ("tall-too", 8, 4)}
    for _, how in measured:
        assert (how.view.left, how.view.top) == (0, 0)
        size = (how.view.right, how.view.bottom)
        assert size == (how.view.image_width, how.view.image_height)
    # As if each had come alone.
    alone = gallery(
        spec.out.parent,
        *(model.folder for model in spec.models if model.folder),
        images=(photos / "tall.png",),
        store=spec.out.parent / "other-store",
        field_of_view="whole",
    )
    build(alone)
    together = {record.key: record for record in load_records(spec.store)}
    for record in load_records(alone.store):
        other = together[record.key]
        np.testing.assert_allclose(
            record.attention.astype(float), other.attention.astype(float), rtol=2e-3, atol=1e-4
        )


@pytest.mark.slow
def test_resolution_dtype_and_view_are_part_of_what_is_measured(
    spec: GallerySpec, checkpoints: Path
) -> None:
    spec = replace_models(spec, checkpoints / "plain")
    build(spec)
    for options in (
        {"resolution": 96},
        {"field_of_view": "whole"},
        {"dtype": "bfloat16"},
        {"patch_queries": "heads"},
    ):
        assert build(merge(spec, **options)).measured == 2
    assert build(spec).measured == 0


@pytest.mark.slow
def test_extras_are_measured_as_the_spec_says(spec: GallerySpec) -> None:
    records = {}
    for extras in ("none", "features,massive"):
        chosen = merge(spec, extras=extras, objects="values,keys")
        outcome = build(chosen)
        records[extras] = Store(spec.store).get(outcome.run.cells[0].record)
    bare, more = records["none"], records["features,massive"]
    assert (bare.features, bare.massive, bare.values) == (None, None, None)
    assert more.features is not None and more.massive is not None and more.values is None
    assert [*more.features.objects] == ["keys", "values"]
    np.testing.assert_array_equal(bare.attention, more.attention)


def test_record_names_are_those_of_the_plan(spec: GallerySpec) -> None:
    """What is measured answers to the key that the next plan looks for, whatever the options."""
    build(merge(spec, field_of_view="checkpoint", batch_size=1))
    again = build(merge(spec, field_of_view="checkpoint", batch_size=2))
    assert (again.measured, again.reused) == (0, 4)
    records = list(load_records(spec.store))
    assert all(replace(record).key == record.key for record in records)
    assert {json.dumps(record.environment.versions) for record in records} != {"[]"}


def test_extras_that_a_model_cannot_have_are_said(tmp_path: Path) -> None:
    """By the build, also when it measures nothing, by the page and by the manifest."""
    planted = planted_patch_sink(tmp_path / "sink")
    (tmp_path / "photos").mkdir()
    plain_picture(tmp_path / "photos" / "one.png")
    spec = gallery(tmp_path, planted.folder, extras="relevance,lens")
    for _ in range(2):
        outcome = build(spec)
        assert outcome.failures == ()
        assert outcome.notes == ("sink has no relevance and no lens: it has no class head.",)
    page = (spec.out / "i" / "one" / "index.html").read_text(encoding="utf-8")
    assert "Not applicable: it has no class head." in page
    facts = manifest(spec).models[0].facts
    assert facts is not None and facts.headless == "it has no class head"
    assert build(gallery(tmp_path, planted.folder, extras="none")).notes == ()
