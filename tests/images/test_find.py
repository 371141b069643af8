"""Pictures as users keep them: in folders, under odd names, some of them no pictures at all."""

from __future__ import annotations

import hashlib
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageFile, PngImagePlugin

from generator.errors import ImageError
from generator.images.find import find_pictures, load_images, open_picture
from generator.progress import Silent


def picture(path: Path, size: tuple[int, int] = (6, 4)) -> Path:
    """A red picture, with the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "red").save(path)
    return path


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


def test_an_earlier_gallery_among_the_pictures_is_left_out_with_a_note(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "a.png")
    picture(tmp_path / "photos" / "site" / "i" / "a.1234.png")
    said: list[str] = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            said.append(text)

    found = load_images(
        [tmp_path / "photos"], is_site=lambda folder: folder.name == "site", reporter=Notes()
    )
    assert [entry.name for entry in found] == ["a.png"]
    assert said == [
        f"{tmp_path}/photos/site is a gallery that was built before, so it is left out."
    ]
    with pytest.raises(ImageError) as caught:
        load_images([tmp_path / "photos" / "site"], is_site=lambda folder: True)
    assert str(caught.value) == (
        f"{tmp_path}/photos/site is a gallery that was built before, not a folder of pictures. "
        "Name the folder that its pictures came from."
    )


def test_links_in_a_circle_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "aside" / "b.png")
    for name in ("again", "and again"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "in")
    (tmp_path / "in" / "aside").symlink_to(tmp_path / "aside")
    listed = []
    iterdir = Path.iterdir

    def counted(folder: Path) -> Iterator[Path]:
        listed.append(folder)
        assert len(listed) < 10
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", counted)
    assert names(find_pictures([tmp_path / "in"]), tmp_path / "in") == ["a.png", "aside/b.png"]


def test_broken_links_are_reported(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
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
        tmp_path / "emty": f"There is no file or folder {tmp_path}/emty. "
        f"Did you mean {tmp_path}/empty?",
        fifo: f"{fifo} is neither a file nor a folder. Name a picture or a folder.",
        long: f"{long} cannot be read: File name too long. Check the path and its permissions.",
    }
    for path, message in expected.items():
        with pytest.raises(ImageError) as caught:
            find_pictures([path])
        assert str(caught.value) == message
    with pytest.raises(ImageError, match=r"^No images were given\. Name files or folders"):
        find_pictures([])


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


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "gif", "bmp"])
def test_headers_are_read_and_no_picture_is_decoded(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8  # orientation
    Image.new("RGB", (6, 4)).save(tmp_path / f"a.{ending}", exif=exif)
    Image.new("RGB", (6, 4)).save(tmp_path / f"b.{ending}")
    for kind in (Image.Image, ImageFile.ImageFile, PngImagePlugin.PngImageFile):
        monkeypatch.setattr(kind, "load", lambda image: pytest.fail(f"decoded {image}"))
    turned, plain = load_images([tmp_path], jobs=2)
    assert (plain.width, plain.height, plain.failure) == (6, 4, None)
    keeps_exif = ending not in ("gif", "bmp")
    assert (turned.width, turned.height) == ((4, 6) if keeps_exif else (6, 4))


def test_exif_after_the_pixels_of_a_png_is_found(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png", exif=exif)
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    last = data.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(data[:start] + data[end:last] + data[start:end] + data[last:])
    (entry,) = load_images([tmp_path])
    assert (entry.width, entry.height) == (4, 6) == open_picture(entry.path).size


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
    forms = {form: unicodedata.normalize(form, "Éléphant.png") for form in ("NFC", "NFD")}
    picture(tmp_path / forms["NFD"])
    for name in forms.values():
        (tmp_path / "credits.toml").write_text(f'["{name}"]\ntitle = "In the zoo"\n')
        (entry,) = load_images([tmp_path])
        assert (entry.name, entry.slug) == (forms["NFC"], "elephant")
        assert entry.title == "In the zoo"
