"""Gallery files, credits, groups and boxes, damaged in every way: read, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from generator.images.annotations import annotate
from generator.images.boxes import read_coco, read_voc
from generator.images.credits import read_credits
from generator.images.groups import read_groups, with_groups
from generator.records.run import ImageEntry
from generator.spec.options import load_spec
from tests.fuzz.fuzzing import TOKENS, altered, edited, fuzz, survives

GALLERY = """
title = "A gallery"
images = ["photos"]
models = ["a/b", {id = "c/d", label = "e", resolution = 224, revision = "main"}]
resolution = 448
extras = ["features", "values"]
objects = "keys,values"
compare = ["a/b:e"]
figures = true
max_site_size = "900 MB"
[paper]
title = "A paper"
year = 2026
authors = [{name = "Ann", orcid = "0000-0002-1825-0097"}]
[[sequences]]
path = "clip.mp4"
every = 0.5
[[figure]]
name = "one"
preset = "registers-1"
"""
CREDITS = """
["a.png"]
title = "A"
credit = "B"
license = "CC0"
source = "https://example.com"
alt = "C"
group = "D"
"""
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 6}],
    "annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "iscrowd": 0}],
    "categories": [{"id": 7, "name": "cat"}],
}
VOC = (
    b"<annotation><size><width>8</width><height>6</height></size><object><name>cat</name>"
    b"<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>5</xmax><ymax>4</ymax></bndbox></object>"
    b"</annotation>"
)
PICTURE = ImageEntry("a", "a.png", Path("a.png"), "", 8, 6, title="a")


def hostile(text: str) -> list[bytes]:
    """A good file under each hostile text, as a value and as a key."""
    lines = [line for token in TOKENS for line in (f"a = {token}\n", f"{token} = 1\n")]
    return [(line + text).encode() for line in lines]


def toml(*good: str) -> st.SearchStrategy[bytes]:
    """Edited files, and lines of a key and a hostile value."""
    values = st.sampled_from([*TOKENS, '"x"', "1", "[1]", "{a=1}", "2026-01-01", "[[[1]]]"])
    keys = st.sampled_from(["title", "models", "images", "resolution", "paper", "extras", "a.b"])
    lines = st.builds(lambda key, value: f"{key} = {value}\n".encode(), keys, values)
    with_line = st.builds(
        lambda text, line: line + text.encode() + line, st.sampled_from(good), lines
    )
    return st.one_of(edited(*(text.encode() for text in good)), with_line)


def test_gallery_files(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "gallery.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        survives(load_spec, path)

    fuzz(request, toml(GALLERY), check, always=hostile(GALLERY))


def test_credits(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()

    def check(data: bytes) -> None:
        (tmp_path / "credits.toml").write_bytes(data)
        survives(read_credits, tmp_path)

    fuzz(request, toml(CREDITS), check, always=hostile(CREDITS))


def test_groups(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        groups = survives(read_groups, path)
        if groups is not None:
            with_groups([PICTURE], groups, path)

    good = (b"file,group\na.png,cats\nb.png,dogs\n", b"\xef\xbb\xbfFile;Group\r\na.png;cats\r\n")
    lines = st.builds(
        lambda name, group: f"file,group\n{name},{group}\na.png,cats\n".encode(),
        st.sampled_from(TOKENS),
        st.sampled_from(TOKENS),
    )
    fuzz(request, st.one_of(edited(*good), lines), check)


def test_boxes_of_coco(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        survives(read_coco, path)
        survives(annotate, [PICTURE], boxes=path)

    fuzz(request, altered(COCO), check)


def test_boxes_of_voc(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        survives(read_voc, path)
        survives(annotate, [PICTURE], boxes=path)

    fuzz(request, edited(VOC), check)
