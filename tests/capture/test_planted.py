"""What is written into the planted checkpoints is what measuring finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import generator
from generator.records.record import outlier_patches
from tests.capture.planted import (
    Planted,
    marked_picture,
    plain_picture,
    planted_patch_sink,
    planted_register_sink,
)


def check(planted: Planted, image: Path, sink: int) -> None:
    """Every row of every layer and head, and every norm, against the formula."""
    record = generator.measure(planted.folder, image, patch_queries="heads")
    assert record.layout.prefix == planted.prefix
    assert record.layout.tokens == planted.tokens
    rows = np.stack([planted.row(layer, sink) for layer in range(planted.depth)])
    assert rows.max() > 5, "there is a sink"
    close = {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(
        record.attention, np.broadcast_to(rows[:, None], record.attention.shape), **close
    )
    np.testing.assert_allclose(
        record.received, np.broadcast_to(rows[:, None], record.received.shape), **close
    )
    assert record.patch_attention is not None
    np.testing.assert_allclose(
        record.patch_attention,
        np.broadcast_to(rows[:, None, None], record.patch_attention.shape),
        **close,
    )
    np.testing.assert_allclose(record.norms, planted.norms(sink), rtol=1e-4)

    found = outlier_patches(record.norms[:, record.layout.patch_slice])
    if sink < len(planted.prefix):
        assert found.patches.tolist() == []
        assert record.received_from_outliers is None
    else:
        assert found.layer == planted.layers[0]
        assert found.ratio == pytest.approx(planted.norm, rel=1e-4)
        assert found.patches.tolist() == [sink - len(planted.prefix)]
        np.testing.assert_allclose(record.received_from_outliers, rows, **close)


@pytest.mark.parametrize(
    ("layers", "place", "share", "norm"),
    [((2, 3), (1, 2), 0.4, 8.0), ((1,), (3, 0), 0.9, 3.5), ((3, 4, 5), (0, 3), 0.5, 40.0)],
)
def test_a_patch_at_a_place(
    layers: tuple[int, ...], place: tuple[int, int], share: float, norm: float, tmp_path: Path
) -> None:
    planted = planted_patch_sink(
        tmp_path / "patch-sink", layers=layers, patch=place, share=share, norm=norm
    )
    assert planted.patch == place[0] * 4 + place[1]
    check(planted, plain_picture(tmp_path / "gray.png"), planted.token)


def test_a_patch_by_its_color(tmp_path: Path) -> None:
    """The sink is where the picture has the marker, another place in another picture."""
    planted = planted_patch_sink(tmp_path / "color-sink", patch=None)
    for row, col in ((0, 1), (3, 2)):
        image = marked_picture(tmp_path / f"{row}-{col}.png", row, col)
        check(planted, image, sink=1 + 4 * row + col)


@pytest.mark.parametrize("register", [1, 4])
def test_a_register(register: int, tmp_path: Path) -> None:
    planted = planted_register_sink(tmp_path / "register-sink", register=register)
    assert planted.prefix[planted.token] == f"reg{register}"
    check(planted, plain_picture(tmp_path / "gray.png"), planted.token)


def test_with_content_the_sink_stays(tmp_path: Path) -> None:
    """Colors vary the features; the sink is near what was planted."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((56, 56), Image.Resampling.NEAREST).save(tmp_path / "noise.png")
    planted = planted_patch_sink(tmp_path / "patch-sink", content=0.5)
    record = generator.measure(planted.folder, tmp_path / "noise.png")
    np.testing.assert_allclose(
        record.attention[0, :, 0, planted.token],
        [planted.row(layer)[planted.token] for layer in range(planted.depth)],
        rtol=0.15,
    )
    found = outlier_patches(record.norms[:, record.layout.patch_slice])
    assert found.patches.tolist() == [planted.patch]
    assert found.ratio == pytest.approx(planted.norm, rel=0.15)
    assert record.norms[0, record.layout.patch_slice].std() > 0.1
