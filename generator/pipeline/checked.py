"""Files that a former build checked or hashed, so that they need no second look.

Notes beside the records hold for each what tells a file from another one: its place in the file
system, size and times. A file that was damaged, replaced or copied is looked at again.
"""

from __future__ import annotations

import json
from contextlib import suppress

from generator.present.files.kept import KEPT
from generator.present.files.program import program_hash
from generator.records.file_hashes import FileHashes, FileStamp
from generator.records.store import Store
from generator.temporary import beside


class CheckedFiles:
    """Says which records a store has, and remembers hashes of weights and pictures.

    Args:
        store: the store; its notes are read, and written by :meth:`keep`.

    Attributes:
        sha256_of: gives the hash of a file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._note = store.root / KEPT / "records.json"
        self._known: dict[str, FileStamp] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            found = json.loads(self._note.read_bytes())
            if found["program"] == program_hash():
                self._known = {key: FileStamp(*stamp) for key, stamp in found["records"].items()}
        self._new: dict[str, FileStamp] = {}
        self.sha256_of = FileHashes(store.root / KEPT / "files.json")

    def has(self, key: str) -> bool:
        """Whether the store has a valid record."""
        stamp = self._store.stamp(key)
        if stamp is None or (self._known.get(key) != stamp and not self._store.has(key)):
            return False
        self._new[key] = stamp
        return True

    def keep(self) -> None:
        """Write the notes, with what former builds looked at and this one did not ask for."""
        self.sha256_of.keep()
        found = self._known | self._new
        if found == self._known:
            return
        with suppress(OSError), beside(self._note) as temporary:
            temporary.write_text(json.dumps({"program": program_hash(), "records": found}))
            temporary.replace(self._note)
