"""Architectures that the table of families does not list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from generator.capture.checkpoint.families import FAMILIES
from generator.errors import CaptureError
from tests.capture.families import CLS, Family
from tests.capture.ready import measured, prepared, ready

EXTRAS = tuple(f"extra{n + 1}" for n in range(8))
UNLISTED = [
    Family(
        "internvl",
        "InternVLVisionConfig",
        "InternVLVisionModel",
        CLS,
        {"image_size": [64, 64], "patch_size": [16, 16]},
    ),
    Family("sapiens2", "Sapiens2Config", "Sapiens2Model", CLS + EXTRAS),
    Family("idefics3", "Idefics3VisionConfig", "Idefics3VisionTransformer", ()),
    Family("owlvit", "OwlViTVisionConfig", "OwlViTVisionModel", CLS),
]
NO_SDPA = [
    Family("flava", "FlavaImageConfig", "FlavaImageModel", CLS),
    Family("blip", "BlipVisionConfig", "BlipVisionModel", CLS),
]


@pytest.mark.parametrize("family", [*UNLISTED, *NO_SDPA], ids=lambda family: family.name)
def test_plain_architecture_that_is_not_listed_works(family: Family, tmp_path: Path) -> None:
    folder = family.save(tmp_path / family.name)
    model = ready(folder)
    assert not model.resolved.vision.listed
    item = prepared(model)
    (record,) = measured(model, item)
    assert record.layout.prefix == family.prefix
    assert (record.layout.rows, record.layout.cols) == (6, 9)
    assert record.environment.attention == ("eager" if family in NO_SDPA else "sdpa")

    eager = ready(folder, attention="eager")
    own = torch.stack(eager.attentions(torch.from_numpy(item.pixels)[None], record.layout))[:, 0]
    first, tokens = len(family.prefix), record.layout.tokens
    assert own.shape == (3, 4, tokens, tokens)
    assert record.patch_attention is not None
    close = {"rtol": 6e-4, "atol": 1e-5}
    rows = np.moveaxis(record.attention, 0, 2).astype(float) / tokens
    np.testing.assert_allclose(rows, own[:, :, :first], **close)
    patches = record.patch_attention.astype(float) / tokens
    np.testing.assert_allclose(patches, own[:, :, first:], **close)


def test_windows_under_an_unlisted_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FAMILIES, "sam_vision_model")
    folder = Family("sam", "SamVisionConfig", "SamVisionModel", ()).save(tmp_path / "sam")
    model = ready(folder)
    with pytest.raises(CaptureError) as caught:
        measured(model, prepared(model, whole=False))
    assert str(caught.value) == (
        "Layer 1 of sam attends over 196 x 196 tokens where the token layout has 16. "
        "Windowed or pooled attention has no map over the whole picture."
    )
