"""Page numbers of named destinations in a PDF.

Only its own files are read, whose objects stand in the open: a catalogue, a tree of pages, and a
table of places. Anything else gives nothing, and a report without page numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\n<<(.*?)\nendobj", re.DOTALL)
PLACE = re.compile(rb"/([^\s/\[]+) \[(\d+) 0 R /XYZ")
NUMBERED = re.compile(r'(<a href="#([^"]+)" data-page=")(")')


def pages_of(pdf: bytes) -> dict[str, int]:
    """The page, from 1, of each named place; empty where they cannot be read."""
    tables = {
        number: body for number, body in OBJECT.findall(pdf) if b"\nstream" not in body[:4096]
    }
    catalogue = next((body for body in tables.values() if b"/Type /Catalog\n" in body), b"")
    root, places = (_reference(catalogue, name) for name in (b"Pages", b"Dests"))
    order = {page: number for number, page in enumerate(_leaves(tables, root), 1)}
    found = PLACE.findall(tables.get(places, b""))
    if not all(page in order for _, page in found):
        return {}
    return {name.decode("ascii", "replace"): order[page] for name, page in found}


def _reference(body: bytes, name: bytes) -> bytes:
    found = re.search(rb"/%s (\d+) 0 R" % name, body)
    return found[1] if found else b""


def _leaves(tables: Mapping[bytes, bytes], node: bytes) -> Iterator[bytes]:
    """The pages below a node of the tree, in order."""
    body = tables.get(node, b"")
    kids = re.search(rb"/Type /Pages\b.*?/Kids \[([^\]]*)\]", body, re.DOTALL)
    if kids is None:
        yield node
        return
    for kid in re.findall(rb"(\d+) 0 R", kids[1]):
        yield from _leaves(tables, kid)


def with_pages(html: str, pages: Mapping[str, int]) -> str:
    """A report whose contents say on which page each chapter is."""

    def told(found: re.Match[str]) -> str:
        return f"{found[1]}{pages.get(found[2], '')}{found[3]}"

    return NUMBERED.sub(told, html)
