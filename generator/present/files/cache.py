"""Where the heavy files of a site are put, and taken over from the site before it.

A file's name ends in a hash of its bytes, so a browser never shows a stale one. What decides its
bytes is hashed into ``made_of``; where the former site has a file made of the same things, it is
linked instead of rendered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from generator.present.files.manifest import FileEntry, Kind
from generator.present.files.manifest_file import is_whole, read_manifest
from generator.present.files.settings import RENDER_VERSION, Settings

logger = logging.getLogger(__name__)

Part = str | int | float | bool


def made_of(kind: Kind, parts: Mapping[str, Part]) -> str:
    """Hash of everything that decides a file's bytes."""
    text = json.dumps({"kind": kind, "render": RENDER_VERSION, **parts}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class SiteCache:
    """Puts files into the staging folder.

    Attributes:
        root: the staging folder.
        settings: how records are drawn.
        rendered: files made anew.
        reused: files taken over.
    """

    def __init__(self, root: Path, former: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings
        self.rendered = 0
        self.reused = 0
        self._former = former
        manifest = read_manifest(former)
        self._known = {file.made_of: file for file in manifest.files} if manifest else {}

    def former_path(self, file: FileEntry) -> Path:
        """Where the former site has a file."""
        return self._former / file.path

    def find(self, kind: Kind, parts: Mapping[str, Part]) -> FileEntry | None:
        """The former site's file that is made of these things, if it still has its bytes."""
        return self._whole(made_of(kind, parts))

    def take_over(self, made_of: str, stem: str, suffix: str) -> FileEntry | None:
        """Take a file over by what it is made of; None where it is gone or damaged."""
        known = self._whole(made_of)
        return known and self._taken(known, f"{stem}.{known.sha256[:8]}{suffix}")

    def _whole(self, made_of: str) -> FileEntry | None:
        """A file of the former site whose bytes are those that were written."""
        file = self._known.get(made_of)
        if file is None or is_whole(self._former, file):
            return file
        del self._known[made_of]
        if self.former_path(file).exists():
            logger.warning("%s is damaged and is made again.", self.former_path(file))
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
        """Take a file over or make it.

        Args:
            kind: what it is.
            stem: path without the hash and suffix, relative to the site.
            parts: everything that decides its bytes, besides kind and ``RENDER_VERSION``.
            make: renders it.
            suffix: of the file name, with the dot.
            query: id of the query, where there is one.
        """
        known = self.find(kind, parts)
        if known is not None:
            return self._taken(known, f"{stem}.{known.sha256[:8]}{suffix}")
        data = make()
        sha256 = hashlib.sha256(data).hexdigest()
        path = f"{stem}.{sha256[:8]}{suffix}"
        self._place(path).write_bytes(data)
        self.rendered += 1
        return FileEntry(path, kind, query, made_of(kind, parts), sha256, len(data))

    def _taken(self, known: FileEntry, path: str) -> FileEntry:
        _link(self.former_path(known), self._place(path))
        self.reused += 1
        return replace(known, path=path)

    def _place(self, path: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def _link(source: Path, target: Path) -> None:
    """Hard link, or copy where the file system has none."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
