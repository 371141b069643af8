"""Staging: a site is written beside the published folder and swapped in at the end.

So the published folder is never half new. A lock keeps other processes from writing the same site.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from generator.errors import StoreError
from generator.present.files.manifest_file import is_site

WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of file systems without locks; a site is written there without one."""

OWN_NAMES = re.compile(
    r"assets|data|figures|i|m|q|r|s|methods|page-\d+|index\.html|manifest\.json|manifest\.schema\.json|"
    r"\.nojekyll"
)
"""Names at the top of a site. Other files in it (CNAME, .git) are the user's and are kept."""


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give an empty folder to write a site to; it becomes ``out`` if the block succeeds.

    If the block raises, ``out`` stays unchanged. Leftovers of a killed run are removed, or moved
    back if the run died between the two renames of the swap.

    Raises:
        StoreError: ``out`` holds something that is not a site of ours, cannot be written, or is
            being written by another process.
    """
    out = Path(os.path.realpath(out))
    with alone(out), _written_beside(out) as stage:
        yield stage


def is_settled(out: Path) -> bool:
    """Whether no other build is writing a site, and no killed one has left anything behind."""
    return not any(path.exists() for path in _beside(Path(os.path.realpath(out))))


def _beside(out: Path) -> tuple[Path, Path]:
    """The folder that a site is written to, and the one that its former site is moved to."""
    return out.with_name(f".{out.name}.staging"), out.with_name(f".{out.name}.former")


@contextmanager
def _written_beside(out: Path) -> Iterator[Path]:
    stage, former = _beside(out)
    try:
        _recover(out, stage, former)
        check_replaceable(out)
        stage.mkdir()
    except OSError as error:
        raise _cannot_write(out, error) from error
    try:
        yield stage
        _swap(out, stage, former)
    except OSError as error:
        shutil.rmtree(stage, ignore_errors=True)
        if former.exists() and not out.exists():  # between the two renames of the swap
            with suppress(OSError):
                former.rename(out)
        raise StoreError(
            f"The site could not be written to {out}: {error.strerror or error}."
            f"{' The former one is kept.' if out.exists() else ''}",
            "Make room on the disk or choose another folder (-o, or out).",
        ) from error
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Lock a site against other processes that write it; a thread may do so within itself.

    The system releases the lock when the process ends, so a killed build blocks nobody.

    Raises:
        StoreError: another process holds the lock, or the folder cannot be written.
    """
    out = Path(os.path.realpath(out))
    path = out.with_name(f".{out.name}.lock")
    lock = FileLock(path, timeout=0, is_singleton=True)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        if not path.exists():  # nobody holds it: a file system that takes no new files
            raise _cannot_write(out, OSError(errno.EACCES, os.strerror(errno.EACCES))) from error
        raise StoreError(
            f"Another build is writing the site {out}.",
            "Wait until it has ended and run this one again, or choose another folder "
            "(-o, or out).",
        ) from error
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise _cannot_write(out, error) from error
    try:
        yield
    finally:
        # Windows does not remove open files; there the lock removes it
        if os.name == "posix" and lock.lock_counter == 1:
            with suppress(OSError):
                path.unlink()
        lock.release()


def bytes_in(folder: Path) -> int:
    """Size of all files of a folder and its subfolders, in bytes."""
    with os.scandir(folder) as found:  # half the time of a recursive glob; there are thousands
        return sum(
            bytes_in(Path(entry)) if entry.is_dir(follow_symlinks=False) else entry.stat().st_size
            for entry in found
        )


def _cannot_write(out: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The site cannot be written to {out}: {error.strerror or error}.",
        "Choose another folder (-o, or out).",
        usage=error.errno == errno.ENAMETOOLONG,
    )


def _recover(out: Path, stage: Path, former: Path) -> None:
    if former.exists():
        if out.exists():
            _bring_over(former, out)
            shutil.rmtree(former)
        else:
            former.rename(out)
    if stage.exists():
        shutil.rmtree(stage)


def check_replaceable(out: Path) -> None:
    """Check that writing a site to ``out`` overwrites no files of the user.

    Raises:
        StoreError: ``out`` is a file, a folder that is not a site, or cannot be created.
    """
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            out.lstat()  # since Python 3.14, exists() takes what cannot be read for not there
        if not out.exists():
            _check_place(Path(os.path.realpath(out)).parent, out)
            return
        if not out.is_dir():
            raise StoreError(f"{out} is a file.", "Choose a folder (-o, or out).", usage=True)
        foreign = any(out.iterdir()) and not is_site(out)
    except OSError as error:
        raise _cannot_write(out, error) from error
    if foreign:
        raise StoreError(
            f"The folder {out} is not empty and was not written by attention-gallery, "
            "so it is left alone.",
            "Choose another folder (-o, or out), or empty this one.",
            usage=True,
        )


def _check_place(folder: Path, out: Path) -> None:
    """Check that folders can be created in the nearest existing one."""
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise StoreError(
            f"{folder}, on the way to {out}, is a file.",
            "Choose a folder (-o, or out).",
            usage=True,
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"No folder may be made in {folder}, where the site {out} would be.",
            "Choose another folder (-o, or out).",
        )


def _swap(out: Path, stage: Path, former: Path) -> None:
    if out.exists():
        out.rename(former)
    stage.rename(out)
    if former.exists():
        _bring_over(former, out)
        # Where a program has one of its files open, Windows keeps it; the next build removes it.
        shutil.rmtree(former, ignore_errors=True)


def _bring_over(former: Path, out: Path) -> None:
    """Move the user's files of the previous site to the new one."""
    for entry in sorted(former.iterdir()):
        if not OWN_NAMES.fullmatch(entry.name) and not (out / entry.name).exists():
            entry.rename(out / entry.name)
