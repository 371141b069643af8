"""Pictures as people name them: patterns, lists of paths, addresses among both."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import ImageError
from generator.images.given import listed_in, places_of
from generator.spec.pictures import Address
from tests.images.test_find import names, picture


def found(root: Path, *given: str) -> list[str]:
    places = places_of([root / text for text in given])
    return names(tuple(place for place in places if isinstance(place, Path)), root)


def test_patterns_give_pictures_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.jpg", "2.jpg", "b.PNG", "sub/3.jpg", "sub/deep/4.jpg", ".hidden.jpg"):
        picture(tmp_path / name)
    for name in ("notes.txt", "credits.toml", "5.jpg.bak"):
        (tmp_path / name).touch()
    assert found(tmp_path, "*.jpg") == ["2.jpg", "10.jpg"]
    assert found(tmp_path, "[0-9].*") == ["2.jpg"]
    assert found(tmp_path, "*") == ["2.jpg", "10.jpg", "b.PNG", "sub"]
    assert found(tmp_path, "**/*.jpg") == ["2.jpg", "10.jpg", "sub/3.jpg", "sub/deep/4.jpg"]
    assert found(tmp_path, "**") == ["2.jpg", "10.jpg", "b.PNG", "sub/3.jpg", "sub/deep/4.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    picture(tmp_path / "cat[1].jpg")
    picture(tmp_path / "cat1.jpg")
    assert found(tmp_path, "cat[1].jpg") == ["cat[1].jpg"]


def test_a_pattern_without_a_picture_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    hint = "Check the pattern; ** goes through subfolders, as in 'photos/**/*.jpg'."
    for pattern, others in (("*.gif", ""), ("*.md", " but notes.md")):
        with pytest.raises(ImageError) as caught:
            places_of([tmp_path / pattern])
        assert str(caught.value) == f"No picture matches {tmp_path}/{pattern}{others}. {hint}"


def test_a_list_names_paths_patterns_and_addresses_from_its_own_folder(tmp_path: Path) -> None:
    for name in ("lists/a b.jpg", "lists/more/1.png", "lists/more/2.png"):
        picture(tmp_path / name)
    table = tmp_path / "lists" / "mine.txt"
    table.write_text("# mine\n\n a b.jpg \nmore/*.png\nhttps://example.org/c.jpg\n", "utf-8-sig")
    assert places_of([table]) == (
        tmp_path / "lists/a b.jpg",
        tmp_path / "lists/more/1.png",
        tmp_path / "lists/more/2.png",
        Address("https://example.org/c.jpg"),
    )


def test_what_find_prints_is_a_list(tmp_path: Path) -> None:
    for name in ("a\nb.jpg", "c.jpg"):
        picture(tmp_path / name)
    assert listed_in(b"a\nb.jpg\0c.jpg\0", tmp_path, "it") == (
        tmp_path / "a\nb.jpg",
        tmp_path / "c.jpg",
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"# nothing\n", "It names no picture. Write a path or an address on each line."),
        (
            b"# mine\n\ncat.jpg\ngod.jpg\n",
            "Line 4 of it: there is no file or folder {}/god.jpg. Check the path of the images "
            "(-i, or images).",
        ),
        (
            b"cat.jpeg  \n",
            "Line 1 of it: there is no file or folder {0}/cat.jpeg. Did you mean {0}/cat.jpg?",
        ),
        (
            b"*.png  # all\n",
            "Line 1 of it: no picture matches {}/*.png  # all. Check the pattern; ** goes through "
            "subfolders, as in 'photos/**/*.jpg'.",
        ),
        (b"\xff\xd8\xff", "It is no text in UTF-8. Write a path or an address on each line."),
    ],
)
def test_lists_that_are_none(data: bytes, message: str, tmp_path: Path) -> None:
    picture(tmp_path / "cat.jpg")
    with pytest.raises(ImageError) as caught:
        listed_in(data, tmp_path, "it")
    assert str(caught.value) == message.format(tmp_path)
