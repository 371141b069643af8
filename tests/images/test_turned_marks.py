"""Marks on pictures that EXIF turns: drawn on the stored pixels, on the upright ones, unknown."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.images.annotations import annotate, read_mask
from generator.records.run import ImageEntry, ObjectBox
from tests.images.test_annotations import entry

UNDONE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a camera did to the upright picture, by the orientation that it wrote."""


def turned_photo(folder: Path, orientation: int, size: tuple[int, int]) -> tuple[ImageEntry, Path]:
    """A photograph with a white object, and a mask of the object on the stored pixels."""
    upright = Image.new("L", size)
    upright.paste(255, (1, 2, 6, 5))
    stored = upright.transpose(UNDONE[orientation]) if orientation in UNDONE else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    folder.mkdir(exist_ok=True)
    stored.convert("RGB").save(folder / "photo.png", exif=exif)
    (folder / "masks").mkdir()
    stored.save(folder / "masks" / "photo.png")
    return entry(str(folder / "photo.png"), size), folder / "masks"


def coco(path: Path, box: tuple[int, int, int, int], size: tuple[int, int] | None) -> Path:
    """One box of one picture, as left, top, right, bottom."""
    image: dict[str, object] = {"id": 1, "file_name": "photo.png"}
    if size:
        image |= {"width": size[0], "height": size[1]}
    bbox = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    marks = {"images": [image], "annotations": [{"image_id": 1, "bbox": bbox}]}
    path.write_text(json.dumps(marks))
    return path


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("claims", [True, False])
def test_marks_of_the_stored_pixels_are_turned_with_the_picture(
    tmp_path: Path, orientation: int, claims: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Width and height are swapped, so they tell; without them, a box that sticks out does."""
    photo, masks = turned_photo(tmp_path / "p", orientation, (7, 16))
    with Image.open(masks / "photo.png") as stored:
        box, size = stored.getbbox(), stored.size
    if not claims:  # far to the right, where the upright picture has no pixels
        box = (12, 1, 15, 3)
    assert box is not None
    boxes = coco(tmp_path / "boxes.json", box, size if claims else None)
    with caplog.at_level(logging.WARNING):
        (found,) = annotate([photo], masks=masks, boxes=boxes)
    assert not caplog.messages
    assert found.mask is not None
    objects = np.argwhere(read_mask(found.mask, found.mask_orientation).objects)
    assert [*objects.min(0), *(objects.max(0) + 1)] == [2, 1, 5, 6]
    (marked,) = found.boxes
    if claims:
        assert (marked.left, marked.top, marked.right, marked.bottom) == (1, 2, 6, 5)
    else:
        drawn = Image.new("L", size)
        drawn.paste(255, box)
        redone = {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
        upright = drawn.transpose(redone.get(orientation, UNDONE[orientation]))
        assert (marked.left, marked.top, marked.right, marked.bottom) == upright.getbbox()


def test_marks_of_the_upright_picture_stay_where_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photo, masks = turned_photo(tmp_path / "p", 6, (7, 16))
    upright = Image.new("L", (7, 16))
    upright.paste(255, (1, 2, 6, 5))
    upright.save(masks / "photo.png")
    boxes = coco(tmp_path / "boxes.json", (1, 2, 6, 5), (7, 16))
    with caplog.at_level(logging.WARNING):
        (found,) = annotate([photo], masks=masks, boxes=boxes)
    assert not caplog.messages
    assert (found.mask_orientation, found.boxes) == (1, (ObjectBox(1, 2, 6, 5),))


@pytest.mark.parametrize(
    ("orientation", "size"), [(2, (7, 16)), (3, (7, 16)), (4, (7, 16)), (6, (8, 8)), (8, (8, 8))]
)
def test_a_turn_that_no_size_tells_is_a_warning_that_names_the_picture(
    tmp_path: Path, orientation: int, size: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    photo, masks = turned_photo(tmp_path / "p", orientation, size)
    boxes = coco(tmp_path / "boxes.json", (1, 2, 6, 5), size)
    with caplog.at_level(logging.WARNING):
        annotate([photo], masks=masks, boxes=boxes)
    text = (
        "photo.png is turned by EXIF, and its size does not tell whether {} was made for the "
        "turned or the stored picture. It is taken for the turned one: check it on the page of "
        "the image, or save the picture without EXIF orientation and mark it again."
    )
    assert caplog.messages == [
        text.format("the mask photo.png"),
        text.format("boxes.json, photo.png"),
    ]


def test_a_mask_with_an_orientation_of_its_own_is_turned_by_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photo, masks = turned_photo(tmp_path / "p", 3, (7, 16))
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(masks / "photo.png") as drawn:
        drawn.load()
    drawn.save(masks / "photo.png", exif=exif)
    with caplog.at_level(logging.WARNING):
        (found,) = annotate([photo], masks=masks)
    assert not caplog.messages
    assert found.mask is not None
    objects = np.argwhere(read_mask(found.mask, found.mask_orientation).objects)
    assert [*objects.min(0), *(objects.max(0) + 1)] == [2, 1, 5, 6]
