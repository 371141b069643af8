"""Measuring on a node of a cluster: what is checked there, and what is not taken for granted.

A node may have other packages, other weights in a folder of the same name, other pictures, or no
sight of the record store. Nothing here imports Ray.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from generator.errors import GalleryError, ModelError
from generator.pipeline.plan import PlannedModel, resolve
from generator.pipeline.workers.measurer import Measurer
from generator.pipeline.workers.telling import Stopped, portable, told
from generator.pipeline.workers.work import Batch, Deal, How, Outcome, Recorded
from generator.records.file_hashes import sha256_of
from generator.records.record import SCHEMA
from generator.records.run import ImageEntry
from generator.records.store import EXTRACT_VERSION, Store
from generator.temporary import scratch
from generator.version import __version__

PACKAGES = ("numpy", "pillow", "torch", "transformers", "timm", "peft", "safetensors")
"""Packages that decide the numbers; their versions are part of a record."""


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """What a worker on a node needs once.

    Attributes:
        how: device and dtype.
        store: folder of the record store.
        mark: a file in it that the program has written.
        token: what the file holds.
        reply: a file to write there.
        same_machine: whether the node is the program's own.
        folder: the program's current folder, from which paths are told.
    """

    how: How
    store: Path
    mark: Path
    token: str
    reply: Path
    same_machine: bool
    folder: Path


@dataclass(frozen=True, slots=True)
class Hello:
    """First answer of a worker on a node.

    Attributes:
        host: name of the node.
        versions: of what decides the numbers.
    """

    host: str
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lacking:
    """Pictures that the node does not have, or has with other bytes."""

    pictures: tuple[ImageEntry, ...]


Answer = Outcome | Stopped | Lacking


def versions() -> tuple[tuple[str, str], ...]:
    """Versions of what decides the numbers of a record."""
    found = {
        "attention-gallery": f"{__version__} (records {SCHEMA}, measuring {EXTRACT_VERSION})",
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return tuple(found.items())


def expect_same_versions(hello: Hello) -> None:
    """Check that a node has the versions of this machine.

    Raises:
        GalleryError: it has not.
    """
    own, other = dict(versions()), dict(hello.versions)
    for name in dict.fromkeys([*own, *other]):
        if own.get(name) != other.get(name):
            raise GalleryError(
                f"The node {hello.host} has {name} {other.get(name, 'not installed')}, and this "
                f"machine has {own.get(name, 'none')}: their numbers could differ.",
                "Install the same versions on all nodes, for instance with one container image.",
            )


def enter(folder: Path) -> None:
    """Go to the program's current folder, if it is there: paths may be relative to it."""
    with suppress(OSError):
        os.chdir(folder)


class NodeMeasurer:
    """Measures batches on a node.

    Args:
        setup: what it needs once.
    """

    def __init__(self, setup: NodeSetup) -> None:
        enter(setup.folder)
        self._setup = setup
        self._measurer: Measurer | None = None
        self._same: set[str] = set()
        self._at_hand: set[tuple[Path, str]] = set()

    def hello(self) -> Hello:
        """Say what this node is, and answer the mark in the store if it can be seen."""
        with suppress(OSError):
            if self._setup.mark.read_text() == self._setup.token:
                self._setup.reply.write_text(self._setup.token)
        return Hello(socket.gethostname(), versions())

    def measure(
        self, deal: Deal, pictures: Mapping[str, bytes] | None, *, shared: bool
    ) -> list[Answer]:
        """Measure a batch.

        Args:
            pictures: by hash, those that the node lacked; None before it was asked.
            shared: whether this node writes to the program's store.

        Returns:
            All outcomes of the batch, or what the node lacks.
        """
        store = Store(self._setup.store) if shared else None
        if self._measurer is None:
            self._measurer = Measurer(self._setup.how, store)
        batch = deal.batch
        if store and not batch.weights and all(store.has(cell.key) for cell in batch.cells):
            return [Recorded(cell.key) for cell in batch.cells]  # by a worker that was lost then
        try:
            self._expect_same(batch.model)
            lacking = self._lacking(batch)
            if lacking and pictures is None:
                return [Lacking(tuple(lacking))]
            following = deal.following
            if following is not None and self._lacking(following):
                following = None
            with scratch() as folder:
                ready = Deal(_with_pictures(batch, pictures or {}, folder), following)
                outcomes = [*told(self._measurer.measure(ready)), *told(self._measurer.flush())]
        except GalleryError as error:
            return [Stopped(error)]
        return [portable(outcome) for outcome in outcomes]

    def _expect_same(self, model: PlannedModel) -> None:
        """Check that a local model has the same weights on this node.

        Raises:
            ModelError: it is not here, or is another.
        """
        slug, known = model.entry.slug, model.resolved
        if slug in self._same or self._setup.same_machine:
            return
        assert known is not None and model.asked is not None
        local = known.source == "folder" or (known.base and known.base.source == "folder")
        if local:  # the hub's are named by their commit
            here = f"on the node {socket.gethostname()}"
            hint = "Put it on a file system that all nodes share, or on the hub."
            try:
                found = resolve(model.asked, trust_remote_code=known.trust_remote_code)
            except GalleryError as error:
                problem = f"{known.id} cannot be read {here}: {error.message}"
                raise ModelError(problem, hint) from error
            if found.version != known.version:
                raise ModelError(f"{known.id} has other weights {here}.", hint)
        self._same.add(slug)

    def _lacking(self, batch: Batch) -> list[ImageEntry]:
        """Pictures of a batch that this node does not have."""
        register = batch.model.register
        needed = [cell.image for cell in batch.cells]
        needed += register.pictures if register else ()
        return [image for image in dict.fromkeys(needed) if not self._has(image)]

    def _has(self, image: ImageEntry) -> bool:
        """Whether a picture is here, with the same bytes."""
        known = (image.path, image.sha256)
        if self._setup.same_machine or known in self._at_hand:
            return True
        try:
            same = sha256_of(image.path) == image.sha256
        except OSError:
            return False
        if same:
            self._at_hand.add(known)
        return same


def _with_pictures(batch: Batch, pictures: Mapping[str, bytes], folder: Path) -> Batch:
    """A batch whose pictures are in a folder, where they were sent."""
    paths = {}
    for sha256, data in pictures.items():
        paths[sha256] = folder / sha256
        paths[sha256].write_bytes(data)

    def placed(image: ImageEntry) -> ImageEntry:
        return replace(image, path=paths.get(image.sha256, image.path))

    cells = tuple(replace(cell, image=placed(cell.image)) for cell in batch.cells)
    model, register = batch.model, batch.model.register
    if register is not None:
        own = tuple(placed(picture) for picture in register.pictures)
        model = replace(model, register=replace(register, pictures=own))
    return replace(batch, cells=cells, model=model)
