"""Damaged records and files of a site: named, made again, never shown, never in the way."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from generator.errors import StoreError
from generator.export.copy import exported_pages
from generator.export.numbers.data import record_files
from generator.export.publish.review import review_site
from generator.export.source import open_source
from generator.present.files.manifest import FileEntry
from generator.records.record import AttentionRecord
from generator.records.store import Store, load_records
from generator.spec.gallery import GallerySpec
from generator.spec.options import merge
from tests.pipeline.galleries import build, files, manifest, picture, replace_models


def damage(path: Path) -> bytes:
    """Flip a bit near the end of a file, where the numbers are."""
    data = bytearray(path.read_bytes())
    data[-100] ^= 64
    path.unlink()  # files of a site may be hard links
    path.write_bytes(data)
    return bytes(data)


def stored(spec: GallerySpec, model: str, image: str) -> Path:
    key = next(c.record for c in manifest(spec).cells if (c.model, c.image) == (model, image))
    return spec.store / key[:2] / f"{key}.safetensors"


@pytest.mark.slow
def test_a_damaged_record_is_measured_again_within_the_build(
    spec: GallerySpec, caplog: pytest.LogCaptureFixture
) -> None:
    build(spec)
    good, path = files(spec.out), stored(spec, "plain", "first")
    whole = path.read_bytes()
    broken = damage(path)
    shutil.rmtree(spec.out)
    outcome = build(spec)
    assert (outcome.measured, outcome.reused, outcome.failures) == (1, 3, ())
    assert files(spec.out) == good
    assert path.read_bytes() == whole
    assert path.with_suffix(".damaged").read_bytes() == broken
    (message,) = [m for m in caplog.messages if "damaged" in m]
    assert message.startswith(f"{path} is damaged: the checksum of ")
    assert message.endswith(f" It is kept as {path.stem}.damaged; build measures it again.")


@pytest.mark.slow
def test_damage_that_a_worker_process_finds_is_measured_again(spec: GallerySpec) -> None:
    """The damage lies behind the header, so nobody sees it before the pages are made."""
    for seed in (7, 8):
        picture(spec.images[0] / f"{seed}.png", seed)
    two = merge(spec, jobs=2)
    build(two)
    good, path = files(spec.out), stored(spec, "plain", "first")
    damage(path)
    shutil.rmtree(spec.out)
    outcome = build(two)
    assert (outcome.measured, outcome.reused, outcome.failures) == (1, 7, ())
    assert files(spec.out) == good


@pytest.mark.slow
def test_damaged_weights_are_seen_again(
    spec: GallerySpec, caplog: pytest.LogCaptureFixture
) -> None:
    build(spec)
    good = files(spec.out)
    (first, *_) = sorted((spec.store / "weights").glob("*.safetensors"))
    damage(first)
    shutil.rmtree(spec.out)
    assert build(spec).failures == ()
    assert files(spec.out) == good
    assert f"{first} is damaged: " in caplog.text


@pytest.mark.slow
def test_a_damaged_record_without_its_model_costs_one_cell(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path
) -> None:
    """Where nothing can be measured, the rest is shown."""
    copy = shutil.copytree(checkpoints / "plain", tmp_path / "models" / "mine")
    mine = replace_models(spec, copy, checkpoints / "registers")
    build(mine)
    damage(stored(mine, "mine", "first"))
    shutil.rmtree(mine.out)
    outcome = build_records_only(mine)
    cells = {(c.model, c.image): c.failure for c in manifest(mine).cells}
    failed = {place for place, failure in cells.items() if failure}
    assert failed == {("mine", "first")}
    assert [failure.message for failure in outcome] == [
        f"The record {outcome[0].message.split()[2]} is not in {mine.store}."
    ]


def build_records_only(spec: GallerySpec) -> tuple[object, ...]:
    from generator.pipeline.build import build_gallery
    from generator.progress import Silent

    return build_gallery(spec, command="", reporter=Silent(), records_only=True).failures


def test_exports_and_readers_go_on_without_a_damaged_record(
    spec: GallerySpec, caplog: pytest.LogCaptureFixture
) -> None:
    build(spec)
    path = stored(spec, "plain", "first")
    damage(path)
    source = open_source(spec.out, spec.store)
    names = {name for name, _ in record_files(source, "npz")}
    assert len(names) == 3 + 2
    assert "first--plain.npz" not in names
    left_out = (
        f"Left out: The record of plain on first.png ({path.stem[:12]}) is damaged. "
        "Build the gallery again to measure it."
    )
    assert left_out in caplog.messages
    with pytest.raises(StoreError, match=r"The record of plain on first\.png .* is damaged\."):
        source.read(path.stem)
    assert len({record.key for record in load_records(spec.store)}) == 3
    again = {name for name, _ in record_files(open_source(spec.out, spec.store), "npz")}
    assert again == names, "also once it has been set aside"


def test_an_anonymous_copy_shows_a_damaged_record_as_a_failed_cell(spec: GallerySpec) -> None:
    build(spec)
    damage(stored(spec, "plain", "first"))
    source = open_source(spec.out, spec.store, anonymous=True)
    with exported_pages(source) as pages:
        page = (pages / "i" / source.run.images[0].slug / "index.html").read_text()
    (said,) = source.left_out.values()
    assert said.message.startswith("The record of Model 1 on ")
    assert said.message in page


@pytest.mark.slow
def test_a_damaged_file_of_a_site_is_named_before_it_is_exported_or_published(
    spec: GallerySpec,
) -> None:
    build(spec)
    for file in (*manifest(spec).files[::7], *manifest(spec).texts[::9]):
        path = spec.out / file.path
        whole = path.read_bytes()
        damage(path)
        said = f"1 file of {spec.out} cut short or changed: {file.path}."
        with (
            pytest.raises(StoreError) as caught,
            exported_pages(open_source(spec.out, spec.store)),
        ):
            pass
        assert str(caught.value).startswith(said)
        said = [f"{f.severity}: {f.text}" for f in review_site(spec.out, "branch").problems]
        changed = (
            f"error: 1 file cut short or changed since the build: {file.path}."
            if isinstance(file, FileEntry)
            else f"warning: 1 page, style or script changed since the build: {file.path}."
        )
        assert changed in said
        path.write_bytes(whole)


def test_every_file_of_a_site_has_a_checksum(spec: GallerySpec) -> None:
    build(spec)
    found = manifest(spec)
    named = {file.path for file in (*found.files, *found.texts)}
    alone = {"manifest.json", "manifest.schema.json", ".nojekyll"}
    assert {*files(spec.out)} == named | alone
    assert set(found.pages) <= {text.path for text in found.texts}


def test_a_build_makes_damaged_files_of_the_former_site_again(
    spec: GallerySpec, caplog: pytest.LogCaptureFixture
) -> None:
    build(spec)
    good = files(spec.out)
    damaged = [file.path for file in manifest(spec).files[::9]]
    for name in damaged:
        damage(spec.out / name)
    with caplog.at_level(logging.WARNING):
        build(spec)
    assert files(spec.out) == good
    for name in damaged:
        assert caplog.messages.count(f"{spec.out / name} is damaged and is made again.") == 1


@pytest.mark.slow
def test_what_float16_cannot_hold_is_kept_and_costs_nothing(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path
) -> None:
    """In bfloat16 a feature beyond 65504 became infinity; a sound model beside it got no site."""
    large = shutil.copytree(checkpoints / "plain", tmp_path / "models" / "large")
    weights = load_file(large / "model.safetensors")
    layer = "encoder.layer.1.mlp.fc2"
    weights[f"{layer}.bias"][0] = 1e8
    save_file(weights, large / "model.safetensors", metadata={"format": "pt"})
    for dtype in ("bfloat16", "float32"):
        spec = replace_models(spec, large, checkpoints / "plain").model_copy(
            update={"dtype": dtype}
        )
        outcome = build(spec)
        assert outcome.failures == ()
        record = read(spec, "large")
        assert record.features is not None
        assert record.features.last[:, 0] == pytest.approx(record.features.last[0, 0], rel=0.02)
        assert abs(record.features.last[0, 0]) > 65504


def read(spec: GallerySpec, model: str) -> AttentionRecord:
    return Store(spec.store).get(stored(spec, model, "first").stem)
