"""Planning of test-time registers: supported models and calibration pictures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.errors import ImageError, ModelError
from generator.images.find import load_images
from generator.records.extras import Intervened, Intervention
from generator.records.run import AddedRegister, ImageEntry
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
    own = () if asked.calibration is None else _pictures(asked.calibration, resolved.id, store)
    good = {image.sha256: image for image in own or images if image.failure is None}
    pictures = tuple(good.values())[: None if own else CALIBRATION]
    shown = {image.sha256 for image in images}
    return PlannedRegister(
        Intervention(asked.neurons, asked.up_to_layer, tuple(image.sha256 for image in pictures)),
        pictures,
        sum(image.sha256 in shown for image in pictures),
    )


def _pictures(place: Path, model: str, store: Store) -> tuple[ImageEntry, ...]:
    """The readable pictures of a calibration folder.

    Raises:
        ModelError: there are none. Pages show the message, so it does not name the folder's path.
    """
    found: tuple[ImageEntry, ...] = ()
    with suppress(ImageError):  # a folder without pictures
        found = load_images([place], known=store.images()) if place.exists() else ()
    good = tuple(image for image in found if image.failure is None)
    if good:
        return good
    reason = "it holds no picture" if place.exists() else "there is no such folder"
    if broken := [image.failure for image in found if image.failure]:
        reason = broken[0].message.rstrip(".")
    raise ModelError(
        f"{model} has no calibration pictures in {place.name}: {reason}.",
        "Correct calibration in test_time_registers, or leave it out for the gallery's pictures.",
        usage=True,
    )
