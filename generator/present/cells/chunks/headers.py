"""What pages print of the headers of chunks, noted beside the records.

Unpacking a header takes longer than anything else about a cell that did not change. The summary of
a header is found by the hash of its chunk, so a changed chunk is read again.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from generator.present.cells.chunks.chunk import CellFacts, Header, Rows, read_header
from generator.present.cells.chunks.maps import RECEIVED
from generator.present.files.kept import SiteNotes
from generator.present.files.manifest import FileEntry
from generator.present.files.program import program_hash

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class MapNote:
    """Numbers of one map that its caption prints.

    Attributes:
        row: label of the wall's row: the layer, or ``pool``.
        column: number of the head from 1, or ``mean``.
        maximum: in times uniform.
        patches: share of the query's attention on patches.
    """

    row: str
    column: str
    maximum: float
    patches: float


@dataclass(frozen=True, slots=True)
class HeaderSummary:
    """Summary of the header of a cell's first chunk.

    Attributes:
        token: the model's token for the query ``CLS``, or ``received``.
        rows: labels of the wall's rows.
        heads: number of heads.
        last: the last-layer map, mean over heads.
        strongest: the map with the highest maximum.
        palest: the map with the least attention on patches.
        entropy: ``[layer][head]``.
        on_registers: share of the class token's attention on registers in the last layer, mean over
            heads; None for a model without a class token or registers.
    """

    facts: CellFacts
    token: str
    rows: tuple[str, ...]
    heads: int
    last: MapNote
    strongest: MapNote
    palest: MapNote
    entropy: Rows
    on_registers: float | None


def summary_of(header: Header) -> HeaderSummary:
    """The summary of a header."""
    maxima = np.array(header.maxima, dtype=np.float32)
    patches = np.array([[m[-1] for m in row] for row in header.mass], dtype=np.float32)

    def note(row: int, column: int) -> MapNote:
        name = "mean" if column == header.heads else str(column + 1)
        return MapNote(
            header.rows[row], name, float(maxima[row, column]), float(patches[row, column])
        )

    heads = np.s_[:, : header.heads]
    strongest = np.unravel_index(np.nanargmax(maxima[heads]), maxima[heads].shape)
    palest = np.unravel_index(np.nanargmin(patches[heads]), patches[heads].shape)
    return HeaderSummary(
        facts=_sharing(header.facts),
        token=header.token,
        rows=_same(header.rows),
        heads=header.heads,
        last=note(header.facts.model.layers - 1, header.heads),
        strongest=note(int(strongest[0]), int(strongest[1])),
        palest=note(int(palest[0]), int(palest[1])),
        entropy=header.statistics.entropy,
        on_registers=_on_registers(header),
    )


def _on_registers(header: Header) -> float | None:
    registers = [group in header.facts.layout.registers for group in header.groups]
    if header.token == RECEIVED or not any(registers):
        return None
    row = header.mass[header.facts.model.layers - 1][header.heads]
    return sum(share or 0.0 for share, is_one in zip(row, registers, strict=True) if is_one)


def _sharing(facts: CellFacts) -> CellFacts:
    """Facts that share with those of other cells what is the same: it is most of their memory."""
    return replace(
        facts,
        model=_same(facts.model),
        layout=_same(facts.layout),
        view=_same(facts.view),
        preprocessing=_same(facts.preprocessing),
        environment=_same(facts.environment),
        queries=_same(facts.queries),
        patch_histogram=_same(facts.patch_histogram),
    )


@lru_cache(maxsize=1024)
def _same(fact: Fact) -> Fact:
    """The first of equal facts."""
    return fact


@dataclass(frozen=True, slots=True)
class HeaderNote:
    """Summaries of the headers of a site.

    Attributes:
        program: hash of the program.
        chunks: hashes of the first chunks of cells.
        summaries: their summaries as JSON, one on each line, compressed with zlib.
    """

    program: str
    chunks: tuple[str, ...]
    summaries: NDArray[np.uint8]


HEADERS = SiteNotes("headers", HeaderNote)
_SUMMARY: TypeAdapter[HeaderSummary] = TypeAdapter(HeaderSummary)


class Headers:
    """Summaries of headers: known from a note, or read from chunks.

    They are noted in compressed form at once: those of ten thousand cells would take much memory.

    Args:
        former: the note of the site's former build, if there is one.
    """

    def __init__(self, former: HeaderNote | None = None) -> None:
        self._known: dict[str, bytes] = {}
        self._noted: dict[str, None] = {}
        self._compressing = zlib.compressobj(1)
        self._compressed: list[bytes] = []
        if former is not None:
            with suppress(zlib.error, ValueError):
                lines = zlib.decompress(former.summaries.tobytes()).splitlines()
                self._known = dict(zip(former.chunks, lines, strict=True))

    def of(self, chunk: FileEntry, path: Path) -> HeaderSummary:
        """Summary of the header of a cell's first chunk.

        Args:
            path: where the chunk is now.
        """
        line = self._known.pop(chunk.sha256, b"")
        found = _summary(line)
        if found is None:
            found = summary_of(read_header(path))
            line = _SUMMARY.dump_json(found)
        if chunk.sha256 not in self._noted:
            self._noted[chunk.sha256] = None
            self._compressed.append(self._compressing.compress(line + b"\n"))
        return found

    def note(self) -> HeaderNote:
        """The summaries that were asked for; the last thing that is asked."""
        text = b"".join((*self._compressed, self._compressing.flush()))
        return HeaderNote(program_hash(), tuple(self._noted), np.frombuffer(text, dtype=np.uint8))


def _summary(line: bytes) -> HeaderSummary | None:
    """The summary on a line of a note; None for none, or one that is not as it was written."""
    with suppress(ValidationError):
        found = _SUMMARY.validate_json(line)
        return replace(found, facts=_sharing(found.facts), rows=_same(found.rows))
    return None
