"""The digests of cells in the site: made once from a record, read again for the next build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.analysis.digest import CellDigest, cell_digest
from generator.analysis.objects import Objects
from generator.errors import StoreError
from generator.packing import PackingError, pack, unpack
from generator.present.manifest import FileEntry
from generator.present.shelf import Shelf
from generator.records import AttentionRecord
from generator.run import Cell

DIGEST_VERSION = 2
"""Raised by hand when an analysis changes what it finds in the same record."""


def publish_digest(
    shelf: Shelf,
    cell: Cell,
    read: Callable[[str], AttentionRecord],
    objects: Callable[[], Objects],
) -> FileEntry:
    """Put the digest of a cell into the site.

    Args:
        shelf: where it goes.
        cell: names the record.
        read: gives the record.
        objects: found in it.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """
    return shelf.put(
        "digest",
        f"data/{cell.model}/{cell.image}.digest",
        {"record": cell.record, "digest": DIGEST_VERSION},
        lambda: pack(cell_digest(read(cell.record), objects())),
        suffix=".safetensors",
    )


def read_digest(path: Path) -> CellDigest:
    """A digest that was put into the site.

    Raises:
        StoreError: the file is not one.
    """
    try:
        return unpack(CellDigest, path.read_bytes())
    except (PackingError, OSError) as error:
        raise StoreError(
            f"The numbers {path.name} cannot be read: {error}.",
            "Remove the site's folder and build again.",
        ) from error


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a site, read one at a time: a thousand images' do not fit into memory.

    Attributes:
        root: the site's folder.
        paths: (model, image) -> path of the digest, relative to the site.
    """

    root: Path
    paths: Mapping[tuple[str, str], str]

    def of(self, model: str, image: str) -> CellDigest | None:
        """The digest of a cell; None where the cell has no record."""
        path = self.paths.get((model, image))
        return read_digest(self.root / path) if path else None


def vectors_of(digests: Digests, model: str) -> tuple[str, ...]:
    """What objects were looked for in, of a model's last block: keys, queries or values."""
    for slug, image in digests.paths:
        digest = digests.of(model, image) if slug == model else None
        if digest is not None and digest.vectors:
            return digest.vectors
    return ()
