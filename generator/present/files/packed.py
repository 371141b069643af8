"""Cached files that hold a packed dataclass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from generator.errors import StoreError
from generator.present.files.cache import Part, SiteCache
from generator.present.files.manifest import FileEntry, Kind
from generator.records.packing import PackingError, pack, unpack

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class PackedFiles(Generic[Content]):
    """The files of one kind, each a dataclass as :mod:`generator.records.packing` packs them.

    Attributes:
        content: class of what a file holds.
    """

    kind: Kind
    content: type[Content]

    def put(
        self, cache: SiteCache, stem: str, parts: Mapping[str, Part], make: Callable[[], Content]
    ) -> FileEntry:
        """Reuse a file of the previous site, or make it.

        Args:
            stem: path without the hash and suffix, relative to the site.
            parts: all inputs of the content, including the version of the code that makes it.
            make: gives the content; called only if the previous site lacks the file.
        """
        return cache.put(self.kind, stem, parts, lambda: pack(make()), suffix=".safetensors")

    def read(self, path: Path) -> Content:
        """Read the content of a file.

        Raises:
            StoreError: the file is not of this kind.
        """
        try:
            return unpack(self.content, path.read_bytes(), check=False)
        except (PackingError, OSError) as error:
            raise StoreError(
                f"The numbers {path.name} cannot be read: {error}.",
                "Remove the site's folder and build again.",
            ) from error


@dataclass(frozen=True, slots=True)
class CellFiles(Generic[Content]):
    """One packed file for each cell, read on demand.

    The contents of a thousand images do not fit into memory.

    Attributes:
        paths: (model, image) -> path of the file, relative to the site.
    """

    files: PackedFiles[Content]
    root: Path
    paths: Mapping[tuple[str, str], str]

    def of(self, model: str, image: str) -> Content | None:
        """Content of a cell's file; None for a cell without one."""
        path = self.paths.get((model, image))
        return self.files.read(self.root / path) if path else None
