"""Pictures as users have them: damaged, rotated, transparent, oddly named, telling secrets."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import random
import struct
import sys
import unicodedata
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from generator.errors import ImageError, SpecError
from generator.images import find_pictures, load_images, open_picture
from generator.pixels import PIXEL_LIMIT, picture_size
from generator.slugs import LONGEST, RESERVED, slugify, unique_slugs

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825


def picture(path: Path, size: tuple[int, int] = (6, 4), colour: tuple[int, ...] = RED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def corners() -> Image.Image:
    """3 wide, 2 high: red top left, green top right, blue bottom left, white elsewhere."""
    image = Image.new("RGB", (3, 2), WHITE)
    for place, colour in (((0, 0), RED), ((2, 0), GREEN), ((0, 1), BLUE)):
        image.putpixel(place, colour)
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


def names(paths: tuple[Path, ...], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


# --- finding -------------------------------------------------------------------------------------


def test_a_folder_is_searched_in_natural_order_files_before_subfolders(tmp_path: Path) -> None:
    order = ["2.png", "10.png", "B.JPG", "c.webp", "a/1.png", "a/deep/x.tiff", "z/0.gif"]
    for name in reversed(order):
        picture(tmp_path / name)
    for name in (".hidden.png", ".git/x.png", "a/notes.txt", "credits.toml", "a/png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert names(find_pictures([tmp_path]), tmp_path) == order


def test_a_file_is_taken_whatever_its_name_and_only_once(tmp_path: Path) -> None:
    odd, plain = tmp_path / ".odd", picture(tmp_path / "plain.png")
    odd.write_bytes(plain.read_bytes())
    twice = tmp_path / "sub" / ".." / "plain.png"
    (tmp_path / "sub").mkdir()
    assert find_pictures([odd, plain, tmp_path, twice]) == (odd, plain)


def test_the_site_being_written_is_not_searched(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "site" / "images" / "a.png")
    found = find_pictures([tmp_path], skip=[tmp_path / "." / "site"])
    assert names(found, tmp_path) == ["a.png"]


def test_links_in_a_circle_end_and_broken_links_are_reported(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "b.png").symlink_to(tmp_path / "gone.png")
    good, broken = load_images([tmp_path / "in"])
    assert good.failure is None
    assert broken.failure is not None
    assert broken.failure.message == "There is no file b.png."


def test_folders_without_pictures_and_missing_paths_say_what_to_do(tmp_path: Path) -> None:
    empty, missing = tmp_path / "empty", tmp_path / "photso"
    (empty / "sub").mkdir(parents=True)
    (empty / "notes.txt").write_text("")
    fifo = tmp_path / "pipe.png"
    os.mkfifo(fifo)
    folder_hint = (
        "Name a folder that holds pictures (PNG, JPEG, WebP, TIFF and the like), "
        "or the files themselves."
    )
    long = tmp_path / ("n" * 300)
    expected = {
        empty: f"No picture was found in {empty}. {folder_hint}",
        missing: f"There is no file or folder {missing}. "
        "Check the path of the images (-i, or images).",
        tmp_path / "*.png": f"There is no file or folder {tmp_path}/*.png. "
        "Name the folder instead: wildcards are not expanded here.",
        fifo: f"{fifo} is neither a file nor a folder. Name a picture or a folder.",
        long: f"{long} cannot be read: File name too long. Check the path and its permissions.",
    }
    for path, message in expected.items():
        with pytest.raises(ImageError) as caught:
            find_pictures([path])
        assert str(caught.value) == message
    with pytest.raises(ImageError, match=r"^No images were given\. Name files or folders"):
        find_pictures([])


# --- pixels --------------------------------------------------------------------------------------


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
    assert opened.size == picture_size(path) == (48, 32)
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
    Image.fromarray(values.astype(np.int32)).save(tmp_path / "i.tif")
    Image.fromarray((values / 65535).astype(np.float32)).save(tmp_path / "f.tif")
    (tmp_path / "a.pgm").write_bytes(b"P5 5 1 65535\n" + values.astype(">u2").tobytes())
    for name in ("a.png", "a.tif", "i.tif", "f.tif", "a.pgm"):
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
    for name, colour in expected.items():
        opened = open_picture(tmp_path / name)
        assert opened.mode == "RGB"
        assert np.abs(np.asarray(opened)[4, 4] - np.array(colour)).max() <= 1, name


def test_the_first_frame_stands_for_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
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
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8))
    noise.save(tmp_path / "srgb.png", icc_profile=srgb)

    red, green, _ = np.asarray(open_picture(tmp_path / "a.png"))[0, 0]
    assert red < 10
    assert green > 240
    assert open_picture(tmp_path / "t.png").getpixel((0, 0)) == WHITE
    assert open_picture(tmp_path / "l.png").getpixel((0, 0)) == (99, 99, 99)
    assert open_picture(tmp_path / "bad.png").getpixel((0, 0)) == RED
    assert open_picture(tmp_path / "srgb.png").tobytes() == noise.tobytes()


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


# --- entries -------------------------------------------------------------------------------------


def test_a_bad_file_keeps_its_place_and_the_rest_go_on(tmp_path: Path) -> None:
    good = picture(tmp_path / "in" / "a cat.png", (6, 4))
    (tmp_path / "in" / "b.png").write_bytes(b"junk")
    picture(tmp_path / "in" / "c.png")
    first, bad, last = load_images([tmp_path / "in"])
    assert (first.slug, first.name, first.title) == ("a-cat", "a cat.png", "a cat")
    assert (first.path, first.width, first.height) == (good, 6, 4)
    assert first.sha256 == hashlib.sha256(good.read_bytes()).hexdigest()
    assert (first.failure, last.failure) == (None, None)
    assert bad.failure is not None
    assert bad.failure.message == "b.png is not a picture in a format that can be read."
    assert bad.failure.hint == "Convert it to PNG or JPEG, or leave it out."
    assert (bad.slug, bad.sha256, bad.width) == ("b", hashlib.sha256(b"junk").hexdigest(), 0)


def test_failures_do_not_name_private_folders(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"junk")
    (tmp_path / "c.png").symlink_to(tmp_path / "gone")
    for entry in load_images([tmp_path]):
        assert entry.failure is not None
        assert str(tmp_path) not in entry.failure.message + entry.failure.hint


def test_known_files_are_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=exif)
    entries = load_images([tmp_path])
    assert (entries[0].width, entries[0].height) == (4, 6)
    monkeypatch.setattr(
        "generator.images.open_picture", lambda path: pytest.fail(f"decoded {path}")
    )
    assert load_images([tmp_path], known={entries[0].sha256}) == entries


def test_the_folder_below_the_input_is_the_group(tmp_path: Path) -> None:
    for name in ("a.png", "birds/b.png", "birds/night/c.png"):
        picture(tmp_path / name)
    assert [e.group for e in load_images([tmp_path])] == ["", "birds", "birds/night"]
    assert [e.group for e in load_images([tmp_path / "birds" / "b.png"])] == [""]


def test_same_names_and_same_content_have_slugs_of_their_own(tmp_path: Path) -> None:
    for name in ("a/cat.png", "b/cat.png", "b/CAT.png", "cat.jpg", "dog.png"):
        picture(tmp_path / name)
    entries = load_images([tmp_path])
    slugs = {e.path.relative_to(tmp_path).as_posix(): e.slug for e in entries}
    assert len(set(slugs.values())) == len(slugs) == 5
    assert slugs["dog.png"] == "dog"
    assert all(slug.startswith("cat-") for name, slug in slugs.items() if name != "dog.png")

    picture(tmp_path / "0/cat.png")  # sorts before the others, and changes none of their addresses
    again = {e.path.relative_to(tmp_path).as_posix(): e.slug for e in load_images([tmp_path])}
    assert {name: again[name] for name in slugs} == slugs


def test_the_same_file_name_given_from_two_folders(tmp_path: Path) -> None:
    paths = [picture(tmp_path / "a" / "x.png"), picture(tmp_path / "b" / "x.png")]
    first, second = load_images(paths)
    assert first.sha256 == second.sha256
    assert first.slug != second.slug


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_cannot_be_encoded_are_shown_and_do_not_break_output(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9\n.png"
    picture(tmp_path / "x.png").rename(os.fsdecode(raw))
    (entry,) = load_images([tmp_path])
    assert (entry.name, entry.title) == ("caf��.png", "caf��")
    assert entry.slug == "caf"
    entry.name.encode("utf-8")


def test_composed_and_decomposed_names_mean_the_same(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Éléphant.png")
    picture(tmp_path / decomposed)
    (tmp_path / "credits.toml").write_text('["Éléphant.png"]\ntitle = "Éléphant"\n')
    (entry,) = load_images([tmp_path])
    assert (entry.name, entry.title, entry.slug) == ("Éléphant.png", "Éléphant", "elephant")


# --- credits -------------------------------------------------------------------------------------


def test_credits_beside_the_pictures_are_taken_up(tmp_path: Path) -> None:
    picture(tmp_path / "birds" / "owl.png")
    picture(tmp_path / "birds" / "tit.png")
    (tmp_path / "birds" / "credits.toml").write_text(
        '["owl.png"]\ntitle = "An owl"\ncredit = "Ann"\nlicence = "CC0 1.0"\n'
        'source = "https://example.org"\nalt = "An owl on a branch"\ngroup = "Night"\n'
    )
    owl, tit = load_images([tmp_path])
    assert (owl.title, owl.credit, owl.licence) == ("An owl", "Ann", "CC0 1.0")
    assert (owl.source, owl.alt, owl.group) == (
        "https://example.org",
        "An owl on a branch",
        "Night",
    )
    assert (tit.title, tit.credit, tit.group) == ("tit", "", "birds")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '["a.png"]\ntitle = An owl\n',
            "{}, line 2: not valid TOML: Invalid value. Correct that line.",
        ),
        (
            '["a.png"]\ntitle = "An owl',
            "{}, at its end: not valid TOML: Unterminated string. Correct that line.",
        ),
        (
            "[a.png]\ntitle = 'x'\n",
            '{}: [a.png] is a table in a table. Put the file name in quotes: ["a.png"].',
        ),
        (
            '["a.png"]\nlicense = "CC0"\n',
            "{}: a.png has an unknown key license. Did you mean licence?",
        ),
        (
            '["a.png"]\nyear = "2001"\n',
            "{}: a.png has an unknown key year. "
            "The keys are title, credit, licence, source, alt, group.",
        ),
        (
            '["a.png"]\ntitle = 7\n',
            "{}: title of a.png should be a text, got the number 7. Put it in quotes.",
        ),
        (
            '"a.png" = "Ann"\n',
            '{}: expected a table for each picture, got a.png = the text "Ann". '
            'Write ["a.png"] with the keys title, credit, licence, source, alt and group below.',
        ),
    ],
)
def test_malformed_credits_name_the_file_and_the_place(
    tmp_path: Path, text: str, message: str
) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "credits.toml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_images([tmp_path])
    assert str(caught.value) == message.format(tmp_path / "credits.toml")


def test_credits_for_a_file_that_is_not_there_are_worth_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture(tmp_path / "chelsea.png")
    (tmp_path / "credits.toml").write_text('["chelsae.png"]\ntitle = "x"\n')
    with caplog.at_level(logging.WARNING):
        load_images([tmp_path])
    assert caplog.messages == [
        f"{tmp_path / 'credits.toml'} gives credit for chelsae.png, which is not there. "
        "Did you mean chelsea.png?"
    ]


# --- slugs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("facebook/dinov2-small", "facebook-dinov2-small"),
        ("Ein schöner Tag", "ein-schoner-tag"),
        ("  --x..Y__z-- ", "x-y-z"),
        ("Straße Øst Łódź", "strasse-ost-lodz"),
        ("ﬁne ½ Å", "fine-1-2-a"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_slugs_can_be_read(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_slugs_are_safe_and_distinct_for_any_names() -> None:
    rng = random.Random(0)
    alphabet = "aAbB1-_. /\\é\u0301ßİ日本🦉\udce9\n\x00%?#&<>\"'"
    for _ in range(300):
        drawn = ["".join(rng.choices(alphabet, k=rng.randrange(90))) for _ in range(8)]
        drawn += ["CON", "con", "nul", "index", "", "日本", "中国", "x" * 200, "x" * 201, drawn[0]]
        slugs = unique_slugs(drawn)
        assert len({*slugs}) == len(drawn)
        assert slugs == unique_slugs(drawn)
        for slug in slugs:
            assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
            assert slug == slug.strip("-")
            assert 0 < len(slug) <= LONGEST
            assert slug not in RESERVED


def test_slugs_do_not_depend_on_order_or_on_the_other_names() -> None:
    pool = [f"{owner}/{name}" for owner in "abc" for name in ("x", "X", "x y", "x-y", "é", "e")]
    alone = dict(zip(pool, unique_slugs(pool), strict=True))
    rng = random.Random(0)
    for _ in range(20):
        rng.shuffle(pool)
        assert dict(zip(pool, unique_slugs(pool), strict=True)) == alone
    more = unique_slugs([*pool, "new/one", "a/X "])
    assert dict(zip(pool, more[: len(pool)], strict=True)) == alone


def test_a_name_that_looks_like_a_marked_slug_is_no_trap() -> None:
    marked = unique_slugs(["cat", "Cat"])
    assert len(set(unique_slugs(["cat", "Cat", *marked]))) == 4
