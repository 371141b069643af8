"""Readers of bounding boxes: COCO JSON and PASCAL VOC XML, as untrusted input.

Both are converted to pixels of the oriented picture, where pixel n spans n to n + 1. A COCO
``bbox`` is ``[left, top, width, height]`` from 0. A VOC ``bndbox`` counts pixels from 1 and holds
its last one, so ``xmin`` and ``ymin`` lose 1.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from generator.errors import SpecError
from generator.records.run import ObjectBox
from generator.spec.toml import did_you_mean_beside, kind_of, shortened
from generator.text.json_text import parsed_json
from generator.text.numbers import machine

logger = logging.getLogger(__name__)

COCO_LIMIT = 1_000_000_000
"""Most bytes of a JSON file; COCO's training set has half of that."""

VOC_LIMIT = 10_000_000
"""Most bytes of an XML file, which describes one picture."""


@dataclass(frozen=True, slots=True)
class MarkedImage:
    """The boxes of one picture, as a file states them.

    Attributes:
        place: the file, and the entry in it, for messages.
        size: width and height stated by the file, in pixels; None if it states none.
        boxes: boxes with an area, in the file's order; not yet checked against the picture.
    """

    place: str
    size: tuple[int, int] | None
    boxes: tuple[ObjectBox, ...]


# --- COCO ----------------------------------------------------------------------------------------


def read_coco(path: Path) -> Mapping[str, MarkedImage]:
    """The boxes of a COCO file, by ``file_name`` with forward slashes.

    Crowds (``iscrowd``) are skipped, as they are not single objects. Boxes without an area are
    skipped with a warning.

    Raises:
        SpecError: the file is missing, too large, or not valid COCO.
    """
    whole = _object(_json(path), path.name)
    images = [_object(item, f"{path.name}, images") for item in _list(whole, "images", path)]
    marks = [
        _object(item, f"{path.name}, annotations") for item in _list(whole, "annotations", path)
    ]
    labels = _labels(whole, path)
    names: dict[int | str, str] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    for image in images:
        name, number = _file_name(image, path), _id(image, "id", path)
        if number in names or name in sizes:
            raise SpecError(
                f"{path.name}: {shortened(name)} or its id {number} is listed twice.",
                "Leave one of the entries out.",
            )
        names[number], sizes[name] = name, _coco_size(image, name, path)
    boxes: dict[str, list[ObjectBox]] = {name: [] for name in sizes}
    flat = 0
    for mark in marks:
        number = _id(mark, "image_id", path)
        if number not in names:
            raise SpecError(
                f"{path.name}: an annotation is about the image {number}, which is not listed.",
                "Add it to images, or leave the annotation out.",
            )
        if mark.get("iscrowd"):
            continue
        name = names[number]
        box = _coco_box(mark, labels, f"{path.name}, {shortened(name)}")
        flat += box is None
        boxes[name] += [box] if box is not None else []
    if flat:
        logger.warning("%s", f"{path.name}: {flat} boxes without an area are left out.")
    return {
        name: MarkedImage(f"{path.name}, {shortened(name)}", sizes[name], tuple(found))
        for name, found in boxes.items()
    }


def _json(path: Path) -> object:
    data = _bytes(path, COCO_LIMIT)
    try:
        return parsed_json(data)
    except json.JSONDecodeError as error:
        raise SpecError(
            f"{path.name}, line {error.lineno}: not valid JSON: {error.msg}.",
            "Correct that line, or name a COCO JSON file.",
        ) from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path.name} is not UTF-8.", "Save the file as UTF-8.") from error
    except ValueError as error:
        raise SpecError(
            f"{path.name} is no COCO file: {error}.", "Name a COCO JSON file."
        ) from error


def _labels(whole: dict[str, Any], path: Path) -> Mapping[object, str]:
    """Names of the categories by id; may be empty."""
    listed = _list(whole, "categories", path) if "categories" in whole else []
    found: dict[object, str] = {}
    for item in listed:
        category = _object(item, f"{path.name}, categories")
        name = category.get("name", "")
        found[_id(category, "id", path)] = name if isinstance(name, str) else ""
    return found


def _file_name(image: dict[str, Any], path: Path) -> str:
    """The checked file name of a picture; it must not lead out of its folder."""
    name = image.get("file_name")
    if not isinstance(name, str) or not name.strip():
        raise SpecError(
            f"{path.name}: file_name of an image should be a text, got {kind_of(name)}.",
            "Every entry of images needs an id and a file_name.",
        )
    plain = PurePosixPath(name.replace("\\", "/"))
    if plain.is_absolute() or ".." in plain.parts or "\0" in name or not plain.name:
        raise SpecError(
            f"{path.name}: the file_name {shortened(name)} leads out of the pictures' folder.",
            "Write names such as birds/robin.jpg.",
        )
    return str(plain)


