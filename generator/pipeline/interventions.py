"""Planning of test-time registers: supported models and calibration pictures."""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.errors import ImageError, ModelError
from generator.images.find import load_images, open_picture
from generator.records.extras import Intervened, Intervention
from generator.records.run import AddedRegister, Failure, ImageEntry
from generator.records.store import Store
from generator.spec.models import ModelSpec

CALIBRATION = 16
"""Most pictures of the gallery for calibration; a calibration folder is used completely."""


@dataclass(frozen=True, slots=True)
class PlannedRegister:
    """A test-time register requested for a model.

    Attributes:
        asked: the request.
        pictures: calibration pictures, without duplicates.
        shown: number of them in the gallery.
    """

    asked: Intervention
    pictures: tuple[ImageEntry, ...]
    shown: int

    def described(self, made: Intervened) -> AddedRegister:
        """The entry for pages, once the register was made."""
        return AddedRegister(made, tuple(picture.name for picture in self.pictures), self.shown)


def requested_register(
    model: ModelSpec,
    resolved: ResolvedModel,
    images: Sequence[ImageEntry],
    store: Store,
) -> PlannedRegister | None:
    """Plan the test-time register of a model; None if none is requested.

    Args:
        model: the model's spec.
        resolved: the resolved model.
        images: images of the gallery, in order.

    Raises:
        ModelError: the blocks accept no additional token, the model has no class token, or no
            calibration picture can be opened.
    """
    asked = model.test_time_registers
    if asked is None:
        return None
    if reason := resolved.vision.no_register:
        raise ModelError(
            f"{resolved.id} cannot have a test-time register: {reason}.",
            "Leave test_time_registers out for this model.",
            usage=True,
        )
    known = store.images()
    if asked.calibration is None:
        found = {image.sha256: image for image in images}.values()
        good = (image for image in found if _fault(image, known) is None)
        pictures = tuple(islice(good, CALIBRATION))
    else:
        own = _pictures(asked.calibration, resolved.id, known)
        pictures = tuple({image.sha256: image for image in own}.values())
    shown = {image.sha256 for image in images}
    return PlannedRegister(
        Intervention(asked.neurons, asked.up_to_layer, tuple(image.sha256 for image in pictures)),
        pictures,
        sum(image.sha256 in shown for image in pictures),
    )


def _pictures(place: Path, model: str, known: Container[str]) -> tuple[ImageEntry, ...]:
    """The readable pictures of a calibration folder.

    Args:
        known: hashes of the images of records.

    Raises:
        ModelError: there are none. Pages show the message, so it does not name the folder's path.
    """
    found: tuple[ImageEntry, ...] = ()
    with suppress(ImageError):  # a folder without pictures
        found = load_images([place]) if place.exists() else ()
    faults = [_fault(image, known) for image in found]
    if None in faults:
        return tuple(i for i, fault in zip(found, faults, strict=True) if fault is None)
    reason = "it holds no picture" if place.exists() else "there is no such folder"
    if broken := [fault for fault in faults if fault]:
        reason = broken[0].message.rstrip(".")
    raise ModelError(
        f"{model} has no calibration pictures in {place.name}: {reason}.",
        "Correct calibration in test_time_registers, or leave it out for the gallery's pictures.",
        usage=True,
    )


def _fault(image: ImageEntry, known: Container[str]) -> Failure | None:
    """Why a picture cannot be read; None if it can. Those of records were decoded before.

    The pictures are part of the key of records, so they are decoded before any is measured.

    Args:
        known: hashes of the images of records.
    """
    if image.failure is not None or image.sha256 in known:
        return image.failure
    try:
        open_picture(image.path)
    except ImageError as error:
        return Failure(error.message, error.hint)
    return None
