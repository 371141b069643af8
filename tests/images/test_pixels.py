"""Picture files of every kind: rotated, transparent, deep, damaged, telling secrets."""

from __future__ import annotations

import io
import os
import random
import struct
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from generator.errors import ImageError
from generator.images.find import open_picture
from generator.images.header import picture_header
from generator.images.pixels import PIXEL_LIMIT
from tests.images.test_find import picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825


def corners() -> Image.Image:
    """3 wide, 2 high: red top left, green top right, blue bottom left, white elsewhere."""
    image = Image.new("RGB", (3, 2), WHITE)
    for place, color in (((0, 0), RED), ((2, 0), GREEN), ((0, 1), BLUE)):
        image.putpixel(place, color)
    return image


def png(width: int, height: int, *, data: bytes = b"") -> bytes:
    """A PNG that claims a size, whatever its data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(
    tmp_path: Path, orientation: int, extension: str
) -> None:
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][
        orientation
    ]  # what the camera did, as Pillow's Transpose
    upright = corners().resize((48, 32), Image.Resampling.NEAREST)
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"a.{extension}"
    stored.save(path, exif=exif, quality=95)
    opened = open_picture(path)
    difference = np.asarray(opened).astype(int) - np.asarray(upright)
    assert opened.size == picture_header(path).size == (48, 32)
    assert np.abs(difference).mean() < 12


def test_transparency_is_laid_on_white_however_it_is_stored(tmp_path: Path) -> None:
    palette = Image.new("P", (1, 1))
    palette.putpalette(list(RED))
    stored: dict[str, tuple[Image.Image, dict[str, Any], tuple[int, int, int]]] = {
        "rgba.png": (Image.new("RGBA", (1, 1), (255, 0, 0, 51)), {}, (255, 204, 204)),
        "la.png": (Image.new("LA", (1, 1), (0, 51)), {}, (204, 204, 204)),
        "p.png": (palette, {"transparency": bytes([51])}, (255, 204, 204)),
        "p.gif": (palette, {"transparency": 0}, WHITE),
        "l.png": (Image.new("L", (1, 1), 7), {"transparency": 7}, WHITE),
        "rgb.png": (Image.new("RGB", (1, 1), RED), {"transparency": RED}, WHITE),
        "rgba.webp": (Image.new("RGBA", (1, 1), (9, 9, 9, 0)), {"lossless": True}, WHITE),
    }
    for name, (image, options, expected) in stored.items():
        image.save(tmp_path / name, **options)
        opened = open_picture(tmp_path / name)
        assert (name, opened.mode, opened.getpixel((0, 0))) == (name, "RGB", expected)


def test_sixteen_bit_gray_is_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.array([[0, 257, 25700, 32896, 65535]], np.uint16)
    expected = [0, 1, 100, 128, 255]
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "a.tif")
    Image.fromarray(values.astype(">u2")).save(tmp_path / "b.tif")
    Image.fromarray(values.astype(np.int32)).save(tmp_path / "i.tif")
    Image.fromarray((values / 65535).astype(np.float32)).save(tmp_path / "f.tif")
    (tmp_path / "a.pgm").write_bytes(b"P5 5 1 65535\n" + values.astype(">u2").tobytes())
    for name in ("a.png", "a.tif", "b.tif", "i.tif", "f.tif", "a.pgm"):
        opened = np.asarray(open_picture(tmp_path / name))
        assert (name, opened[0, :, 1].tolist()) == (name, expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.array([[-3, 70000]], np.int32),
            "a.tif holds gray values from -3 to 70000; 16 bits were expected, so it is not known "
            "which of them is white. Convert it to an 8-bit or 16-bit picture.",
        ),
        (
            np.array([[0, 300.5]], np.float32),
            "a.tif holds gray values from 0 to 300.5; between 0 and 1 were expected, so it is not "
            "known which of them is white. Convert it to an 8-bit or 16-bit picture.",
        ),
        (
            np.array([[0, np.nan]], np.float32),
            "a.tif holds gray values from nan to nan; between 0 and 1 were expected, so it is not "
            "known which of them is white. Convert it to an 8-bit or 16-bit picture.",
        ),
    ],
)
def test_gray_without_an_agreed_white_is_refused(
    tmp_path: Path, values: np.ndarray[tuple[int, int], np.dtype[np.generic]], message: str
) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(ImageError) as caught:
        open_picture(tmp_path / "a.tif")
    assert str(caught.value) == message


def test_cmyk_black_and_white_and_gray_become_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "c.jpg")
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "c.tif")
    Image.new("1", (8, 8), 1).save(tmp_path / "b.png")
    Image.new("L", (8, 8), 7).save(tmp_path / "l.png")
    expected = {"c.jpg": RED, "c.tif": RED, "b.png": WHITE, "l.png": (7, 7, 7)}
    for name, color in expected.items():
        opened = open_picture(tmp_path / name)
        assert opened.mode == "RGB"
        assert np.abs(np.asarray(opened)[4, 4] - np.array(color)).max() <= 1, name


def test_the_first_frame_stands_for_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, GREEN, BLUE)]
    for name in ("a.gif", "a.png", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        assert open_picture(tmp_path / name).getpixel((0, 0)) == RED, name


def swapped_profile() -> bytes:
    """The sRGB profile with red and green exchanged: what it describes cannot be mistaken."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = data.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    return data.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_an_embedded_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    profile = swapped_profile()
    Image.new("RGB", (4, 4), RED).save(tmp_path / "a.png", icc_profile=profile)
    Image.new("RGBA", (4, 4), (*RED, 0)).save(tmp_path / "t.png", icc_profile=profile)
    Image.new("L", (4, 4), 99).save(tmp_path / "l.png", icc_profile=profile)
    Image.new("RGB", (4, 4), RED).save(tmp_path / "bad.png", icc_profile=profile[:200])

    red, green, _ = np.asarray(open_picture(tmp_path / "a.png"))[0, 0]
    assert red < 10
    assert green > 240
    assert open_picture(tmp_path / "t.png").getpixel((0, 0)) == WHITE
    assert open_picture(tmp_path / "l.png").getpixel((0, 0)) == (99, 99, 99)
    assert open_picture(tmp_path / "bad.png").getpixel((0, 0)) == RED


