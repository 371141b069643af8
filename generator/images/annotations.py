"""Object annotations of pictures: masks as PNG files, boxes as COCO JSON or VOC XML.

Annotations are matched to pictures by name. A picture ``photos/birds/robin.jpg`` takes the mask
``birds/robin.png``, or ``robin.png``, of the masks' folder; in the same way the boxes
``birds/robin.xml`` or ``robin.xml`` of a folder, or the ``file_name`` ``birds/robin.jpg`` or
``robin.jpg`` of a COCO file. A file name inside a file is never opened.

Masks have the picture's size in pixels. Objects are the non-zero pixels. In a PNG with a palette
that holds other objects too, index 255 is void, neither object nor background, as in PASCAL VOC.

Annotations refer to the upright picture. Some programs draw them on the stored pixels of a picture
that EXIF rotates. If width and height show this, the annotations are rotated too; otherwise a
warning names the picture.
"""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from generator.errors import ImageError, SpecError
from generator.images.boxes import MarkedImage, read_coco, read_voc
from generator.images.header import picture_header
from generator.images.pixels import SIDEWAYS, decoding, orientation_of, upright
from generator.records.run import ImageEntry, ObjectBox
from generator.spec.toml import did_you_mean, did_you_mean_beside
from generator.text.numbers import machine
from generator.text.phrases import some

logger = logging.getLogger(__name__)

VOID = 255
SLACK = 1.0
"""Pixels by which a box may exceed its picture: formats disagree on where pixel 1 begins."""

Marks = TypeVar("Marks")


@dataclass(frozen=True, slots=True)
class Mask:
    """The pixels of a mask file.

    Attributes:
        objects: bool ``[pixel row, pixel col]``, of the upright picture.
        void: bool, of the same shape, pixels that are neither object nor background; None for
            none.
    """

    objects: NDArray[np.bool_]
    void: NDArray[np.bool_] | None


def annotate(
    images: Sequence[ImageEntry], *, masks: Path | None = None, boxes: Path | None = None
) -> tuple[ImageEntry, ...]:
    """Add annotations to pictures. A warning names those without any.

    Args:
        images: images of the gallery; failed ones are unchanged.
        masks: folder of PNG files; None for no masks.
        boxes: COCO JSON file, VOC XML file or a folder of those; None for no boxes.

    Raises:
        SpecError: a folder or file cannot be read, is malformed, marks none of the pictures, or
            contradicts a picture: a mask of another size, a box outside.
    """
    found = tuple(images)
    if masks is not None:
        matched = _matched(found, mask_files(masks), masks)
        found = tuple(_masked(image, matched.get(image.slug)) for image in found)
    if boxes is not None:
        named = _matched(found, _boxes_of(boxes), boxes, endings=_is_coco(boxes))
        found = tuple(_boxed(image, named.get(image.slug)) for image in found)
    return found


def read_mask(path: Path, orientation: int = 1) -> Mask:
    """Read a mask file; the module describes its values.

    Args:
        orientation: EXIF orientation to apply, if the mask was drawn on the stored pixels.

    Raises:
        SpecError: the file is not a picture that can be read.
    """
    try:
        with decoding(path) as image:
            image.load()
            stored = upright(image, orientation_of(image))
            values, palette = np.asarray(upright(stored, orientation)), image.mode == "P"
            alpha = image.mode in ("LA", "RGBA")
    except ImageError as error:
        raise _of_mask(error) from error
    if alpha:
        values = values[..., :-1] * (values[..., -1:] > 0)
    objects = values != 0
    if objects.ndim == 3:
        objects = objects.any(axis=-1)
    void = values == VOID if palette else None
    if void is None or not void.any() or not (objects & ~void).any():
        return Mask(objects, None)
    return Mask(objects & ~void, void)


def mask_files(folder: Path) -> Mapping[str, Path]:
    """The masks of a folder and its subfolders, by relative name without suffix.

    Raises:
        SpecError: there is no such folder, it cannot be listed, or it holds no PNG file.
    """
    found = _files(folder, ".png", "masks")
    if not found:
        raise SpecError(
            f"No PNG file was found in {folder}.", "Name a folder of masks, one for each picture."
        )
    return found


