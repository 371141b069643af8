"""Records on disk, each under the hash of everything that decides it.

``<store>/ab/abcd...ef.safetensors`` holds one record: its arrays, and in the header one JSON text
with its facts. Files are written beside their place and moved into it, so whatever has a record's
name is whole, however many processes write and whenever one is killed; there are no locks. The
same record gives the same bytes. A file that cannot be trusted (cut short, foreign, of another
schema) counts as absent, with a warning, and is measured again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from generator.amounts import size_in_words
from generator.errors import StoreError
from generator.records import (
    SCHEMA,
    AttentionRecord,
    Environment,
    FloatArray,
    ModelFacts,
    PatchQueries,
    Pooling,
    Preprocessing,
    RecordError,
    TokenLayout,
    View,
)

logger = logging.getLogger(__name__)

EXTRACT_VERSION = 1
"""Raised by hand when measuring changes what it finds: every record is then measured again."""

_NAME = re.compile(r"[0-9a-f]{64}")
_STALE_AFTER = 3600.0  # seconds; a younger temporary file may belong to a running process


def record_key(
    *,
    model: str,
    version: str,
    image_sha256: str,
    preprocessing: Preprocessing,
    patch_queries: PatchQueries,
    dtype: str,
) -> str:
    """The name of a record, from everything that decides it: 64 hex digits.

    Args:
        model: ``ModelFacts.id``.
        version: ``ModelFacts.version``: the commit, or the weights' hash of a folder.
        image_sha256: hash of the image file.
        preprocessing: how the input is made; its readable ``steps`` do not count.
        patch_queries: which patches' rows are kept, resolved (never ``auto``).
        dtype: dtype of weights and activations, resolved.
    """
    how = asdict(preprocessing)
    del how["steps"]
    parts = {
        "schema": SCHEMA,
        "extract": EXTRACT_VERSION,
        "model": model,
        "version": version,
        "image": image_sha256,
        "preprocessing": how,
        "patch_queries": patch_queries,
        "dtype": dtype,
    }
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """The facts of a record, without its arrays. The fields are those of the record."""

    key: str
    model: ModelFacts
    image_sha256: str
    layout: TokenLayout
    view: View
    preprocessing: Preprocessing
    environment: Environment
    schema: int


_FACTS = tuple(item.name for item in fields(RecordHeader))
_ARRAYS = tuple(
    item.name for item in fields(AttentionRecord) if item.name not in (*_FACTS, "pooling")
)
_OPTIONAL = frozenset({"patch_attention"})
_POOLING = tuple(item.name for item in fields(Pooling))


class Store:
    """A folder of records.

    Attributes:
        root: the folder; made when the first record is put into it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._doubted: set[Path] = set()

    def has(self, key: str) -> bool:
        """Whether a whole record of this schema is there."""
        return self.header(key) is not None

    def header(self, key: str) -> RecordHeader | None:
        """The facts of a record without reading its arrays; None when it is absent."""
        path = self._path(key)
        try:
            with safe_open(path, framework="numpy") as file:
                return _read_header(file, key)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, _DoubtError) as error:
            self._doubt(path, error)
            return None

    def get(self, key: str) -> AttentionRecord:
        """A record, its arrays in memory and of the dtypes they were put with.

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

    def put(self, record: AttentionRecord) -> None:
        """Write a record, in place of one with the same key.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
        data = record_bytes(record)
        path = self._path(record.key)
        temporary = path.with_name(f".{record.key[:16]}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                # Also after Ctrl-C; after the move there is nothing left to remove.
                with suppress(OSError):
                    temporary.unlink()
        except OSError as error:
            raise self._cannot_write(error, len(data)) from error
        self._doubted.discard(path)

    def keys(self) -> tuple[str, ...]:
        """The keys of all records, sorted; by name only, without opening the files."""
        return tuple(path.stem for path in self._files())

    def records(self) -> Iterator[AttentionRecord]:
        """All records, by key, one at a time; files that cannot be trusted are left out."""
        for key in self.keys():
            record = self._read(key)
            if record is not None:
                yield record

    def images(self) -> frozenset[str]:
        """Hashes of the image files that records were measured from; reads every header."""
        headers = (self.header(key) for key in self.keys())
        return frozenset(header.image_sha256 for header in headers if header is not None)

    def bytes(self) -> int:
        """Size of all records."""
        return sum(path.stat().st_size for path in self._files())

    def gc(self, keep: Container[str]) -> tuple[str, ...]:
        """Remove the records whose keys are not to be kept, and what killed processes left.

        Returns:
            the keys of the removed records.

        Raises:
            StoreError: a file cannot be removed.
        """
        stale = time.time() - _STALE_AFTER
        removed = []
        try:
            for path in self._files():
                if path.stem not in keep:
                    path.unlink(missing_ok=True)
                    removed.append(path.stem)
            for path in self.root.glob("??/.*.tmp"):
                with suppress(FileNotFoundError):  # its process has just moved it into place
                    if path.stat().st_mtime < stale:
                        path.unlink()
        except OSError as error:
            raise StoreError(
                f"The record store {self.root} cannot be cleaned: {error.strerror}.",
                "Check the folder's permissions.",
            ) from error
        return tuple(removed)

    def _read(self, key: str) -> AttentionRecord | None:
        path = self._path(key)
        try:
            with safe_open(path, framework="numpy") as file:
                header = _read_header(file, key)
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return _assemble(header, arrays)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, RecordError, _DoubtError) as error:
            self._doubt(path, error)
            return None

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.safetensors"

    def _files(self) -> list[Path]:
        found = self.root.glob("??/*.safetensors")
        return sorted(p for p in found if _NAME.fullmatch(p.stem) and p.parent.name == p.stem[:2])

    def _doubt(self, path: Path, error: Exception) -> None:
        """Warn once of a file that counts as absent."""
        if path not in self._doubted:
            self._doubted.add(path)
            logger.warning("Measuring again what is in %s: %s", path, error)

    def _cannot_write(self, error: OSError, size: int) -> StoreError:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return StoreError(
                f"The record store {self.root} cannot be written: {error.strerror}.",
                "Check the folder's permissions, or name another with --store.",
            )
        free = ""
        with suppress(OSError):
            free = f" and {size_in_words(shutil.disk_usage(self.root).free)} are free"
        return StoreError(
            f"The disk of the record store {self.root} is full: a record needs "
            f"{size_in_words(size)}{free}.",
            "Free some space, or name a folder on another disk with --store.",
        )


