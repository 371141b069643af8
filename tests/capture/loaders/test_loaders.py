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
            "1c691cee5c8c9f11790c4fcef8d921ad398fcafbf18e334c52f421c39acd9ddf",
            "b34684a854aa2b98fb58a1ea709ff7c24fcd33f418affb5c812c690401b66fe6",
        ),
        (
            "demo-dinov2-registers",
            "df849d31223558bfe040616dafc81e326ca999b415c0ea89facb34c893fd64e2",
            "bc446b46371b5f9ce248ef1ecd1e9ba43b8fc4a8b31b94caac6d98665faa961e",
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
