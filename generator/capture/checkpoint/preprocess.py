"""From an oriented picture to a model's input, and back to the part of the picture it covers.

Done here in Pillow and numpy rather than by the checkpoint's processor class, so that it gives the
same pixels with and without torchvision, works for processors that exist only with it, and always
knows which part of the original each patch saw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.processors import RESAMPLE_NAMES, Processor
from generator.errors import ModelError
from generator.records.record import FieldOfView, Preprocessing, View
from generator.text.numbers import count, machine
from generator.text.phrases import layer_spans

if TYPE_CHECKING:
    from generator.capture.checkpoint.resolved import ResolvedModel

MOST_PATCHES = 32_768
"""Most patches of one input: with more, the attention of a single head would need over 4 GB. A long
thin picture in the view ``whole`` can exceed it."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Resizing and cropping of one picture.

    Attributes:
        box: the part of the oriented original that is resized (left, top, right, bottom), in
            original pixels.
        resized: width and height it is resized to.
        crop: the part of the resized picture that is kept (left, top, right, bottom).
        view: part of the original that the kept part covers.
    """

    box: tuple[float, float, float, float]
    resized: tuple[int, int]
    crop: tuple[int, int, int, int]
    view: View


def describe(
    processor: Processor,
    vision: VisionConfig,
    *,
    field_of_view: FieldOfView,
    resolution: int | None,
    model: str,
) -> Preprocessing:
    """Everything that determines the input, apart from the picture itself.

    Args:
        processor: the checkpoint's own preprocessing.
        vision: geometry of the model.
        field_of_view: what part of each picture to use.
        resolution: short side of the input asked for, in pixels; None for the checkpoint's own.
        model: named in errors.

    Raises:
        ModelError: this model cannot run at this resolution, or ``checkpoint`` is asked for and
            its own preprocessing cannot be followed.
    """
    if field_of_view == "checkpoint" and processor.beyond:
        raise ModelError(
            f"{model} {processor.beyond} in its own preprocessing, which the view of the "
            "checkpoint does not follow.",
            "Use --field-of-view square or whole.",
            usage=True,
        )
    own = (vision.resizable and processor.resolution) or vision.image_size
    side = resolution or own
    patch = math.lcm(vision.step_height, vision.step_width)
    if field_of_view != "checkpoint":
        side = max(round(side / patch), 1) * patch
    if not vision.resizable and (side != own or field_of_view == "whole"):
        raise ModelError(
            f"{model} runs only on {own} x {own} px: its positions are not resized to other grids.",
            "Leave --resolution out for this model and use --field-of-view square.",
            usage=True,
        )
    return Preprocessing(
        field_of_view=field_of_view,
        resolution=side,
        resample=RESAMPLE_NAMES[processor.resample],
        rescale=processor.rescale,
        mean=processor.mean,
        std=processor.std,
        assumed=processor.assumed,
        steps=_steps(processor, vision, field_of_view, side),
    )


def locate(
    width: int,
    height: int,
    *,
    processor: Processor,
    vision: VisionConfig,
    preprocessing: Preprocessing,
    model: str,
) -> Geometry:
    """Find the resizing and cropping of a picture of this size.

    Args:
        width: of the oriented original, in pixels.
        height: of the oriented original, in pixels.
        processor: the checkpoint's own preprocessing.
        vision: geometry of the model.
        preprocessing: as :func:`describe` gave it.
        model: named in errors.

    Raises:
        ModelError: the checkpoint's own crop is larger than its resized picture, or the input is
            larger than can be measured.
    """
    side = preprocessing.resolution
    box = (0.0, 0.0, float(width), float(height))
    if preprocessing.field_of_view == "square":
        short = min(width, height)
        left, top = (width - short) / 2, (height - short) / 2
        box = (left, top, left + short, top + short)
        resized = kept = (side, side)
    elif preprocessing.field_of_view == "whole":
        scale = side / min(width, height)
        resized = kept = (
            max(round(width * scale / vision.step_width), 1) * vision.step_width,
            max(round(height * scale / vision.step_height), 1) * vision.step_height,
        )
    else:
        resized, kept = _own_sizes(width, height, processor, vision, side, model)
    _expect_measurable(width, height, kept, vision, model)
    corner = math.floor if processor.centered == "down" else round
    left, top = corner((resized[0] - kept[0]) / 2), corner((resized[1] - kept[1]) / 2)
    # A convolution drops what no whole patch covers: at the right and at the bottom.
    crop = (
        left,
        top,
        left + kept[0] // vision.step_width * vision.step_width,
        top + kept[1] // vision.step_height * vision.step_height,
    )
    width_of_box, height_of_box = box[2] - box[0], box[3] - box[1]
    view = View(
        image_width=width,
        image_height=height,
        left=box[0] + crop[0] / resized[0] * width_of_box,
        top=box[1] + crop[1] / resized[1] * height_of_box,
        right=box[0] + crop[2] / resized[0] * width_of_box,
        bottom=box[1] + crop[3] / resized[1] * height_of_box,
        input_width=crop[2] - crop[0],
        input_height=crop[3] - crop[1],
    )
    return Geometry(box=box, resized=resized, crop=crop, view=view)


def _expect_measurable(
    width: int, height: int, kept: tuple[int, int], vision: VisionConfig, model: str
) -> None:
    """Refuse an input of more patches than can be measured."""
    rows, cols = kept[1] // vision.patch_height, kept[0] // vision.patch_width
    if rows * cols > MOST_PATCHES:
        raise ModelError(
            f"{model} would see a picture of {width} x {height} px as {count(rows)} x "
            f"{count(cols)} patches, where at most {count(MOST_PATCHES)} patches are measured.",
            "Lower --resolution, use --field-of-view square, or crop the picture.",
            usage=True,
        )


def model_input(
    picture: Image.Image,
    resolved: ResolvedModel,
    *,
    field_of_view: FieldOfView,
    resolution: int | None,
) -> tuple[NDArray[np.float32], Preprocessing]:
    """A picture as a model's input ``[channel, row, column]``, and how it was made."""
    preprocessing = describe(
        resolved.processor,
        resolved.vision,
        field_of_view=field_of_view,
        resolution=resolution,
        model=resolved.id,
    )
    geometry = locate(
        *picture.size,
        processor=resolved.processor,
        vision=resolved.vision,
        preprocessing=preprocessing,
        model=resolved.id,
    )
    return pixels(picture, geometry, preprocessing), preprocessing