def test_what_is_srgb_already_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8))
    noise.save(tmp_path / "a.png", icc_profile=profile)
    monkeypatch.setattr(ImageCms, "profileToProfile", lambda *_a, **_k: pytest.fail("converted"))
    assert open_picture(tmp_path / "a.png").tobytes() == noise.tobytes()


def test_nothing_private_survives(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[MAKE] = "SecretCam"
    exif.get_ifd(GPS)[1] = "N"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SecretWord")
    xmp = b"<x:xmpmeta>SecretPlace</x:xmpmeta>"
    image = Image.new("RGB", (16, 16), RED)
    image.save(tmp_path / "a.jpg", exif=exif, comment=b"SecretWord", xmp=xmp)
    image.save(tmp_path / "a.png", exif=exif, pnginfo=text)
    image.save(tmp_path / "a.webp", exif=exif, xmp=xmp)
    image.save(tmp_path / "a.tif", exif=exif, description="SecretWord")
    for name in ("a.jpg", "a.png", "a.webp", "a.tif"):
        assert b"Secret" in (tmp_path / name).read_bytes(), name
        opened = open_picture(tmp_path / name)
        assert type(opened) is Image.Image
        assert opened.info == {}
        assert dict(opened.getexif()) == {}
        for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
            published = io.BytesIO()
            opened.save(published, kind)
            assert b"Secret" not in published.getvalue(), (name, kind)
            assert b"Exif" not in published.getvalue(), (name, kind)


# --- files that cannot be used -------------------------------------------------------------------


def test_each_bad_file_has_one_clear_line(tmp_path: Path) -> None:
    bad = {
        "empty.png": (b"", "empty.png is empty (0 bytes). Copy the file again."),
        "notes.png": (
            b"Dear diary",
            "notes.png is not a picture in a format that can be read. "
            "Convert it to PNG or JPEG, or leave it out.",
        ),
        "lfs.png": (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "lfs.png is a Git LFS pointer, not the picture itself. Run git lfs pull.",
        ),
        "bomb.png": (
            png(40000, 40000),
            "bomb.png is too large: 1600 megapixels, where at most 170 are opened. "
            "Make it smaller first.",
        ),
        "large.png": (
            png(17_500, 10_000),
            "large.png is too large: 175 megapixels, where at most 170 are opened. "
            "Make it smaller first.",
        ),
    }
    for name, (data, message) in bad.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError) as caught:
            open_picture(tmp_path / name)
        assert str(caught.value) == message


