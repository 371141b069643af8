"""Which crew measures a gallery."""

from __future__ import annotations

from generator.pipeline.workers.measurer import Here
from generator.pipeline.workers.work import Crew, How
from generator.records.store import Store
from generator.spec.gallery import GallerySpec


def crew_for(spec: GallerySpec, dtype: str, store: Store) -> Crew:
    """The crew that a gallery asks for.

    Args:
        dtype: dtype of weights and activations, resolved.
        store: receives records.

    Raises:
        ModelError: this machine has no such device.
    """
    from generator.capture.models.device import choose_device  # noqa: PLC0415 - imports torch

    device = choose_device(spec.device)
    return Here(How(spec.device, dtype), store, accelerated=device.type != "cpu")
