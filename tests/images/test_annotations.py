"""Masks and boxes find their pictures; whatever contradicts a picture is one clear line."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.errors import SpecError
from generator.images.annotations import annotate, mask_files, read_mask
from generator.pipeline import build as pipeline
from generator.records.run import Failure, Frame, ImageEntry, ObjectBox, Sequence
from generator.records.store import Store
from generator.spec.gallery import GallerySpec, ModelSpec
from generator.spec.options import load_spec, spec_from_options


def entry(path: str, size: tuple[int, int] = (8, 6)) -> ImageEntry:
    slug = path.strip("/").replace("/", "-")
    return ImageEntry(slug, Path(path).name, Path(path), "", *size, title=slug)


def mask(path: Path, size: tuple[int, int] = (8, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 255).save(path)
    return path


# --- masks ---------------------------------------------------------------------------------------


def test_a_mask_is_named_as_its_picture_alone_or_with_its_folder(tmp_path: Path) -> None:
    plain, below = mask(tmp_path / "a.png"), mask(tmp_path / "birds" / "b.PNG")
    images = [entry("/p/a.jpg"), entry("../x/birds/b.jpeg"), entry("/p/a/c.jpg")]
    found = annotate(images, masks=tmp_path)
    assert [image.mask for image in found] == [plain, below, None]


def test_a_composed_name_finds_a_decomposed_one(tmp_path: Path) -> None:
    path = mask(tmp_path / "cafe\N{COMBINING ACUTE ACCENT}.png")
    (found,) = annotate([entry("caf\N{LATIN SMALL LETTER E WITH ACUTE}.jpg")], masks=tmp_path)
    assert found.mask == path


def test_pictures_without_marks_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mask(tmp_path / "a.png")
    mask(tmp_path / "cofee.png")
    images = [entry("a.jpg"), *(entry(f"{n}.jpg") for n in range(6))]
    with caplog.at_level(logging.WARNING):
        annotate(images, masks=tmp_path)
    some = "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and others"
    assert caplog.messages == [
        f"{tmp_path} marks nothing in 6 of 7 pictures: {some}. It marks what is no picture here: "
        "cofee."
    ]


def test_frames_without_marks_are_named_by_their_sequence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A clip has dozens of frames, and their names push those of the pictures out of the line."""
    mask(tmp_path / "walk-1.png")
    walk, run = (Sequence(name, f"A {name}", "", "", 8, "") for name in ("walk", "run"))
    images = [
        *(replace(entry(f"walk-{n}.png"), frame=Frame(walk, n, None)) for n in range(1, 9)),
        *(replace(entry(f"run-{n}.png"), frame=Frame(run, n, None)) for n in range(1, 4)),
        entry("a.jpg"),
    ]
    with caplog.at_level(logging.WARNING):
        annotate(images, masks=tmp_path)
    assert caplog.messages == [
        f"{tmp_path} marks nothing in 11 of 12 pictures: 7 of 8 frames of A walk, "
        "all 3 frames of A run, a.jpg."
    ]


