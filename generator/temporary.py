"""Temporary files and folders, removed even after the program was killed.

A file has a temporary name until it is complete, and is removed when its block ends. A killed
program removes nothing. Therefore every process first notes its temporary paths, in a file in the
user's cache folder, and holds a lock on that file. The system releases the lock when the process
ends. The next run of any command removes the paths in the notes of ended processes.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from generator.errors import StoreError

if TYPE_CHECKING:
    from filelock import BaseFileLock

CACHE_VARIABLE = "ATTENTION_GALLERY_CACHE"
NOTES = "unfinished"
"""The folder of the notes, in the cache folder."""

PREFIX = "attention-gallery-"
OURS = re.compile(rf"(\.{PREFIX}\w+\.tmp|{PREFIX}\w+)", re.ASCII)
"""Pattern of names of temporary files and folders; nothing else is ever removed."""


def cache_folder() -> Path:
    """``ATTENTION_GALLERY_CACHE``, or the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if not named:
        return platformdirs.user_cache_path("attention-gallery", appauthor=False)
    try:
        return Path(named).expanduser()
    except RuntimeError:  # the home folder is unknown
        return Path(named)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary name in the folder of a path, for its replacement; removed after the block.

    Raises:
        OSError: the folder cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.with_name(f".{PREFIX}{secrets.token_hex(6)}.tmp")
    _NOTES.add({"made": str(name.absolute())})
    try:
        yield name
    finally:
        _remove(name)


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder among the system's temporary files.

    Raises:
        OSError: it cannot be made.
    """
    name = Path(tempfile.gettempdir(), f"{PREFIX}{secrets.token_hex(6)}").absolute()
    _NOTES.add({"made": str(name)})
    name.mkdir(mode=0o700)
    try:
        yield name
    finally:
        _remove(name)


def is_temporary(folder: Path, path: Path) -> bool:
    """Whether a path is, or is inside, a result of :func:`beside` for a folder."""
    inside = path.parts[len(folder.parts) :][:1]
    return path.is_relative_to(folder) and any(OURS.fullmatch(name) for name in inside)


def move_together(pairs: Mapping[Path, Path]) -> None:
    """Rename several files from their temporary names.

    If the program is killed in between, the next run of any command renames the rest.

    Raises:
        OSError: one of them cannot be renamed; those before it are.
    """
    moves = [[str(name.absolute()), str(path.absolute())] for name, path in pairs.items()]
    if len(moves) > 1:
        _NOTES.add({"moved": moves})
    for name, path in pairs.items():
        name.replace(path)


def finish_killed() -> None:
    """Remove temporary files of killed programs, and finish their renaming of files.

    Files that cannot be removed now are kept.
    """
    for path in sorted((cache_folder() / NOTES).glob("*.lock")):
        with suppress(OSError):
            _finish(path)


def _finish(path: Path) -> None:
    """Act on the notes of a process and remove them and its lock, unless it is still running."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only where something was left

    lock, notes = FileLock(path, timeout=0), path.with_suffix(".jsonl")
    try:
        lock.acquire()
    except Timeout:
        return
    try:
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        found = [note for line in lines if isinstance(note := _read(line), dict)]
        for note in found:
            for name, place in note.get("moved", ()):
                _move(Path(name), Path(place))
        for note in found:
            _remove(Path(note.get("made", "")))
        notes.unlink(missing_ok=True)
    finally:
        _unlock(lock)


def _read(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:  # the process was killed while writing
        return None


def _move(name: Path, path: Path) -> None:
    """Rename a file, unless its target is newer."""
    if not OURS.fullmatch(name.name):
        return
    with suppress(OSError):
        if not path.exists() or path.stat().st_mtime_ns <= name.stat().st_mtime_ns:
            name.replace(path)


def _remove(path: Path) -> None:
    if not OURS.fullmatch(path.name):
        return
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


class _Notes:
    """The temporary paths of this process, as lines of JSON."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._folder: Path | None = None
        self._path: Path | None = None
        self._lock: BaseFileLock | None = None

    def add(self, note: Mapping[str, object]) -> None:
        """Write a note before the action; without a cache folder there are no notes."""
        with self._alone, suppress(OSError):
            if self._folder != cache_folder():
                self.close()
                self._open(cache_folder())
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(note) + "\n")

    def _open(self, folder: Path) -> None:
        from filelock import FileLock  # noqa: PLC0415 - commands that write nothing do without

        self._folder = folder
        path = folder / NOTES / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, thread_local=False)
        lock.acquire()
        if path.exists():  # nobody took it for one of a dead process before it was held
            self._lock, self._path = lock, path.with_suffix(".jsonl")

    def close(self) -> None:
        """Remove the notes: every block has ended, and has removed its own files."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        if self._lock is not None:
            _unlock(self._lock)
        self._folder = self._path = self._lock = None


def _unlock(lock: BaseFileLock) -> None:
    if os.name == "posix":  # Windows does not remove open files; there the lock removes it
        with suppress(OSError):
            Path(lock.lock_file).unlink()
    lock.release()


_NOTES = _Notes()
atexit.register(_NOTES.close)


def keep_in_store(path: Path, data: bytes, what: str) -> None:
    """Write a file of the store: to a temporary name, then rename.

    Args:
        what: named in the error, such as ``A picture``.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
    """
    try:
        with beside(path) as temporary:
            temporary.write_bytes(data)
            temporary.replace(path)
    except OSError as error:
        raise StoreError(
            f"{what} cannot be written to {path.parent}: {error.strerror}.",
            "Free some space, or name another folder with --store.",
        ) from error
