"""Which loader reads a checkpoint, and that records are found again."""

from __future__ import annotations

import pytest

from generator.bundled import bundled
from generator.capture.checkpoint.preprocess import describe
from generator.capture.loaders.resolve import resolve_folder
from generator.records import store
from generator.records.extras import Measuring


@pytest.mark.parametrize(
    ("name", "record", "weights"),
    [
        (
            "demo-dinov2",
            "07e7758959b14231878f6278269a4e21e859abbfed402d7ff512595fe5807734",
            "e78a9de855f177b8a0960a87867683b5f49b79d2fa51b87dcf2df5762d95f548",
        ),
        (
            "demo-dinov2-registers",
            "88d8783e283d62cb1016c12418acf4a3a7948e793c02c1b21371f088cd120094",
            "7eed774906805fc02d920819a0ddbedcf55c42fa0abc493382d6712d1f364d46",
        ),
    ],
)
def test_records_of_the_demo_models_are_found_again(
    name: str, record: str, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving in another way must not measure everything again."""
    monkeypatch.setattr(store, "SCHEMA", 0)  # these two are raised when a key is to change
    monkeypatch.setattr(store, "EXTRACT_VERSION", 0)
    found = resolve_folder(bundled("examples") / "models" / name)
    preprocessing = describe(
        found.processor, found.vision, field_of_view="square", resolution=None, model=found.id
    )
    key = store.record_key(
        model=found.id,
        version=found.version,
        image_sha256="0" * 64,
        preprocessing=preprocessing,
        patch_queries="mean",
        measuring=Measuring(),
        dtype="float32",
    )
    assert key == record
    assert store.weights_key(model=found.id, version=found.version, dtype="float32") == weights
