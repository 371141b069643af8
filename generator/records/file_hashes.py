"""SHA-256 of files. Weights and photographs are gigabytes, so an unchanged file is read only once.

As git does, a file is taken for unchanged while its place in the file system, its size and both of
its times are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from generator.temporary import beside

Sha256Of = Callable[[Path], str]
"""Gives the SHA-256 of a file's bytes in hex; raises OSError if it cannot be read."""

SETTLED = 2_000_000_000
"""Nanoseconds after which a change gives a file another time, whatever its file system."""

MOST = 20_000
"""Most files that a note has."""


class FileStamp(NamedTuple):
    """What tells a file from another with its name, and from itself before it was changed."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """The stamp of a file from what the system says of it."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes in hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileHashes:
    """A :data:`Sha256Of` that remembers files in a note. Several threads may use it at once.

    Two kinds of files are not remembered, since they could change and keep their times: one that
    changed within two seconds before it was read, and one on a file system in memory.

    Args:
        note: file of what is remembered; it is written by :meth:`keep`.
    """

    def __init__(self, note: Path) -> None:
        self._note = note
        self._known: dict[str, tuple[FileStamp, str]] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):
            for path, (*stamp, sha256) in json.loads(note.read_bytes()).items():
                self._known[path] = FileStamp(*stamp), sha256
        self._used: dict[str, tuple[FileStamp, str]] = {}

    def __call__(self, path: Path) -> str:
        """SHA-256 of a file's bytes in hex.

        Raises:
            OSError: it cannot be opened or read.
        """
        name, now = str(path.absolute()), time.time_ns()
        # opened even if it is known: on network file systems only that asks for its present times
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            stamp = FileStamp.of(found)
            known, sha256 = self._known.get(name, (None, ""))
            if known == stamp:
                self._used[name] = stamp, sha256
                return sha256
            settled = max(stamp.modified_ns, stamp.changed_ns) < now - SETTLED
            lasting = settled and not _in_memory(found.st_dev)
            if lasting:
                _write_out(file)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if lasting and FileStamp.of(os.fstat(file.fileno())) == stamp:
                self._used[name] = stamp, sha256
        return sha256

    def keep(self) -> None:
        """Write the note: the files that were asked for, then those of former builds."""
        found = self._used | {k: v for k, v in self._known.items() if k not in self._used}
        if found == self._known:
            return
        lines = {name: (*stamp, sha256) for name, (stamp, sha256) in islice(found.items(), MOST)}
        with suppress(OSError), beside(self._note) as temporary:
            temporary.write_text(json.dumps(lines))
            temporary.replace(self._note)


def _write_out(file: BinaryIO) -> None:
    """Write what a program has changed through a memory map to the disk, if there is anything.

    The system gives a file another time when a page is changed that was written out, not before.
    """
    with suppress(OSError):
        os.fsync(file.fileno())


@cache
def _in_memory(device: int) -> bool:
    """Whether a file system is one in memory, where memory maps change no times."""
    wanted = f"{os.major(device)}:{os.minor(device)}" if hasattr(os, "major") else ""
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            place, _, what = line.partition(" - ")
            if place.split()[2] == wanted:
                return what.split()[0] in ("tmpfs", "ramfs")
    return False