def test_a_picture_that_failed_needs_no_mask(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mask(tmp_path / "a.png")
    broken = ImageEntry("b", "b.jpg", Path("b.jpg"), "", 0, 0, title="b", failure=Failure("no"))
    with caplog.at_level(logging.WARNING):
        found = annotate([entry("a.jpg"), broken], masks=tmp_path)
    assert found[1] == broken
    assert not caplog.messages


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    mask(tmp_path / "a.png", (4, 3))
    with pytest.raises(SpecError) as caught:
        annotate([entry("a.jpg")], masks=tmp_path)
    assert str(caught.value) == (
        "The mask a.png has 4x3 pixels, but a.jpg has 8x6. "
        "Make the mask for the picture as it is in the gallery."
    )
    mask(tmp_path / "a.png", (6, 8))
    with pytest.raises(SpecError) as caught:
        annotate([entry("a.jpg")], masks=tmp_path)
    assert str(caught.value) == (
        "The mask a.png has 6x8 pixels, but a.jpg has 8x6 when it is upright. "
        "Turn the mask as the picture is turned."
    )


def test_what_is_no_folder_of_masks_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"There is no folder .*nowhere\. Check the path of masks"):
        annotate([entry("a.jpg")], masks=tmp_path / "nowhere")
    with pytest.raises(SpecError, match="No PNG file was found in"):
        annotate([entry("a.jpg")], masks=tmp_path)
    mask(tmp_path / "aa.png")
    with pytest.raises(SpecError, match=r"marks none of the 1 pictures, .* a\. Did you mean aa\?"):
        annotate([entry("a.jpg")], masks=tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(SpecError, match=r"^A mask cannot be used: a\.png is not a picture"):
        annotate([entry("a.jpg")], masks=tmp_path)


def test_a_link_out_of_the_folder_is_not_walked(tmp_path: Path) -> None:
    mask(tmp_path / "outside" / "a.png")
    mask(tmp_path / "masks" / "b.png")
    (tmp_path / "masks" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert list(mask_files(tmp_path / "masks")) == ["b"]


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "RGBA", "LA", "P"])
def test_whatever_is_not_zero_is_object(tmp_path: Path, mode: str) -> None:
    values = np.array([[0, 1, 255], [0, 0, 255]], dtype=np.uint8)
    gray = Image.fromarray(values)
    match mode:
        case "1":
            image = Image.fromarray(values > 0)
        case "I;16":
            image = Image.fromarray(values.astype(np.uint16) * 256)
        case "P":
            image = Image.frombytes("P", gray.size, values.tobytes())
            image.putpalette([0, 0, 0] * 256)  # all indices look black: only the index counts
        case _:
            image = gray.convert(mode)
    image.save(tmp_path / "a.png")
    found = read_mask(tmp_path / "a.png")
    expected = values > 0 if mode != "P" else values == 1  # 255 beside another index is void
    assert found.objects.tolist() == expected.tolist()


def test_transparent_pixels_are_no_object(tmp_path: Path) -> None:
    values = np.zeros((1, 3, 4), dtype=np.uint8)
    values[0, :2, 0] = 200
    values[0, 1:, 3] = 255
    Image.fromarray(values).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png").objects.tolist() == [[False, True, False]]


def test_voc_marks_what_is_void(tmp_path: Path) -> None:
    image = Image.new("P", (4, 1))
    image.putpalette(list(range(256)) * 3)
    image.putdata([0, 15, 255, 15])
    image.save(tmp_path / "voc.png")
    found = read_mask(tmp_path / "voc.png")
    assert found.objects.tolist() == [[False, True, False, True]]
    assert found.void is not None
    assert found.void.tolist() == [[False, False, True, False]]
    image.putdata([0, 255, 255, 0])  # 255 is the only object there is
    image.save(tmp_path / "binary.png")
    found = read_mask(tmp_path / "binary.png")
    assert found.objects.tolist() == [[False, True, True, False]]
    assert found.void is None


# --- boxes ---------------------------------------------------------------------------------------


