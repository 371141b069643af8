"""The record store: records on disk, addressed by the hash of their inputs.

``<store>/ab/abcd...ef.safetensors`` holds one record: its arrays, and in the header one JSON text
with its facts. Files are written to a temporary name and renamed, so a file with a record's name is
always complete, without locks, even if several processes write or one is killed. The same record
gives the same bytes. Arrays from a model's weights are in
``<store>/weights/abcd...ef.safetensors``.

Every file has checksums (see :mod:`generator.records.seal`), verified on reading. An invalid file
(truncated, damaged, foreign, of another schema) counts as absent, with a warning, and is measured
again. A damaged file is kept as ``abcd...ef.damaged``.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from generator.errors import StoreError
from generator.records.extras import Intervention, Measuring, ModelWeights
from generator.records.file import (
    DoubtError,
    OtherSchemaError,
    RecordHeader,
    assemble,
    not_finite,
    pack_record,
    read_header,
)
from generator.records.file_hashes import FileStamp
from generator.records.packing import PackingError, canonical, pack, unpack
from generator.records.record import (
    SCHEMA,
    AttentionRecord,
    PatchQueries,
    Preprocessing,
    RecordError,
)
from generator.records.seal import SealError
from generator.temporary import beside
from generator.text.amounts import size_in_words

__all__ = [
    "EXTRACT_VERSION",
    "RecordHeader",
    "Store",
    "load_records",
    "record_key",
    "weights_key",
]

logger = logging.getLogger(__name__)

EXTRACT_VERSION = 9
"""Version of the measurement; raise it when results change, and every record is measured again."""

_NAME = re.compile(r"[0-9a-f]{64}")
_WEIGHTS = "weights"  # folders of records have two letters, so this name is free
_DAMAGED = ".damaged"
_STALE_AFTER = 3600.0  # seconds; a younger temporary file may belong to a running process


def record_key(
    *,
    model: str,
    version: str,
    image_sha256: str,
    preprocessing: Preprocessing,
    patch_queries: PatchQueries,
    measuring: Measuring,
    dtype: str,
    intervention: Intervention | None = None,
) -> str:
    """Key of a record, the hash of its inputs: 64 hex digits.

    Args:
        model: ``ModelFacts.id``.
        version: ``ModelFacts.version``: the commit, or the weights' hash of a folder.
        image_sha256: hash of the image file.
        preprocessing: how the input is made; its texts ``steps`` and ``assumed`` do not count.
        patch_queries: kept rows of patch queries, resolved (never ``auto``).
        measuring: optional parts to measure.
        dtype: dtype of weights and activations, resolved.
        intervention: a test-time register; None for the unmodified model.
    """
    how = asdict(preprocessing)
    del how["steps"], how["assumed"]
    parts = {
        "schema": SCHEMA,
        "extract": EXTRACT_VERSION,
        "model": model,
        "version": version,
        "image": image_sha256,
        "preprocessing": how,
        "patch_queries": patch_queries,
        "measuring": asdict(measuring),
        "dtype": dtype,
    }
    if intervention is not None:
        parts["intervention"] = asdict(intervention)
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def weights_key(*, model: str, version: str, dtype: str) -> str:
    """Key of the arrays from a model's weights: 64 hex digits.

    Args:
        model: ``ModelFacts.id``.
        version: ``ModelFacts.version``.
        dtype: dtype that the weights were loaded in, resolved.
    """
    parts = {
        "kind": "weights",
        "schema": SCHEMA,
        "extract": EXTRACT_VERSION,
        "model": model,
        "version": version,
        "dtype": dtype,
    }
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def unwritable(folder: Path, error: OSError) -> StoreError:
    """The error of a store that cannot be written, for another reason than a full disk."""
    forbidden = error.errno in (errno.EACCES, errno.EPERM)
    return StoreError(
        f"The record store {folder} cannot be written: {error.strerror}.",
        "Check the folder's permissions, or name another with --store."
        if forbidden
        else "Name another folder with --store.",
    )


class Store:
    """A folder of records.

    Attributes:
        root: the folder; created with the first record.
        damaged: damaged files found and set aside so far, in order.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.damaged: list[Path] = []
        self._headers: dict[Path, tuple[FileStamp, RecordHeader]] = {}
        self._doubted: set[Path] = set()

    def check_place(self) -> None:
        """Check that the folder is there or can be made.

        Raises:
            StoreError: a file is in its place, or in that of a folder around it.
        """
        there = next(place for place in (self.root, *self.root.parents) if place.exists())
        if not there.is_dir():
            raise StoreError(
                f"{there} is a file, and no folder of records.",
                "Name another with --store.",
                usage=True,
            )

    def stamp(self, key: str) -> FileStamp | None:
        """What tells the file of a record from another one; None when it is absent."""
        try:
            return _stamp(self._path(key))
        except (OSError, DoubtError):
            return None

    def has(self, key: str) -> bool:
        """Whether the store has a valid record of this schema."""
        return self.header(key) is not None

    def header(self, key: str) -> RecordHeader | None:
        """The facts of a record without reading its arrays; None when it is absent."""
        path = self._path(key)
        try:
            return self._header(path)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, DoubtError) as error:
            self._doubt(path, error)
            return None

    def get(self, key: str) -> AttentionRecord:
        """Read a record into memory.

        Raises:
            StoreError: it is absent.
        """
        record = self._read(key)
        if record is None:
            raise StoreError(
                f"The record {key[:12]} is not in {self.root}.",
                "Build the gallery again to measure it.",
            )
        return record

    def was_damaged(self, key: str) -> bool:
        """Whether a record was found damaged and has not been measured again."""
        path = self._path(key)
        return path.with_suffix(_DAMAGED).exists() and not path.exists()

    def put(self, record: AttentionRecord) -> None:
        """Write a record, replacing one with the same key.

        Raises:
            RecordError: it holds NaN or infinity.
            StoreError: the disk is full, or the folder cannot be written.
        """
        self._write(self._path(record.key), pack_record(record))

    def has_weights(self, key: str) -> bool:
        """Whether the store has a valid file of a model's weights."""
        return bool(key) and self._read_weights(key) is not None

    def get_weights(self, key: str) -> ModelWeights:
        """Read the arrays from a model's weights.

        Raises:
            StoreError: it is absent.
        """
        weights = self._read_weights(key)
        if weights is None:
            raise StoreError(
                f"The weights {key[:12]} are not in {self.root}.",
                "Build the gallery again to see them.",
            )
        return weights

    def put_weights(self, weights: ModelWeights) -> None:
        """Write the arrays from a model's weights, replacing those with the same key.

        Raises:
            RecordError: they hold NaN or infinity.
            StoreError: the disk is full, or the folder cannot be written.
        """
        if name := _not_finite(weights):
            raise RecordError(f"The weights of {weights.model} hold NaN or infinity in {name}.")
        self._write(self._weights_path(weights.key), pack(weights))

    def _write(self, path: Path, data: bytes) -> None:
        """Write to a temporary name, then rename."""
        try:
            with beside(path) as temporary:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
        except OSError as error:
            raise self._cannot_write(error, len(data)) from error
        self._doubted.discard(path)

    def keys(self) -> tuple[str, ...]:
        """The keys of all records, sorted, from file names only."""
        return tuple(path.stem for path in self._files())

    def records(self) -> Iterator[AttentionRecord]:
        """All records in order of keys, one at a time; invalid files are skipped."""
        for key in self.keys():
            record = self._read(key)
            if record is not None:
                yield record

    def images(self) -> frozenset[str]:
        """Hashes of the images of all records; reads every header.

        Records of former versions are skipped without a warning.
        """
        found = set()
        for path in self._files():
            with suppress(OSError, SafetensorError, DoubtError):
                found.add(self._header(path).image_sha256)
        return frozenset(found)

    def bytes(self) -> int:
        """Size of all files: records, weights and damaged files."""
        files = (*self._files(), *self._weights_files(), *self._set_aside())
        return sum(path.stat().st_size for path in files)

    def gc(self, keep: Container[str]) -> tuple[str, ...]:
        """Remove files without a key to keep, damaged files, and leftover temporary files.

        Args:
            keep: keys of records and of models' weights.

        Returns:
            the keys of the removed records.

        Raises:
            StoreError: a file cannot be removed.
        """
        stale = time.time() - _STALE_AFTER
        removed = []
        try:
            for path in self._files():
                if path.stem not in keep and not path.is_dir():
                    path.unlink(missing_ok=True)
                    removed.append(path.stem)
            for path in self._weights_files():
                if path.stem not in keep:
                    path.unlink(missing_ok=True)
            for path in self._set_aside():
                path.unlink(missing_ok=True)
            for path in (*self.root.glob("??/.*.tmp"), *self.root.glob(f"{_WEIGHTS}/.*.tmp")):
                with suppress(FileNotFoundError):  # its process has just renamed it
                    if path.stat().st_mtime < stale:
                        path.unlink()
        except OSError as error:
            raise StoreError(
                f"The record store {self.root} cannot be cleaned: {error.strerror}.",
                "Check the folder's permissions.",
            ) from error
        return tuple(removed)

    def _header(self, path: Path) -> RecordHeader:
        """The facts of the record in a file, whose name is its key; read again if it changes."""
        stamp = _stamp(path)
        known = self._headers.get(path)
        if known is None or known[0] != stamp:
            with safe_open(path, framework="numpy") as file:
                known = stamp, read_header(file, path.stem)[0]
            self._headers[path] = known
        return known[1]

    def _read(self, key: str) -> AttentionRecord | None:
        path = self._path(key)
        try:
            _stamp(path)
            with safe_open(path, framework="numpy") as file:
                header, sealed = read_header(file, key)
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            sealed.check(arrays)
            record = assemble(header, arrays)
            if place := not_finite(record, arrays):  # another program may have sealed it
                raise DoubtError(f"it holds NaN or infinity in {place}")
            return record
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, RecordError, SealError, DoubtError) as error:
            self._doubt(path, error)
            return None

    def _read_weights(self, key: str) -> ModelWeights | None:
        path = self._weights_path(key)
        try:
            _stamp(path)
            weights = unpack(ModelWeights, path.read_bytes())
            if weights.key != key:
                raise DoubtError("it holds something else")
            if name := _not_finite(weights):
                raise DoubtError(f"it holds NaN or infinity in {name}")
        except FileNotFoundError:
            return None
        except (OSError, PackingError, DoubtError) as error:
            self._doubt(path, error)
            return None
        return weights

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.safetensors"

    def _weights_path(self, key: str) -> Path:
        return self.root / _WEIGHTS / f"{key}.safetensors"

    def _weights_files(self) -> list[Path]:
        found = self.root.glob(f"{_WEIGHTS}/*.safetensors")
        return sorted(path for path in found if _NAME.fullmatch(path.stem))

    def _set_aside(self) -> list[Path]:
        found = self.root.glob(f"*/*{_DAMAGED}")
        return sorted(p for p in found if _NAME.fullmatch(p.stem) and not p.is_dir())

    def _files(self) -> list[Path]:
        found = self.root.glob("??/*.safetensors")
        return sorted(p for p in found if _NAME.fullmatch(p.stem) and p.parent.name == p.stem[:2])

    def _doubt(self, path: Path, error: Exception) -> None:
        """Warn once of an invalid file, and set damaged ones aside."""
        if path in self._doubted:
            return
        self._doubted.add(path)
        if not isinstance(error, OSError | OtherSchemaError):
            kept = path.with_suffix(_DAMAGED)
            with suppress(OSError):  # a read-only store can still be read
                path.replace(kept)
                self.damaged.append(kept)
                logger.warning(
                    "%s is damaged: %s. It is kept as %s; build measures it again.",
                    *(path, str(error).rstrip("."), kept.name),
                )
                return
        logger.warning("Measuring again what is in %s: %s", path, error)

    def _cannot_write(self, error: OSError, size: int) -> StoreError:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return unwritable(self.root, error)
        free = ""
        with suppress(OSError):
            free = f" and {size_in_words(shutil.disk_usage(self.root).free)} are free"
        return StoreError(
            f"The disk of the record store {self.root} is full: a record needs "
            f"{size_in_words(size)}{free}.",
            "Free some space, or name a folder on another disk with --store.",
        )


def _stamp(path: Path) -> FileStamp:
    """What tells a file from another, before it is opened: opening a pipe would wait for ever.

    Raises:
        DoubtError: it is a folder, a pipe or a device.
        OSError: it is absent or cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise DoubtError("it is not a file")
    return FileStamp.of(found)


def _not_finite(weights: ModelWeights) -> str:
    """The first array with NaN or infinity; empty if there is none."""
    arrays = {
        "position": weights.position,
        "filters": weights.filters,
        "spectrum": weights.spectrum,
    }
    bad = (n for n, a in arrays.items() if a is not None and not np.isfinite(a).all())
    return next(bad, "")


def load_records(folder: Path) -> Iterator[AttentionRecord]:
    """The records of a store's folder, by key, read one at a time.

    Raises:
        StoreError: there is no such folder, or no record in it.
    """
    store = Store(folder)
    if not store.keys():
        problem = "holds no records" if folder.is_dir() else "is not a folder"
        raise StoreError(
            f"{folder} {problem}.", "Name a site, or the folder of a record store.", usage=True
        )
    return store.records()
