"""HEIC, the format of phones: read with an extra, named without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from generator.errors import ImageError
from generator.images import pixels
from generator.images.pixels import open_picture


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Red on the left, blue on the right, held upright by turning the phone."""
    picture = Image.new("RGB", (64, 48), "red")
    picture.paste("blue", (32, 0, 64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right when shown
    heif = pillow_heif.from_pillow(picture)
    heif.save(tmp_path / "IMG_0001.HEIC", exif=exif.tobytes(), quality=95)
    return tmp_path / "IMG_0001.HEIC"


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    Image.init()  # what Pillow registers while these tables are in place is lost with them
    for table in ("OPEN", "EXTENSION", "MIME"):
        known = getattr(Image, table)
        monkeypatch.setattr(Image, table, {k: v for k, v in known.items() if "HEIF" not in (k, v)})
    monkeypatch.setattr(Image, "ID", [kind for kind in Image.ID if kind != "HEIF"])
    pixels._heif_opener.cache_clear()
    yield
    pixels._heif_opener.cache_clear()


def test_a_phone_s_picture_is_upright(photo: Path) -> None:
    picture = open_picture(photo)
    assert picture.size == (48, 64)
    top, bottom = picture.getpixel((24, 10)), picture.getpixel((24, 54))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] > top[2] + 150
    assert bottom[2] > bottom[0] + 150


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_it_is_named(photo: Path) -> None:
    with pytest.raises(ImageError) as caught:
        open_picture(photo)
    assert str(caught.value) == (
        "IMG_0001.HEIC is HEIC, which needs the extra heif. Install it: pip install pillow-heif."
    )


def test_a_damaged_one_is_named(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:200])
    with pytest.raises(ImageError, match=r"^IMG_0001\.HEIC is"):
        open_picture(photo)