def pixels(
    picture: Image.Image, geometry: Geometry, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """The model's input: float32 ``[channel, row, column]``, red first, normalized.

    Args:
        picture: oriented, RGB.
        geometry: of this picture's size.
        preprocessing: filter, rescaling and normalization.
    """
    resample = {name: number for number, name in RESAMPLE_NAMES.items()}[preprocessing.resample]
    resized = picture.resize(geometry.resized, Image.Resampling(resample), box=geometry.box)
    values = np.asarray(resized.crop(geometry.crop), dtype=np.float32) * np.float32(
        preprocessing.rescale
    )
    mean = np.asarray(preprocessing.mean, dtype=np.float32)
    std = np.asarray(preprocessing.std, dtype=np.float32)
    return np.ascontiguousarray(((values - mean) / std).transpose(2, 0, 1))


def _own_sizes(
    width: int, height: int, processor: Processor, vision: VisionConfig, side: int, model: str
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Sizes (width, height) after resizing and after cropping, as the checkpoint does it."""
    scale = side / (processor.resolution or vision.image_size)
    if processor.resize == "patches":
        budget = round(processor.height * scale**2)
        resized = _within_patches(width, height, vision, budget)
    elif processor.resize == "exact":
        resized = (round(processor.width * scale), round(processor.height * scale))
    elif processor.resize == "shortest":
        short = round(processor.height * scale)
        long = int(short * max(width, height) / min(width, height))
        resized = (short, long) if width <= height else (long, short)
    else:
        resized = (width, height)
    if not processor.crop_height:
        return resized, resized
    kept = (round(processor.crop_width * scale), round(processor.crop_height * scale))
    if kept[0] > resized[0] or kept[1] > resized[1]:
        raise ModelError(
            f"{model} crops {kept[0]} x {kept[1]} px out of a picture resized to "
            f"{resized[0]} x {resized[1]} px, which would pad it with black.",
            "Use --field-of-view square.",
            usage=True,
        )
    return resized, kept


def _within_patches(width: int, height: int, vision: VisionConfig, budget: int) -> tuple[int, int]:
    """The largest size of (nearly) this aspect ratio within a number of patches.

    Bisects the scale to 1e-5 as the NaFlex processor does, rounding each side up to whole patches.
    """

    def at(scale: float) -> tuple[int, int]:
        return (
            max(math.ceil(width * scale / vision.patch_width), 1) * vision.patch_width,
            max(math.ceil(height * scale / vision.patch_height), 1) * vision.patch_height,
        )

    low, high = 1e-6, 100.0
    while high - low >= 1e-5:
        middle = (low + high) / 2
        columns, rows = at(middle)[0] // vision.patch_width, at(middle)[1] // vision.patch_height
        low, high = (middle, high) if columns * rows <= budget else (low, middle)
    return at(low)


def _steps(
    processor: Processor, vision: VisionConfig, field_of_view: FieldOfView, side: int
) -> tuple[str, ...]:
    """The preprocessing in words, one step a line."""
    filter_name = RESAMPLE_NAMES[processor.resample]
    steps = [
        "turn upright by the EXIF orientation",
        "convert an embedded color profile to sRGB, lay transparency on white, convert to RGB",
    ]
    if field_of_view == "square":
        steps.append("take the centered square; its edges may lie at half pixels")
        steps += [f"resize to {side} x {side} px ({filter_name})"]
    elif field_of_view == "whole":
        steps.append(
            f"resize the whole picture to a short side of {side} px, "
            f"each side a multiple of its patch ({filter_name})"
        )
    else:
        steps += _own_steps(processor, vision, side, filter_name)
    steps.append(f"multiply by {machine(processor.rescale)}")
    mean = ", ".join(machine(m) for m in processor.mean)
    std = ", ".join(machine(s) for s in processor.std)
    steps.append(f"subtract ({mean}), divide by ({std})")
    steps += _arranging(vision)
    if processor.assumed:
        steps.append(processor.assumed)
    return tuple(steps)


def _arranging(vision: VisionConfig) -> list[str]:
    """What is done with the pixels of a network that takes more than one picture."""
    steps = []
    if vision.inputs == "placed":
        steps.append(
            "subtract the picture's own mean, divide by its own deviation, over all pixels and "
            "colors of the input"
        )
    if vision.frames > 1:
        steps.append(
            f"repeat the picture over {vision.frames} frames, which one patch spans: the network "
            "reads clips"
        )
    if vision.merge > 1:
        steps.append(
            f"give the patches in neighborhoods of {vision.merge} x {vision.merge}, as the network "
            "wants them; maps have them row by row"
        )
    if vision.windowed:
        side = vision.window * vision.merge
        steps.append(
            f"{layer_spans(vision.windowed)} of {vision.layers} attend within windows of "
            f"{side} x {side} patches: a patch gives nothing to those outside of its window"
        )
        if vision.merge == 1:
            steps.append(
                "windows that reach past the picture are padded: padding is in no map, and takes "
                "its share of the attention of their patches"
            )
    return steps


def _own_steps(
    processor: Processor, vision: VisionConfig, side: int, filter_name: str
) -> list[str]:
    scale = side / (processor.resolution or vision.image_size)
    steps = []
    if processor.resize == "patches":
        budget = round(processor.height * scale**2)
        steps.append(f"resize, keeping the aspect ratio, to {budget} patches ({filter_name})")
    elif processor.resize == "exact":
        size = f"{round(processor.width * scale)} x {round(processor.height * scale)}"
        steps.append(f"resize to {size} px whatever the aspect ratio ({filter_name})")
    elif processor.resize == "shortest":
        steps.append(
            f"resize to a short side of {round(processor.height * scale)} px ({filter_name})"
        )
    if processor.crop_height:
        size = f"{round(processor.crop_width * scale)} x {round(processor.crop_height * scale)}"
        steps.append(f"crop the center, {size} px")
    return steps
