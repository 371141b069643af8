"""Build cache: files of the previous site are reused when their inputs are unchanged.

A file name ends in a hash of the bytes, so browsers never show a stale file. The inputs of a file
are hashed into ``made_of``. If the previous site has a file with this hash, it is linked instead of
rendered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from generator.present.files.manifest import FileEntry, Kind
from generator.present.files.manifest_file import is_whole, read_manifest
from generator.present.files.settings import RENDER_VERSION, Settings

logger = logging.getLogger(__name__)

Part = str | int | float | bool


def made_of(kind: Kind, parts: Mapping[str, Part]) -> str:
    """Hash of all inputs of a file."""
    text = json.dumps({"kind": kind, "render": RENDER_VERSION, **parts}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PutFile:
    """A file that was put into the staging folder.

    Attributes:
        stem: path without the hash and suffix, relative to the site.
        reused: whether it was taken from the previous site.
    """

    stem: str
    file: FileEntry
    reused: bool


@dataclass(frozen=True, slots=True)
class Readable:
    """A file that can be read before it is put.

    Attributes:
        root: the folder that ``file`` is in: of the former site, or the staging folder.
    """

    file: FileEntry
    root: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.root / self.file.path


class SiteCache:
    """Writes files to the staging folder, and reuses those of the previous site.

    Attributes:
        root: the staging folder.
        former: folder of the previous site.
        settings: how records are drawn.
        kept: folder of numbers that are kept beside records; None to keep none.
        files: what was put, in order.
        rendered: number of files that were made.
        reused: number of files from the previous site.
    """

    def __init__(
        self, root: Path, former: Path, settings: Settings, kept: Path | None = None
    ) -> None:
        self.root = root
        self.former = former
        self.settings = settings
        self.kept = kept
        self.files: list[PutFile] = []
        self.rendered = 0
        self.reused = 0
        self._adopted: dict[tuple[str, str], PutFile] = {}
        manifest = read_manifest(former)
        self._known = {file.made_of: file for file in manifest.files} if manifest else {}
        self._verified: set[str] = set()
        self._folders: set[str] = set()

    def knows(self, kind: Kind, parts: Mapping[str, Part]) -> bool:
        """Whether the previous site's manifest lists a file for these inputs, damaged or not."""
        return made_of(kind, parts) in self._known

    def find(self, kind: Kind, parts: Mapping[str, Part]) -> FileEntry | None:
        """The previous site's file for these inputs, if its checksum still matches; else None."""
        return self._whole(made_of(kind, parts))

    def adopt(self, files: Iterable[PutFile]) -> None:
        """Accept files that another process has put into the same staging folder.

        When they are put here, they are neither made nor linked again.
        """
        self._adopted.update({(put.file.made_of, put.stem): put for put in files})

    def readable(self, kind: Kind, stem: str, parts: Mapping[str, Part]) -> Readable | None:
        """The file for these inputs, adopted or in the previous site; None if it is new."""
        hashed = made_of(kind, parts)
        adopted = self._adopted.get((hashed, stem))
        if adopted is not None:
            return Readable(adopted.file, self.root)
        known = self._whole(hashed)
        return Readable(known, self.former) if known is not None else None

    def reuse(self, made_of: str, stem: str, suffix: str) -> FileEntry | None:
        """Reuse the file with this hash of inputs; None if it is missing or damaged."""
        known = self._whole(made_of)
        return known and self._taken(known, stem, suffix)

    def _whole(self, made_of: str) -> FileEntry | None:
        """The previous site's file with this hash of inputs, if its checksum matches."""
        file = self._known.get(made_of)
        if file is None or made_of in self._verified:
            return file
        if is_whole(self.former, file):
            self._verified.add(made_of)
            return file
        del self._known[made_of]
        path = self.former / file.path
        if path.exists():
            logger.warning("%s is damaged and is made again.", path)
        return None

    def put(
        self,
        kind: Kind,
        stem: str,
        parts: Mapping[str, Part],
        make: Callable[[], bytes],
        *,
        suffix: str,
        query: str = "",
    ) -> FileEntry:
        """Reuse a file of the previous site, or make it.

        Args:
            stem: path without the hash and suffix, relative to the site.
            parts: all inputs of the file besides kind and ``RENDER_VERSION``.
            suffix: suffix of the file name, with the dot.
            query: id of the query; empty for none.
        """
        hashed = made_of(kind, parts)
        adopted = self._adopted.get((hashed, stem))
        if adopted is not None:
            return self._counted(adopted)
        known = self._whole(hashed)
        if known is not None:
            return self._taken(known, stem, suffix)
        data = make()
        sha256 = hashlib.sha256(data).hexdigest()
        path = f"{stem}.{sha256[:8]}{suffix}"
        Path(self._place(path)).write_bytes(data)
        file = FileEntry(path, kind, query, hashed, sha256, len(data))
        return self._counted(PutFile(stem, file, reused=False))

    def _taken(self, known: FileEntry, stem: str, suffix: str) -> FileEntry:
        path = f"{stem}.{known.sha256[:8]}{suffix}"
        link(f"{self.former}/{known.path}", self._place(path))
        file = known if known.path == path else replace(known, path=path)
        return self._counted(PutFile(stem, file, reused=True))

    def _counted(self, put: PutFile) -> FileEntry:
        self.files.append(put)
        self.reused += put.reused
        self.rendered += not put.reused
        return put.file

    def _place(self, path: str) -> str:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:  # each holds many files
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        return f"{self.root}/{path}"  # there are thousands: no paths


def link(source: Path | str, target: Path | str) -> None:
    """Hard link a file, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except (OSError, AttributeError):  # not every system has links
        shutil.copyfile(source, target)
