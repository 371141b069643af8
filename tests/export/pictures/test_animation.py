"""An image through the layers: a frame for each, in the gallery's colors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from generator.present.drawing.colors import color_table
from generator.present.files.manifest_file import read_manifest
from tests.export.conftest import Exportable


def frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as picture:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]


@pytest.mark.parametrize(("name", "apart"), [("layers.webp", 24), ("layers.gif", 24)])
def test_every_layer_is_a_frame_in_the_colors_of_its_map(
    made: Exportable, twice: Callable[..., Path], name: str, apart: int
) -> None:
    words = ("-i", "image1.jpg", "-m", "Plain", "-m", "Deep", "--width", "96", "--overlay", "100")
    path = twice("animation", name, *words)
    shown = frames(path)
    assert len(shown) == 6  # the deeper model's
    record = made.trial.record("plain", "image1")
    manifest = read_manifest(made.site)
    assert manifest is not None
    low, high = np.log2(manifest.scale.low), np.log2(manifest.scale.high)
    for number, frame in enumerate(shown):
        layer = min(number, 2)  # the shallow model stays at its last
        values = record.layout.fold(record.rows("CLS")[layer].astype(np.float32).mean(0))
        steps = np.clip((np.log2(values) - low) / (high - low) * 256, 0, 255).astype(int)
        patches = frame[52 : 52 + 64, 24 : 24 + 96][8::16, 8::16].astype(int)
        assert np.abs(patches - color_table()[steps].astype(int)).mean() < apart
    assert not np.array_equal(shown[0], shown[5])


def test_it_goes_round_and_rests_at_the_end(twice: Callable[..., Path]) -> None:
    path = twice("animation", "a.gif", "-m", "Plain", "--milliseconds", "200")
    with Image.open(path) as picture:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
        assert picture.info["loop"] == 0
    assert times == [200, 200, 600]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-o", "a.mp4"], "-o a.mp4 should end in .webp or .gif. Name it a.webp, for example."),
        (["--query", "reg9"], "None of the models has this head and query."),
        (["--head", "none"], "--heads should be numbers from 1"),
        (["-i", "image7.jpg"], "No image of the gallery is called image7.jpg."),
    ],
)
def test_what_cannot_be_drawn_is_said(
    made: Exportable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert expected in made.export("animation", *words, code=2)
