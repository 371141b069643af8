"""Pages of the previous site that a new one has unchanged, so that they need no rendering.

A note beside the records holds for each page a hash of what it was rendered from (the finished
values that its template gets, the templates, the program) and the checksum of its bytes. A page of
the same hash is linked if the file of the previous site still has this checksum.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

from generator.present.files.cache import link
from generator.present.files.kept import place_of
from generator.present.files.manifest import TextEntry
from generator.present.files.manifest_file import is_whole
from generator.present.files.program import hashes_in, program_hash
from generator.temporary import beside

FOLDER = "pages"
"""Folder of the notes, in that of the numbers kept beside records."""


class FormerPages:
    """What is known of the pages of the previous site.

    Args:
        former: folder of the previous site.
        kept: folder of what is kept beside records; None to keep nothing.
        templates: the user's templates, or None.
    """

    def __init__(self, former: Path, kept: Path | None, templates: Path | None) -> None:
        self._former = former
        self._note: Path | None = None
        self._known: dict[str, TextEntry] = {}
        self._new: dict[str, TextEntry] = {}
        if kept is None:
            return
        self._note = kept / FOLDER / f"{place_of(former)}.json"
        users = hashes_in(templates) if templates else ()
        self._program = "\n".join((program_hash(), *users)).encode("utf-8", "surrogateescape")
        with suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads(self._note.read_bytes())
            self._known = {made_of: TextEntry(*entry) for made_of, entry in found.items()}

    def made_of(self, template: str, page: object) -> str:
        """Hash of what a page is rendered from; empty if nothing is kept.

        Args:
            template: name of its template.
            page: its finished values.
        """
        if self._note is None:
            return ""
        values = io.BytesIO()
        pickler = pickle.Pickler(values, protocol=5)
        pickler.fast = True  # equal values give equal bytes, whether or not they are one object
        pickler.dump((template, page))
        return hashlib.sha256(self._program + values.getbuffer()).hexdigest()

    def link(self, made_of: str, path: str, target: Path) -> TextEntry | None:
        """Link the page of the previous site that is made of the same; None if there is none.

        Args:
            made_of: result of :meth:`made_of`.
            path: of the page, relative to the site.
            target: where the new page belongs.
        """
        known = self._known.get(made_of)
        if known is None or known.path != path or not is_whole(self._former, known):
            return None
        link(self._former / path, target)
        self._new[made_of] = known
        return known

    def add(self, made_of: str, page: TextEntry) -> None:
        """Note what a rendered page is made of."""
        self._new[made_of] = page

    def keep(self) -> None:
        """Write the note of the pages that were linked or added, in place of the former one."""
        if self._note is None:
            return
        found = {made_of: astuple(entry) for made_of, entry in self._new.items()}
        with suppress(OSError), beside(self._note) as temporary:
            temporary.write_text(json.dumps(found))
            temporary.replace(self._note)