def coco(folder: Path, bbox: list[float], **image: object) -> Path:
    path = folder / "boxes.json"
    listed = {"id": 1, "file_name": "a.jpg", "width": 8, "height": 6, **image}
    whole = {
        "images": [listed, {"id": 2, "file_name": "other.jpg"}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": bbox}],
        "categories": [{"id": 3, "name": "cat"}],
    }
    path.write_text(json.dumps(whole))
    return path


def test_boxes_of_coco_belong_to_their_picture(tmp_path: Path) -> None:
    images = [entry("/p/a.jpg"), entry("/p/a.png")]  # the ending tells them apart
    found = annotate(images, boxes=coco(tmp_path, [1, 2, 3.5, 4]))
    assert [image.boxes for image in found] == [(ObjectBox(1, 2, 4.5, 6, "cat"),), ()]
    nested = coco(tmp_path, [1, 2, 3, 4], file_name="birds\\a.jpg")
    found = annotate([entry("/p/birds/a.jpg"), entry("/p/a.jpg")], boxes=nested)
    assert [len(image.boxes) for image in found] == [1, 0]


def test_a_box_may_stick_out_by_a_pixel(tmp_path: Path) -> None:
    (found,) = annotate([entry("a.jpg")], boxes=coco(tmp_path, [-1, -0.5, 10, 6]))
    assert found.boxes[0].box == (0, 0, 8, 5.5)


def test_a_box_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        annotate([entry("a.jpg")], boxes=coco(tmp_path, [5, 2, 30, 4]))
    assert str(caught.value) == (
        "boxes.json, a.jpg: the box from (5, 2) to (35, 6) lies outside a.jpg, which has 8x6 "
        "pixels. Boxes are in pixels of the upright picture."
    )


def test_boxes_for_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        annotate([entry("a.jpg")], boxes=coco(tmp_path, [1, 1, 2, 2], width=6, height=8))
    assert str(caught.value) == (
        "boxes.json, a.jpg is about a picture of 6x8 pixels, but a.jpg has 8x6. "
        "Make the boxes for the picture as it is in the gallery, upright."
    )


def test_boxes_of_voc_come_one_file_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        "<annotation><filename>../../etc/passwd</filename><size><width>8</width><height>6</height>"
        "</size><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax>"
        "<ymax>6</ymax></bndbox></object></annotation>"
    )
    expected = (ObjectBox(0, 1, 4, 6, "cat"),)
    for source in (tmp_path, tmp_path / "a.xml"):
        (found,) = annotate([entry("/p/a.jpg")], boxes=source)
        assert found.boxes == expected


def test_a_folder_without_boxes_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="No XML file was found in"):
        annotate([entry("a.jpg")], boxes=tmp_path)
    with pytest.raises(SpecError, match=r"There is no file .*none\.json\. Check the path of boxes"):
        annotate([entry("a.jpg")], boxes=tmp_path / "none.json")
    with pytest.raises(SpecError, match=r"marks none of the 1 pictures, such as cat\.jpg\."):
        annotate([entry("cat.jpg")], boxes=coco(tmp_path, [1, 1, 2, 2]))


# --- from the gallery file to the run ----------------------------------------------------------


def test_paths_are_relative_to_the_file_or_to_the_current_folder(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text('models = ["a/b"]\nimages = ["p"]\nmasks = "m"\nboxes = "b.json"\n')
    spec = load_spec(file)
    assert (spec.masks, spec.boxes) == (tmp_path / "m", tmp_path / "b.json")
    other = load_spec(file, masks=Path("n"), boxes=Path("c"))
    assert (other.masks, other.boxes) == (Path("n"), Path("c"))


def test_masks_among_the_images_are_refused() -> None:
    with pytest.raises(SpecError) as caught:
        spec_from_options(models=("a/b",), images=(Path("p"),), masks=Path("p"))
    assert str(caught.value) == (
        "--masks: p is also a folder of images. Keep masks in a folder of their own."
    )


def test_a_site_would_not_replace_the_masks() -> None:
    marks = {"masks": Path("s/m"), "boxes": Path("b")}
    with pytest.raises(SpecError, match="a site in s would replace the masks"):
        spec_from_options(models=("a/b",), images=(Path("p"),), out=Path("s"), **marks)


def test_marks_reach_the_images_of_the_run(tmp_path: Path) -> None:
    """Masks in a folder below the pictures are no pictures."""
    marked = mask(tmp_path / "photos" / "masks" / "a.png", (90, 60))
    photo = tmp_path / "photos" / "a.jpg"
    Image.new("RGB", (90, 60)).save(photo)
    spec = GallerySpec(
        models=(ModelSpec(id="a/b"),),
        images=(tmp_path / "photos",),
        out=tmp_path / "site",
        store=tmp_path / "store",
        masks=tmp_path / "photos" / "masks",
        boxes=coco(tmp_path, [10, 20, 30, 40], width=90, height=60),
    )
    (found,) = pipeline.find_images(spec, Store(spec.store))
    assert found.path == photo
    assert found.mask == marked
    assert [box.box for box in found.boxes] == [(10, 20, 40, 60)]
