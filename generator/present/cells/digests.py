"""Digest files: the numbers of a cell's analyses, made once from the record and cached."""

from __future__ import annotations

from collections.abc import Callable

from generator.analysis.cells.digest import CellDigest, FoundObject, cell_digest
from generator.analysis.features.objects import Objects
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import CellFiles, PackedFiles
from generator.records.record import AttentionRecord
from generator.records.run import Cell

DIGEST_VERSION = 8
"""Cache version. Raise it when an unchanged record gives other numbers, or fields change."""

DIGESTS = PackedFiles("digest", CellDigest)

Digests = CellFiles[CellDigest]
"""Digest files of all cells."""


def put_digest(
    cache: SiteCache,
    cell: Cell,
    read: Callable[[str], AttentionRecord],
    objects: Callable[[], Objects],
) -> FileEntry:
    """Write the digest of a cell to the site.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """
    return DIGESTS.put(
        cache,
        f"data/{cell.model}/{cell.image}.digest",
        {"record": cell.record, "digest": DIGEST_VERSION},
        lambda: cell_digest(read(cell.record), objects()),
    )


def vectors_of(digests: Digests, model: str) -> tuple[str, ...]:
    """Vectors of a model's last block that objects were searched in: keys, queries or values.

    They are read from an image with a found object, since others do not name all of them.
    """
    longest: tuple[str, ...] = ()
    for slug, image in digests.paths:
        digest = digests.of(model, image) if slug == model else None
        if digest is None:
            continue
        if isinstance(digest.lost, FoundObject) or isinstance(digest.tokencut, FoundObject):
            return digest.vectors
        longest = max(longest, digest.vectors, key=len)
    return longest
