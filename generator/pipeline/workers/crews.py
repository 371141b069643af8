"""Where a gallery is measured, and by which crew."""

from __future__ import annotations

from dataclasses import dataclass

from generator.pipeline.workers.devices import DeviceProcesses
from generator.pipeline.workers.measurer import Here
from generator.pipeline.workers.work import Crew, How
from generator.records.store import Store
from generator.spec.gallery import GallerySpec

FEWEST = 2
"""Fewest batches for each automatic device. With fewer, a process starts longer than it saves."""


@dataclass(frozen=True, slots=True)
class Places:
    """Devices to measure on.

    Attributes:
        devices: their names, all of one kind.
        accelerated: whether they are accelerators.
        fewest: fewest batches for each.
    """

    devices: tuple[str, ...]
    accelerated: bool
    fewest: int


def places_of(spec: GallerySpec) -> Places:
    """The devices of this machine that a gallery asks for; one for models that are open already.

    Raises:
        ModelError: this machine has no such device.
    """
    from generator.capture.models.device import choose_devices  # noqa: PLC0415 - imports torch

    found = choose_devices(spec.device)
    if any(model.opened for model in spec.models):  # they cannot be sent to another process
        found = found[:1]
    return Places(
        tuple(str(device) for device in found),
        found[0].type != "cpu",
        FEWEST if spec.device == "auto" else 1,
    )


def crew_of(places: Places, dtype: str, store: Store, *, batches: int) -> Crew:
    """The crew of this machine for some batches.

    Args:
        dtype: dtype of weights and activations, resolved.
        store: receives records.
    """
    count = min(len(places.devices), batches // places.fewest)
    if count > 1:
        return DeviceProcesses(places.devices[:count], dtype, store)
    return Here(How(places.devices[0], dtype), store)
