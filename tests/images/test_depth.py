"""Deep pictures: which gray is white, which color is transparent, and sensors of fewer bits."""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from generator.errors import ImageError
from generator.images import pixels
from generator.images.find import load_images, open_picture

RAMP = [0, 0x1234, 0x8080, 0xFEDC, 0xFFFF]


def tiff(
    path: Path, samples: bytes, *, order: str, bits: int, photometric: int, width: int, fmt: int = 1
) -> Path:
    """A TIFF of one row of gray, tag by tag."""
    mark = {"<": b"II", ">": b"MM"}[order]
    tags = [
        *((256, 4, width), (257, 4, 1), (258, 3, bits), (259, 3, 1), (262, 3, photometric)),
        *((273, 4, 8), (277, 3, 1), (278, 4, 1), (279, 4, len(samples)), (339, 3, fmt)),
    ]
    padded = samples + b"\0" * (len(samples) % 2)
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1)
        + struct.pack(
            f"{order}I" if kind == 4 else f"{order}HH", *([value] if kind == 4 else [value, 0])
        )
        for tag, kind, value in tags
    )
    start = struct.pack(f"{order}HI", 42, 8 + len(padded))
    ifd = struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0)
    path.write_bytes(mark + start + padded + ifd)
    return path


def png(path: Path, *, depth: int, color: int, width: int, row: bytes, key: bytes) -> Path:
    """A PNG of one row with a transparent color."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, 1, depth, color, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"tRNS", key),
        (b"IDAT", zlib.compress(b"\0" + row)),
        (b"IEND", b""),
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    return path


def grays(path: Path) -> list[int]:
    opened = np.asarray(open_picture(path))[0]
    assert (opened == opened[:, :1]).all()
    return [int(value) for value in opened[:, 0]]


def packed(values: list[int], bits: int) -> bytes:
    """Samples of some bits, the highest first, as TIFF packs them."""
    text = "".join(f"{value:0{bits}b}" for value in values)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_white_is_zero_is_the_same_picture_at_every_depth(
    tmp_path: Path, bits: int, order: str
) -> None:
    top = 2**bits - 1
    values = [0, top // 3, top // 2, top]
    both = []
    for photometric in (1, 0):
        stored = values if photometric else [top - value for value in values]
        samples = struct.pack(f"{order}4H", *stored) if bits == 16 else packed(stored, bits)
        path = tmp_path / f"{photometric}.tif"
        both.append(
            grays(tiff(path, samples, order=order, bits=bits, photometric=photometric, width=4))
        )
    assert both[0] == both[1]
    assert both[0] == pytest.approx([255 * value / top for value in values], abs=0.51)


def test_white_is_zero_holds_for_floats_and_compressed_files(tmp_path: Path) -> None:
    values = np.array([[1.0, 0.6, 0.0]], "<f4")
    path = tmp_path / "f.tif"
    tiff(path, values.tobytes(), order="<", bits=32, photometric=0, width=3, fmt=3)
    assert grays(path) == [0, 102, 255]
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[262] = 0
    for compression in ("tiff_lzw", "tiff_adobe_deflate"):
        deep = Image.fromarray(np.array([[65535, 257, 0]], np.uint16))
        deep.save(tmp_path / "c.tif", compression=compression, tiffinfo=info)
        with Image.open(tmp_path / "c.tif") as stored:
            assert stored.tag_v2[262] == 0
        assert grays(tmp_path / "c.tif") == [0, 254, 255]


def test_a_palette_of_8_bits_in_a_tiff_is_not_black(tmp_path: Path) -> None:
    expected = [[10, 20, 30], [200, 100, 50]]
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "p.tif")
    assert np.asarray(open_picture(tmp_path / "p.tif"))[0].tolist() == expected
    data = bytearray((tmp_path / "p.tif").read_bytes())
    with Image.open(tmp_path / "p.tif") as stored:
        colors = stored.tag_v2[320]
    there = struct.pack(f"<{len(colors)}H", *colors)
    small = struct.pack(f"<{len(colors)}H", *(value // 256 for value in colors))
    assert bytes(there) in data
    (tmp_path / "p.tif").write_bytes(bytes(data).replace(there, small))
    assert np.asarray(open_picture(tmp_path / "p.tif"))[0].tolist() == expected


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_gray_of_a_png_is_white_at_every_depth(tmp_path: Path, depth: int) -> None:
    top = 2**depth - 1
    values = [0, top // 3, top // 3 + 1, top] if depth > 1 else [0, 1, 0, 1]
    row = struct.pack(">4H", *values) if depth == 16 else packed(values, depth)
    key = struct.pack(">H", values[1] if depth > 1 else 0)
    found = grays(png(tmp_path / "a.png", depth=depth, color=0, width=4, row=row, key=key))
    plain = [255 * value / top for value in values]
    hidden = {1} if depth > 1 else {0, 2}
    expected = [255 if n in hidden else value for n, value in enumerate(plain)]
    assert found == pytest.approx(expected, abs=0.51)


@pytest.mark.parametrize("depth", [8, 16])
def test_one_color_of_a_png_is_transparent_and_none_beside_it(tmp_path: Path, depth: int) -> None:
    """At 16 bits colors may differ in the lower half alone."""
    colors = [(0x12, 0x34, 0x56), (0x12, 0x34, 0x57)]
    if depth == 16:
        colors = [(0x1234, 0x5678, 0x9ABC), (0x1234, 0x5678, 0x9ABD)]
    row = b"".join(struct.pack(">3H" if depth == 16 else "3B", *color) for color in colors)
    key = struct.pack(">3H", *colors[0])
    path = png(tmp_path / "a.png", depth=depth, color=2, width=2, row=row, key=key)
    hidden, seen = np.asarray(open_picture(path))[0].tolist()
    assert hidden == [255, 255, 255]
    assert seen == [value >> (depth - 8) for value in colors[1]]


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("kind", ["gray", "rgb", "negative"])
def test_a_camera_of_fewer_bits_is_told_of_once_a_picture(
    tmp_path: Path, kind: str, bits: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ("scan.png" if kind == "rgb" else "scan.tif")
    values = [0, 2 ** (bits - 1), 2**bits - 1]
    if kind == "rgb":
        row = struct.pack(">9H", *(value for value in values for _ in range(3)))
        png(path, depth=16, color=2, width=3, row=row, key=struct.pack(">3H", 9, 9, 9))
    else:
        samples = struct.pack("<3H", *values)
        tiff(path, samples, order="<", bits=16, photometric=int(kind == "gray"), width=3)
    note = (
        f"Nearly {'white' if kind == 'negative' else 'black'}: the values use {bits} of 16 bits. "
        f"If the camera has {bits} bits, multiply them by {2 ** (16 - bits)} and save the picture "
        "again."
    )
    with caplog.at_level(logging.WARNING):
        (entry,) = load_images([path])
        again = load_images([path])
    assert entry.note == note
    assert again == (entry,)
    assert caplog.messages == [f"{path.name}: {note}"] * 2


def test_a_picture_that_fills_its_depth_is_not_remarked_on(tmp_path: Path) -> None:
    samples = struct.pack("<5H", *RAMP)
    tiff(tmp_path / "a.tif", samples, order="<", bits=16, photometric=1, width=5)
    tiff(tmp_path / "b.tif", bytes(10), order="<", bits=16, photometric=1, width=5)
    Image.new("L", (4, 4), 3).save(tmp_path / "c.png")  # dark, and as deep as its file
    assert [entry.note for entry in load_images([tmp_path])] == ["", "", ""]


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (5000, 4000)).save(tmp_path / "a.png")
    monkeypatch.setattr(pixels, "free_memory", lambda: 200_000_000)
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    (entry,) = load_images([tmp_path / "a.png"])
    assert entry.failure is not None
    assert (entry.failure.message, entry.failure.hint) == (
        "a.png is too large: 20 megapixels need 360 MB of memory, and 200 MB are free.",
        "Close other programs, or make the picture smaller.",
    )


def test_a_decoder_that_wants_too_much_memory_costs_one_picture(tmp_path: Path) -> None:
    """A box of JPEG 2000 that claims gigabytes, and a line longer than Pillow's decoders count."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jp2")
    data = bytearray((tmp_path / "a.jp2").read_bytes())
    at = data.index(b"jp2h") - 4
    data[at : at + 4] = b"\x00\x00\x00\x01"
    data[at + 8 : at + 8] = (2**62).to_bytes(8, "big")
    (tmp_path / "a.jp2").write_bytes(data)
    png(tmp_path / "b.png", depth=8, color=2, width=100_000_000, row=b"", key=bytes(6))
    Image.new("RGB", (8, 8)).save(tmp_path / "c.png")
    broken, long, good = load_images([tmp_path])
    assert broken.failure is not None, "its header alone is damaged"
    assert broken.failure.message.startswith("a.jp2 is ") and broken.failure.hint
    assert (long.failure, good.failure) == (None, None)
    with pytest.raises(ImageError, match=r"^b\.png is ") as caught:
        open_picture(long.path)
    assert caught.value.hint


def test_a_failing_allocation_is_an_error_of_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "convert", fail)
    with pytest.raises(ImageError) as caught:
        open_picture(tmp_path / "a.png")
    assert str(caught.value) == (
        "a.png is damaged, or needs more memory than there is. "
        "Copy the file again, or make the picture smaller."
    )