def _boxes_of(path: Path) -> Mapping[str, MarkedImage]:
    """The boxes of a file or folder, by name without suffix."""
    if path.is_dir():
        files = _files(path, ".xml", "boxes")
        if not files:
            raise SpecError(
                f"No XML file was found in {path}.",
                "Name a folder of VOC XML files, or a COCO JSON file.",
            )
        return {name: read_voc(file) for name, file in files.items()}
    if path.suffix.lower() == ".xml":
        return {_plain(path.stem): read_voc(path)}
    return {_plain(name): marks for name, marks in read_coco(path).items()}


def _is_coco(path: Path) -> bool:
    """Whether the file is COCO JSON, whose names include the picture's suffix."""
    return not path.is_dir() and path.suffix.lower() != ".xml"


def _files(folder: Path, ending: str, what: str) -> dict[str, Path]:
    if not folder.is_dir():
        hint = did_you_mean_beside(folder) or f"Check the path of {what}."
        raise SpecError(f"There is no folder {folder}.", hint)
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ending)
    except OSError as error:
        raise SpecError(
            f"{folder} cannot be read: {error.strerror}.", f"Check the path of {what}."
        ) from error
    return {_plain(_stem(path.relative_to(folder).as_posix())): path for path in files}


def _matched(
    images: Sequence[ImageEntry], marks: Mapping[str, Marks], source: Path, *, endings: bool = False
) -> Mapping[str, Marks]:
    """The annotations of each picture, by its slug; warns of pictures without any.

    Args:
        source: file or folder of the annotations, for messages.
        endings: whether their names include the picture's suffix.
    """
    usable = [image for image in images if image.failure is None]
    found = {}
    used: set[str] = set()
    for image in usable:
        names = _names(image.path.with_name(image.name), endings=endings)
        name = next((name for name in names if name in marks), None)
        if name is not None:
            found[image.slug] = marks[name]
            used.add(name)
    without = [image for image in usable if image.slug not in found]
    if usable and not found:
        first = usable[0].name if endings else _stem(usable[0].name)
        raise SpecError(
            f"{source} marks none of the {len(usable)} pictures, such as {first}.",
            did_you_mean(first, marks) or "Name the marks as the pictures.",
        )
    if without:
        named = _named(without, usable)
        text = ", ".join(named[:5]) + (" and others" if len(named) > 5 else "")
        rest = some(sorted(set(marks) - used))
        logger.warning(
            "%s",
            f"{source} marks nothing in {len(without)} of {len(usable)} pictures: {text}."
            + (f" It marks what is no picture here: {rest}." if rest else ""),
        )
    return found


def _named(images: Sequence[ImageEntry], among: Sequence[ImageEntry]) -> list[str]:
    """Names of pictures for messages; the frames of a sequence are counted together."""
    frames, every = _frame_counts(images), _frame_counts(among)
    names: dict[str, str] = {}
    for image in images:
        if image.frame is None:
            names[image.slug] = image.name
            continue
        sequence = image.frame.sequence
        count, of = frames[sequence.slug], every[sequence.slug]
        which = f"all {count}" if count == of else f"{count} of {of}"
        names[f"{sequence.slug}/"] = f"{which} frames of {sequence.label}"
    return list(names.values())


def _frame_counts(images: Sequence[ImageEntry]) -> Counter[str]:
    """Number of frames of each sequence, by its slug."""
    return Counter(image.frame.sequence.slug for image in images if image.frame is not None)


def _names(path: Path, *, endings: bool) -> list[str]:
    """Names of a picture in annotations, the longest first: ``a/b/c``, ``b/c``, ``c``."""
    parts = [part for part in path.parts if part != path.anchor]
    names = ["/".join(parts[start:]) for start in range(len(parts))]
    return [_plain(name if endings else _stem(name)) for name in names]


def _stem(name: str) -> str:
    """A name with its folders, without its suffix."""
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).name else name


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _masked(image: ImageEntry, mask: Path | None) -> ImageEntry:
    """Add a mask to a picture; its size must be the picture's."""
    if mask is None:
        return image
    try:
        own = picture_header(mask)
    except ImageError as error:
        raise _of_mask(error) from error
    size, orientation = (image.width, image.height), _orientation(image)
    if own.size == size:
        if own.orientation == 1 and not _decided_by_size(size, orientation):
            _warn_of_turn(image, f"the mask {mask.name}")
        return replace(image, mask=mask)
    swapped = own.size[::-1] == size
    if swapped and orientation in SIDEWAYS:
        return replace(image, mask=mask, mask_orientation=orientation)
    raise SpecError(
        f"The mask {mask.name} has {own.size[0]}x{own.size[1]} pixels, but {image.name} has "
        f"{image.width}x{image.height}{' when it is upright' if swapped else ''}.",
        "Turn the mask as the picture is turned."
        if swapped
        else "Make the mask for the picture as it is in the gallery.",
    )


