"""Test-time registers as a plan has them: for which models they work, and on which images."""

from __future__ import annotations

from collections.abc import Sequence

from generator.capture.layouts import takes_no_register
from generator.capture.resolved import ResolvedModel
from generator.errors import ModelError
from generator.records.extras import Intervention
from generator.records.run import ImageEntry
from generator.spec.models import ModelSpec

CALIBRATION = 16
"""Images, the first of the gallery, on which register neurons are looked for, at most."""


def plan_intervention(
    model: ModelSpec, resolved: ResolvedModel, images: Sequence[ImageEntry]
) -> Intervention | None:
    """The test-time register that a model is asked to have; None where none is.

    Args:
        model: as the user named it.
        resolved: what is known of it.
        images: of the gallery, in order.

    Raises:
        ModelError: its blocks take no further token, or there is no class token to put it behind.
    """
    asked = model.test_time_registers
    if asked is None:
        return None
    if reason := takes_no_register(resolved.vision, resolved.config):
        raise ModelError(
            f"{resolved.id} cannot have a test-time register: {reason}.",
            "Leave test_time_registers out for this model.",
        )
    good = dict.fromkeys(image.sha256 for image in images if image.failure is None)
    return Intervention(asked.neurons, asked.up_to_layer, tuple(good)[:CALIBRATION])
