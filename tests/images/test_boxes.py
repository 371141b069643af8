"""COCO JSON and VOC XML as strangers may have written them: read right, or refused in one line."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from generator.errors import SpecError
from generator.images import boxes as box_files
from generator.images.boxes import read_coco, read_voc
from generator.records.run import ObjectBox

IMAGE: dict[str, Any] = {"id": 1, "file_name": "a.jpg"}
MARK: dict[str, Any] = {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}


def coco(folder: Path, **parts: object) -> Path:
    path = folder / "boxes.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": [MARK], **parts}))
    return path


def one_line(error: SpecError) -> str:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 400
    return text


def test_a_coco_file_gives_boxes_sizes_and_labels(tmp_path: Path) -> None:
    path = coco(
        tmp_path,
        images=[{**IMAGE, "width": 9, "height": 8}, {"id": "x", "file_name": "b\\c.png"}],
        annotations=[MARK, {**MARK, "image_id": "x", "bbox": [0.5, 0, 1, 1.5]}, MARK],
        categories=[{"id": 7, "name": "cat"}],
    )
    found = read_coco(path)
    assert list(found) == ["a.jpg", "b/c.png"]
    assert found["a.jpg"].size == (9, 8)
    assert found["a.jpg"].boxes == (ObjectBox(1, 2, 4, 6, "cat"),) * 2
    assert found["b/c.png"].size is None
    assert found["b/c.png"].boxes == (ObjectBox(0.5, 0, 1.5, 1.5, "cat"),)


def test_crowds_and_boxes_without_area_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crowd = {**MARK, "iscrowd": 1}
    flat = {**MARK, "bbox": [5, 5, 0, 3]}
    with caplog.at_level(logging.WARNING):
        found = read_coco(coco(tmp_path, annotations=[crowd, flat, MARK]))
    assert len(found["a.jpg"].boxes) == 1
    assert caplog.messages == ["boxes.json: 1 boxes without an area are left out."]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"images": 3}, "boxes.json: images should be a list, got the number 3."),
        ({"images": ["a.jpg"]}, 'images: expected an object, got the text "a.jpg".'),
        ({"images": [{"id": 1}]}, "file_name of an image should be a text, got nothing."),
        ({"images": [{"file_name": "a.jpg"}]}, "id should be a number or a text, got nothing."),
        ({"images": [IMAGE, IMAGE]}, "a.jpg or its id 1 is listed twice."),
        ({"annotations": {}}, "annotations should be a list, got a table."),
        ({"annotations": [{**MARK, "image_id": 9}]}, "the image 9, which is not listed."),
        ({"annotations": [{**MARK, "bbox": [1, 2, 3]}]}, "four numbers"),
        ({"annotations": [{**MARK, "bbox": [1, 2, -3, 4]}]}, "got [1, 2, -3, 4]."),
        ({"annotations": [{**MARK, "bbox": [1, 2, 3, True]}]}, "got [1, 2, 3, true]."),
        ({"annotations": [{**MARK, "bbox": [1, 2, 3, float("nan")]}]}, "got [1, 2, 3, NaN]."),
        ({"annotations": [{**MARK, "bbox": [1, 2, 3, 10**400]}]}, "four numbers"),
        ({"annotations": [{**MARK, "bbox": "<script>" * 99}]}, "four numbers"),
        ({"images": [{**IMAGE, "width": 0, "height": 3}]}, "width should be a number of pixels"),
        ({"categories": [{"id": [], "name": "x"}]}, "id should be a number or a text"),
    ],
)
def test_a_malformed_coco_file_is_one_line(
    tmp_path: Path, parts: dict[str, object], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        read_coco(coco(tmp_path, **parts))
    assert message in one_line(caught.value)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../b.jpg", "\\x\\y", "."]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_coco(coco(tmp_path, images=[{"id": 1, "file_name": name}]))
    assert f"the file_name {name} leads out of the pictures' folder." in one_line(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "boxes.json, line 1: not valid JSON: Expecting value."),
        (b'{"images": [\n}', "boxes.json, line 2: not valid JSON"),
        (b"\xff\xfe{}", "boxes.json is not UTF-8."),
        (b"[]", "boxes.json: expected an object, got an empty list."),
        (b"[" * 200_000, "boxes.json is no COCO file: it is nested too deeply."),
        (b'{"images": ' + b"9" * 10_000 + b"}", "it holds a number of thousands of digits"),
    ],
)
def test_what_is_no_json_is_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        read_coco(path)
    assert message in one_line(caught.value)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = coco(tmp_path)
    with path.open("r+b") as file:
        file.truncate(box_files.COCO_LIMIT + 1)  # sparse: it takes no room
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    with pytest.raises(SpecError, match="too large: 1000 MB, where at most 1000 are read"):
        read_coco(path)


# --- VOC -----------------------------------------------------------------------------------------


def voc(folder: Path, body: str) -> Path:
    path = folder / "a.xml"
    path.write_text(f"<annotation>{body}</annotation>")
    return path


def box(left: str, top: str, right: str, bottom: str) -> str:
    return (
        f"<bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
        "</bndbox>"
    )


def test_a_voc_box_counts_from_1_and_holds_its_last_pixel(tmp_path: Path) -> None:
    part = f"<part><name>head</name>{box('1', '1', '2', '2')}</part>"
    body = f"<object><name> cat </name>{part}{box('3', '4', '3', '10.5')}</object>"
    size = "<size><width>20</width><height>30</height><depth>3</depth></size>"
    found = read_voc(voc(tmp_path, size + body))
    assert found.boxes == (ObjectBox(2, 3, 3, 10.5, "cat"),)  # one pixel wide
    assert found.size == (20, 30)
    assert read_voc(voc(tmp_path, "")).boxes == ()
    unknown = "<size><width>0</width><height>0</height></size>"
    assert read_voc(voc(tmp_path, unknown)).size is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"<object>{box('1', '1', 'x', '5')}</object>", 'bndbox/xmax should be a number, got "x".'),
        (f"<object>{box('1', '1', 'inf', '5')}</object>", 'should be a number, got "inf".'),
        ("<object/>", 'bndbox/xmin should be a number, got "".'),
        (f"<object>{box('9', '1', '5', '5')}</object>", "from (9, 1) to (5, 5) has no area."),
        ("<size><width>3</width></size>", 'size/height should be a number, got "".'),
        ("<object>", "a.xml is not valid XML: mismatched tag"),
    ],
)
def test_a_malformed_voc_file_is_one_line(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_voc(voc(tmp_path, body))
    assert message in one_line(caught.value)


def test_another_kind_of_xml_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<svg/>")
    with pytest.raises(SpecError, match=r"a\.xml: expected <annotation>, got <svg>"):
        read_voc(path)
    path.write_bytes(b"")
    with pytest.raises(SpecError, match=r"a\.xml is not valid XML"):
        read_voc(path)
    path.write_bytes(b"<?xml version='1.0' encoding='no-such'?><annotation/>")
    with pytest.raises(SpecError, match=r"a\.xml is not valid XML"):
        read_voc(path)


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY b SYSTEM "file:///etc/passwd">',
        '<!ENTITY % b SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_entities_are_refused(tmp_path: Path, entity: str) -> None:
    path = tmp_path / "a.xml"
    body = "<annotation><object><name>&b;</name></object></annotation>"
    path.write_text(f"<!DOCTYPE annotation [{entity}]>{body}")
    with pytest.raises(SpecError) as caught:
        read_voc(path)
    assert one_line(caught.value) == (
        "a.xml declares a document type, which could hide anything. "
        "Take the line <!DOCTYPE ...> out."
    )


def test_a_deep_file_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    path = voc(tmp_path, "<a>" * 100_000 + "</a>" * 100_000)
    assert read_voc(path).boxes == ()