def _of_mask(error: ImageError) -> SpecError:
    return SpecError(f"A mask cannot be used: {error.message}", error.hint)


def _boxed(image: ImageEntry, marks: MarkedImage | None) -> ImageEntry:
    """Add boxes to a picture, clipped to its edges; boxes outside are an error."""
    if marks is None:
        return image
    size, orientation = (image.width, image.height), _orientation(image)
    boxes, claimed = marks.boxes, marks.size
    if orientation in SIDEWAYS and claimed is None and not _inside(boxes, size):
        claimed = size[::-1]  # drawn on the stored pixels, or wrong: then one of them is named
    if orientation in SIDEWAYS and claimed == size[::-1] and claimed != size:
        if _inside(boxes, claimed):
            return replace(
                image, boxes=_cut([turned(b, orientation, claimed) for b in boxes], size)
            )
    elif not _decided_by_size(size, orientation) or (orientation in SIDEWAYS and claimed is None):
        _warn_of_turn(image, marks.place)
    if marks.size is not None and marks.size != size:
        raise SpecError(
            f"{marks.place} is about a picture of {marks.size[0]}x{marks.size[1]} pixels, but "
            f"{image.name} has {size[0]}x{size[1]}.",
            "Make the boxes for the picture as it is in the gallery, upright.",
        )
    for box in boxes:
        if not _inside([box], size):
            raise SpecError(
                f"{marks.place}: the box from ({machine(box.left)}, {machine(box.top)}) to "
                f"({machine(box.right)}, {machine(box.bottom)}) lies outside {image.name}, which "
                f"has {size[0]}x{size[1]} pixels.",
                "Boxes are in pixels of the upright picture.",
            )
    return replace(image, boxes=_cut(boxes, size))


# --- pictures that EXIF turns --------------------------------------------------------------------


def turned(box: ObjectBox, orientation: int, stored: tuple[int, int]) -> ObjectBox:
    """Rotate a box from stored pixels to the upright picture.

    Args:
        box: box in stored pixels.
        orientation: EXIF orientation, 1 to 8.
        stored: width and height of the stored pixels.
    """
    width, height = stored
    left, right = box.left, box.right
    top, bottom = box.top, box.bottom
    if orientation in (2, 3, 7, 8):  # mirrored from left to right, before width and height swap
        left, right = width - right, width - left
    if orientation in (3, 4, 6, 7):
        top, bottom = height - bottom, height - top
    if orientation in SIDEWAYS:
        left, top, right, bottom = top, left, bottom, right
    return replace(box, left=left, top=top, right=right, bottom=bottom)


def _orientation(image: ImageEntry) -> int:
    """EXIF orientation of a picture's file; 1 if the file is gone."""
    try:
        return picture_header(image.path).orientation
    except ImageError:
        return 1


def _decided_by_size(size: tuple[int, int], orientation: int) -> bool:
    """Whether annotations of this size can only refer to the upright picture."""
    return orientation == 1 or (orientation in SIDEWAYS and size[0] != size[1])


def _warn_of_turn(image: ImageEntry, marks: str) -> None:
    logger.warning(
        "%s",
        f"{image.name} is turned by EXIF, and its size does not tell whether {marks} was made for "
        "the turned or the stored picture. It is taken for the turned one: check it on the page "
        "of the image, or save the picture without EXIF orientation and mark it again.",
    )


def _inside(boxes: Sequence[ObjectBox], size: tuple[int, int]) -> bool:
    return all(
        min(box.left, box.top) >= -SLACK
        and box.right <= size[0] + SLACK
        and box.bottom <= size[1] + SLACK
        for box in boxes
    )


def _cut(boxes: Sequence[ObjectBox], size: tuple[int, int]) -> tuple[ObjectBox, ...]:
    """Clip boxes to the edges of their picture."""
    return tuple(
        replace(
            box,
            left=max(0.0, box.left),
            top=max(0.0, box.top),
            right=min(float(size[0]), box.right),
            bottom=min(float(size[1]), box.bottom),
        )
        for box in boxes
    )
