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
from typing import Generic, TypeVar

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
        text = canonical({"version": self.version, **parts})
        name = hashlib.sha256(text.encode()).hexdigest()
        path = folder / self.kind / name[:2] / f"{name}.safetensors"
        with suppress(OSError, PackingError):
            return unpack(self.content, path.read_bytes())
        made = make()
        with suppress(OSError), beside(path) as temporary:
            temporary.write_bytes(pack(made))
            temporary.replace(path)
        return made


def clear_kept(store: Path) -> None:
    """Remove all kept numbers of a record store."""
    shutil.rmtree(store / KEPT, ignore_errors=True)


def kept_bytes(store: Path) -> int:
    """Size of all kept numbers of a record store."""
    return sum(path.stat().st_size for path in (store / KEPT).rglob("*") if path.is_file())
