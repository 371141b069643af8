"""Numbers of a record that many records are summed up from, kept beside the records.

They are no part of a site. The next build reads them in place of whole records, and worker
processes hand them over to the program. What cannot be read or written is computed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from generator.present.files.program import hash_of, program_hash
from generator.records.packing import PackingError, canonical, pack, unpack
from generator.temporary import beside

Content = TypeVar("Content")
Part = str | int

KEPT = "kept"
"""Folder of the record store."""


@dataclass(frozen=True, slots=True)
class KeptNumbers(Generic[Content]):
    """Numbers of one kind, each a dataclass as :mod:`generator.records.packing` packs them.

    Attributes:
        kind: name of their folder.
        content: class of what a file holds.
        version: raise it when the numbers of unchanged records, or their file, change.
    """

    kind: str
    content: type[Content]
    version: int

    def of(
        self, folder: Path | None, parts: Mapping[str, Part], make: Callable[[], Content]
    ) -> Content:
        """The numbers for these inputs: read if they are kept and whole, else made and kept.

        Args:
            folder: the folder of all kept numbers; None to keep nothing.
            parts: all inputs of the numbers, such as the key of a record.
            make: gives the numbers.
        """
        if folder is None:
            return make()
        path = self._path(folder, parts)
        with suppress(OSError, PackingError):
            return unpack(self.content, path.read_bytes())
        made = make()
        _write(path, made)
        return made

    def ensure(self, folder: Path, parts: Mapping[str, Part], make: Callable[[], Content]) -> None:
        """Make the numbers and keep them for :meth:`of`, unless there is a file of theirs."""
        path = self._path(folder, parts)
        if not path.exists():
            _write(path, make())

    def _path(self, folder: Path, parts: Mapping[str, Part]) -> Path:
        text = canonical({"version": self.version, **parts})
        name = hashlib.sha256(text.encode()).hexdigest()
        return folder / self.kind / name[:2] / f"{name}.safetensors"


class OfProgram(Protocol):
    """What a program notes: another program makes it again."""

    @property
    def program(self) -> str:
        """Hash of the program that made it, as of ``program_hash``."""
        ...


Noted = TypeVar("Noted", bound=OfProgram)


@dataclass(frozen=True, slots=True)
class SiteNotes(Generic[Noted]):
    """Numbers of many cells in one file for each site, for its next build.

    One file is read in a fraction of the time of hundreds. What is in it names the hashes of what
    it was made of, so that a site of other cells takes from it what they share.

    Attributes:
        kind: name of their folder.
        content: class of what a file holds.
    """

    kind: str
    content: type[Noted]

    def read(self, folder: Path | None, site: Path, part: str = "") -> Noted | None:
        """The note of a site's former build; None if it is missing, damaged or another program's.

        Args:
            folder: the folder of all kept numbers; None if nothing is kept.
            site: folder of the site.
            part: which of several notes of a site, such as the slug of a model.
        """
        if folder is not None:
            with suppress(OSError, PackingError):
                found = unpack(self.content, self._path(folder, site, part).read_bytes())
                return found if found.program == program_hash() else None
        return None

    def write(self, folder: Path | None, site: Path, note: Noted, part: str = "") -> None:
        """Write the note of a site in place of the former one."""
        if folder is not None:
            _write(self._path(folder, site, part), note)

    def _path(self, folder: Path, site: Path, part: str) -> Path:
        return folder / self.kind / f"{place_of(site, part)}.safetensors"


def place_of(site: Path, part: str = "") -> str:
    """Name of what is noted of the site in a folder: a hash of where it is."""
    place = f"{site.resolve()}\n{part}" if part else f"{site.resolve()}"
    return hash_of(place.encode("utf-8", "surrogateescape"))


def _write(path: Path, content: object) -> None:
    """Write a file as a whole, if it can be written."""
    with suppress(OSError), beside(path) as temporary:
        temporary.write_bytes(pack(content))
        temporary.replace(path)


def clear_kept(store: Path) -> None:
    """Remove all kept numbers of a record store."""
    shutil.rmtree(store / KEPT, ignore_errors=True)


def kept_bytes(store: Path) -> int:
    """Size of all kept numbers of a record store."""
    return sum(path.stat().st_size for path in (store / KEPT).rglob("*") if path.is_file())