def load_records(folder: Path) -> Iterator[AttentionRecord]:
    """The records of a store's folder, by key, read one at a time.

    Raises:
        StoreError: there is no such folder, or no record in it.
    """
    store = Store(folder)
    if not store.keys():
        problem = "holds no records" if folder.is_dir() else "is not a folder"
        raise StoreError(f"{folder} {problem}.", "Name the folder of a record store.")
    return store.records()


# --- the file ------------------------------------------------------------------------------------


class _DoubtError(Exception):
    """A file that has a record's name is not that record."""


def record_bytes(record: AttentionRecord) -> bytes:
    """A record as the bytes of its file: safetensors, the facts as JSON in its metadata."""
    # One entry only: safetensors writes several in random order.
    return save(record_arrays(record), metadata={"record": record_facts(record)})


def record_arrays(record: AttentionRecord) -> dict[str, FloatArray]:
    """The arrays of a record by name, those of a pooling probe as ``pooling.attention`` and so on.

    What the record does not have is left out.
    """
    arrays = {name: getattr(record, name) for name in _ARRAYS}
    if record.pooling is not None:
        arrays |= {f"pooling.{name}": getattr(record.pooling, name) for name in _POOLING}
    return {n: np.ascontiguousarray(array) for n, array in arrays.items() if array is not None}


def record_facts(record: AttentionRecord) -> str:
    """The facts of a record as JSON, the same for the same record (see :class:`RecordHeader`)."""
    header = RecordHeader(**{name: getattr(record, name) for name in _FACTS})
    return _canonical(asdict(header))


def _read_header(file: Any, key: str) -> RecordHeader:
    """The facts of an open file.

    Raises:
        _DoubtError: it is not the record of this key and of this schema.
    """
    text = (file.metadata() or {}).get("record")
    if text is None:
        raise _DoubtError("not a record of attention-gallery")
    try:
        facts = json.loads(text)
        if facts["schema"] != SCHEMA:
            raise _DoubtError(f"schema {facts['schema']}, where this version writes {SCHEMA}")
        header: RecordHeader = _revive(RecordHeader, facts)
    except (ValueError, KeyError, TypeError, RecordError) as error:
        raise _DoubtError(f"its facts cannot be read ({error})") from error
    if header.key != key:
        raise _DoubtError("it holds the record of another key")
    if missing := set(_ARRAYS) - _OPTIONAL - set(file.keys()):
        raise _DoubtError(f"without {', '.join(sorted(missing))}")
    return header


def _assemble(header: RecordHeader, arrays: Mapping[str, FloatArray]) -> AttentionRecord:
    parts: dict[str, Any] = {name: getattr(header, name) for name in _FACTS}
    parts |= {name: arrays.get(name) for name in _ARRAYS}
    if f"pooling.{_POOLING[0]}" in arrays:
        parts["pooling"] = Pooling(**{name: arrays[f"pooling.{name}"] for name in _POOLING})
    return AttentionRecord(**parts)


def _canonical(facts: dict[str, Any]) -> str:
    """JSON that is the same for the same facts."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    """Numbers of numpy as numbers."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be stored")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _revive(kind: Any, value: Any) -> Any:
    """Parsed JSON as the dataclasses and tuples of a type."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _revive(hints[name], item) for name, item in value.items()})
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = repeat(inner[0]) if inner[-1] is Ellipsis else inner
        return tuple(_revive(each, item) for each, item in zip(kinds, value, strict=False))
    return value