def _coco_size(image: dict[str, Any], name: str, path: Path) -> tuple[int, int] | None:
    if "width" not in image and "height" not in image:
        return None
    size = []
    for key in ("width", "height"):
        value = image.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise SpecError(
                f"{path.name}, {shortened(name)}: {key} should be a number of pixels, got "
                f"{kind_of(value)}.",
                "Correct it, or leave out both width and height.",
            )
        size.append(value)
    return (size[0], size[1])


def _coco_box(mark: dict[str, Any], labels: Mapping[object, str], place: str) -> ObjectBox | None:
    """One box; None if it has no area."""
    given = mark.get("bbox")
    numbers = [_finite(value) for value in given] if isinstance(given, list) else []
    if len(numbers) != 4 or None in numbers or numbers[2] < 0 or numbers[3] < 0:  # type: ignore[operator]
        raise SpecError(
            f"{place}: bbox should be four numbers, left, top, width and height, got "
            f"{shortened(json.dumps(given, default=str))}.",
            "Correct it, or leave the annotation out.",
        )
    left, top, width, height = (float(number) for number in numbers if number is not None)
    category = mark.get("category_id")
    label = labels.get(category, "") if isinstance(category, int | str) else ""
    box = ObjectBox(left, top, left + width, top + height, label)
    return box if box.left < box.right and box.top < box.bottom else None


def _finite(value: object) -> float | None:
    """A finite number as a float; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _id(item: dict[str, Any], key: str, path: Path) -> int | str:
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise SpecError(
            f"{path.name}: {key} should be a number or a text, got {kind_of(value)}.",
            "Images, annotations and categories are tied together by their ids.",
        )
    return value


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"{place}: expected an object, got {kind_of(value)}.", "See COCO's format.")
    return value


def _list(whole: dict[str, Any], key: str, path: Path) -> Sequence[object]:
    value = whole.get(key)
    if not isinstance(value, list):
        raise SpecError(
            f"{path.name}: {key} should be a list, got {kind_of(value)}.",
            "A COCO file has the lists images and annotations.",
        )
    return value


# --- PASCAL VOC ----------------------------------------------------------------------------------


def read_voc(path: Path) -> MarkedImage:
    """The boxes of a VOC file, including difficult and truncated objects.

    The picture's name inside the file is ignored. Document types, and so entities, are refused: a
    VOC file has none.

    Raises:
        SpecError: the file is missing, too large, or not valid VOC.
    """
    root = _xml(path)
    if root.tag != "annotation":
        raise SpecError(
            f"{path.name}: expected <annotation>, got <{shortened(root.tag)}>.",
            "Name VOC XML files.",
        )
    size = None
    if root.find("size") is not None:
        width, height = (_number(root, f"size/{key}", path) for key in ("width", "height"))
        # Some tools write 0x0 where they don't know.
        size = (int(width), int(height)) if width or height else None
    boxes = []
    for item in root.iterfind("object"):
        left, top, right, bottom = (
            _number(item, f"bndbox/{key}", path) for key in ("xmin", "ymin", "xmax", "ymax")
        )
        box = ObjectBox(left - 1, top - 1, right, bottom, (item.findtext("name") or "").strip())
        if not (box.left < box.right and box.top < box.bottom):
            raise SpecError(
                f"{path.name}: the box from ({machine(left)}, {machine(top)}) to "
                f"({machine(right)}, {machine(bottom)}) has no area.",
                "Correct it, or leave the object out.",
            )
        boxes.append(box)
    return MarkedImage(path.name, size, tuple(boxes))


def _xml(path: Path) -> Element:
    """A file's root element, parsed without document types, entities or external content."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> None:
        raise SpecError(
            f"{path.name} declares a document type, which could hide anything.",
            "Take the line <!DOCTYPE ...> out.",
        )

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(_bytes(path, VOC_LIMIT), True)
        return builder.close()
    except (expat.ExpatError, AssertionError, LookupError, ValueError) as error:
        raise SpecError(f"{path.name} is not valid XML: {error}.", "Name VOC XML files.") from error


def _number(item: Element, key: str, path: Path) -> float:
    text = (item.findtext(key) or "").strip()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SpecError(
            f'{path.name}: {key} should be a number, got "{shortened(text)}".',
            "Correct it.",
        )
    return number


def _bytes(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise SpecError(
                f"{path.name} is too large: {round(size / 1e6)} MB, where at most "
                f"{round(limit / 1e6)} are read.",
                "Keep only the pictures of the gallery in it.",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        hint = did_you_mean_beside(path) or "Check the path of boxes."
        raise SpecError(f"There is no file {path}.", hint) from error
    except OSError as error:
        raise SpecError(
            f"{path} cannot be read: {error.strerror}.", "Check the path of boxes."
        ) from error
