"""Teaser maps: values, captions, file names and links."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from generator.present.cells.chunks.chunk import read_chunk
from generator.present.cells.chunks.maps import PRIMARY, RECEIVED
from generator.present.cells.chunks.patches import PATCH, read_patch_chunk
from generator.present.cells.files import CellContent
from generator.present.cells.labels import query_label
from generator.present.drawing.quantize import Quantized, decode
from generator.records.paper import Patch, TeaserCell
from generator.records.record import FloatArray


def layer_of(cell: TeaserCell, content: CellContent) -> int:
    """Layer of a teaser map, from 1."""
    return content.facts.model.layers if cell.layer == "last" else cell.layer


def query_of(cell: TeaserCell, content: CellContent) -> str:
    """Id of the map's query in the gallery."""
    if isinstance(cell.query, Patch):
        return PATCH
    # the token of the first query may be named ``received`` or ``CLS1``
    return PRIMARY if cell.query == content.header.token else cell.query


def is_answered(cell: TeaserCell, content: CellContent) -> bool:
    """Whether the site has a chunk of the map's query."""
    return any(file.query == query_of(cell, content) for file in content.chunks)


def values_of(cell: TeaserCell, content: CellContent, site: Path) -> FloatArray:
    """Values of the map, ``[grid row, grid col]``, times uniform, from its chunk."""
    query = query_of(cell, content)
    path = site / next(file.path for file in content.chunks if file.query == query)
    row = layer_of(cell, content) - 1
    if isinstance(cell.query, Patch):
        header, maps = read_patch_chunk(path)
        column = header.heads if cell.head == "mean" else cell.head - 1
        place = (cell.query.row - 1) * header.grid[1] + cell.query.col - 1
        chosen: FloatArray = maps[row, column, place]
        return chosen
    _, quantized = read_chunk(path)
    column = content.header.heads if cell.head == "mean" else cell.head - 1
    one = np.s_[row : row + 1, column : column + 1]
    found: FloatArray = decode(Quantized(quantized.codes[one], quantized.maxima[one]))[0, 0]
    return found


def file_stem(cell: TeaserCell, content: CellContent) -> str:
    """Path of the map's file in the site, without hash and suffix."""
    parts = [f"{layer_of(cell, content)}-{cell.head}"]
    if isinstance(cell.query, Patch):
        parts.append(f"patch-{cell.query.row}-{cell.query.col}")
    elif query_of(cell, content) != PRIMARY:
        parts.append(cell.query)
    return f"data/{cell.model}/{cell.image}.{'.'.join(parts)}"


def fragment(cell: TeaserCell, content: CellContent) -> str:
    """URL fragment that shows the map on the image's page (see ``state.js``)."""
    fields = [f"layer={layer_of(cell, content)}", f"head={cell.head}"]
    query = query_of(cell, content)
    if query != PRIMARY:
        fields.append(f"query={query}")
    if isinstance(cell.query, Patch):
        layout, view = content.facts.layout, content.facts.view
        x = view.left + (cell.query.col - 0.5) * (view.right - view.left) / layout.cols
        y = view.top + (cell.query.row - 0.5) * (view.bottom - view.top) / layout.rows
        fields.append(f"from={round(x, 1)},{round(y, 1)}")
    return "#" + "&".join(fields)


def caption(cell: TeaserCell, content: CellContent, label: str) -> str:
    """Model, layer, head, and the query if it isn't the default."""
    head = "mean over heads" if cell.head == "mean" else f"head {cell.head}"
    text = f"{label}, layer {layer_of(cell, content)}, {head}"
    if isinstance(cell.query, Patch):
        return f"{text}, query at row {cell.query.row}, column {cell.query.col}"
    query = query_of(cell, content)
    if query == PRIMARY:
        return text
    return f"{text}, {'received' if query == RECEIVED else f'query {query_label(query, True)}'}"


def subject(cell: TeaserCell, content: CellContent) -> str:
    """Quantity of the map in words, such as ``CLS attention``."""
    if isinstance(cell.query, Patch):
        return "attention of a patch"
    query = query_of(cell, content)
    if query == RECEIVED or (query == PRIMARY and content.received):
        return "mean received attention"
    token = content.header.token if query == PRIMARY else query_label(query, True)
    return f"{token} attention"
