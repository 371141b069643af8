"""The example images are small, carry no metadata, and each has its credit."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tests.examples.conftest import EXAMPLES

IMAGES = EXAMPLES / "images"
FILES = sorted(p for p in IMAGES.iterdir() if p.suffix in {".png", ".jpg"})


def test_every_image_has_a_credit_and_every_credit_an_image() -> None:
    entries = tomllib.loads((IMAGES / "credits.toml").read_text())
    assert sorted(entries) == [p.name for p in FILES]
    for name, entry in entries.items():
        assert set(entry) == {"title", "credit", "license", "source", "alt"}, name
        assert all(isinstance(text, str) and text.strip() for text in entry.values()), name


def test_the_folder_is_small() -> None:
    assert sum(p.stat().st_size for p in IMAGES.iterdir()) <= 1_000_000


def test_some_images_are_not_square() -> None:
    shapes = set()
    for file in FILES:
        with Image.open(file) as image:
            shapes.add(image.width == image.height)
    assert shapes == {True, False}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_images_are_plain_rgb_without_metadata(file: Path) -> None:
    assert file.name == file.name.lower()
    with Image.open(file) as image:
        assert image.mode == "RGB"
        assert max(image.size) <= 768
        assert min(image.size) >= 300
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp", "photoshop"} & set(image.info)