def test_damaged_files_say_so_with_the_decoders_reason(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    noise.save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-900])
    (tmp_path / "broken.png").write_bytes(png(8, 8, data=b"not zlib"))
    reasons = {"cut.jpg": "image file is truncated", "broken.png": "broken data stream"}
    for name, reason in reasons.items():
        with pytest.raises(ImageError) as caught:
            open_picture(tmp_path / name)
        assert caught.value.message.startswith(f"{name} is damaged or cut short ({reason}")
        assert caught.value.hint == "Copy the file again, or leave it out."


def test_no_memory_for_a_picture_costs_this_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoders ask for any amount at all when a size is damaged."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")

    def load(image: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", load)
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(ImageError) as caught:
        open_picture(tmp_path / "a.png")
    assert str(caught.value) == (
        "a.png is damaged, or needs more memory than there is. Copy the file again, or make the "
        "picture smaller."
    )


def test_the_size_limit_is_ours_and_not_pillows() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert Image.MAX_IMAGE_PIXELS < PIXEL_LIMIT < 2 * Image.MAX_IMAGE_PIXELS


def test_a_limit_somebody_else_lowered_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(tmp_path / "a.png", (30, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match=r"^a\.png is too large for this Python .*MAX_IMAGE_PIXEL"):
        open_picture(path)


def test_postscript_is_never_handed_to_an_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_args, **_kw: pytest.fail("ran it"))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", "EPS")
    with pytest.raises(ImageError, match=r"^a\.png is not a picture in a format that can be read"):
        open_picture(tmp_path / "a.png")


def test_damage_anywhere_is_an_image_error_or_a_picture(tmp_path: Path) -> None:
    """Cut and garbled at random: never another exception, a warning or a changed filter."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 24, 3), np.uint8))
    rng = random.Random(0)
    filters = list(warnings.filters)
    failed = 0
    for kind in ("png", "jpg", "gif", "tif", "webp", "bmp", "ppm"):
        buffer = io.BytesIO()
        Image.init()
        noise.save(buffer, Image.EXTENSION[f".{kind}"], exif=exif)
        whole = buffer.getvalue()
        for _ in range(60):
            data = bytearray(whole[: rng.randrange(1, len(whole))] if rng.random() < 0.3 else whole)
            for _ in range(rng.randrange(6)):
                data[rng.randrange(min(len(data), 300))] = rng.randrange(256)
            path = tmp_path / f"x.{kind}"
            path.write_bytes(data)
            try:
                assert open_picture(path).mode == "RGB"
            except ImageError as error:
                failed += 1
                assert str(error).startswith(f"x.{kind} ")
                assert "\n" not in str(error)
    assert failed > 100
    assert warnings.filters == filters


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_what_libtiff_says_is_not_shown(
    tmp_path: Path, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It writes to the process's standard error, past Python."""
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "damaged.tif"
    Image.fromarray(values).save(path, compression=compression)
    data = bytearray(path.read_bytes())
    for place in range(3000, 3200, 5):
        data[place] ^= 0x5A
    path.write_bytes(data)
    with suppress(OSError), Image.open(path) as image:
        image.load()
    assert capfd.readouterr().err, "otherwise there would be nothing to keep away"
    with suppress(ImageError):
        open_picture(path)
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"
