"""Model page: sections on the similarity of heads and of layers."""

from __future__ import annotations

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.quantities.table import quantity
from generator.present.charts.chart import NumberTable
from generator.present.content.layers_alike import LayerMatrix
from generator.present.content.similarity import (
    MOST_HEAD_IMAGES,
    MOST_LAYER_IMAGES,
    HeadPictures,
    HeadsAlike,
)
from generator.present.drawing.heatmap import GAP
from generator.present.drawing.scale import Tick
from generator.present.pages.model.pictures import enlarged
from generator.present.pages.model_context import ModelContext, absent_section, reading
from generator.present.pages.planner import Planner
from generator.present.pages.sections import HeadTable, Mosaic, Section, Table, TableRow
from generator.present.pages.views import ColorBar
from generator.present.pages.wording import not_applicable, withheld
from generator.records.record import FloatArray
from generator.text.numbers import column, given, number
from generator.text.phrases import counted


def heads_alike_section(context: ModelContext) -> Section:
    """Section on the similarity of heads, by their CLS maps."""
    found = context.planner.contents.similarity[context.model.slug].heads
    section_id, title = "heads-alike", "Head similarity"
    if isinstance(found, NotApplicable):
        return absent_section(section_id, title, not_applicable(found))
    return Section(
        id=section_id,
        title=title,
        text=(f"{_at_a_glance(found.alike)} Mean over {head_images(found.alike.images)}",),
        mosaics=_head_mosaics(context, found),
        head_table=_most_similar(context, found),
    )


def head_images(images: int) -> str:
    """Number of images over which heads are compared, as the end of a sentence."""
    few = f" (at most {MOST_HEAD_IMAGES}, evenly spaced)" if images >= MOST_HEAD_IMAGES else ""
    return f"{counted(images, 'image')}{few}."


def _at_a_glance(alike: HeadsAlike) -> str:
    """The most similar pair, and the mean over all pairs."""
    values = _without_itself(alike)
    if len(values) < 2:
        return ""
    one, two = np.unravel_index(int(np.nanargmax(values)), values.shape)
    most, mean = column((float(values[one, two]), float(np.nanmean(values))))
    return (
        f"Most similar: {head_text(int(one), alike.heads)} and {head_text(int(two), alike.heads)}, "
        f"{most}. Mean of all pairs: {mean}."
    )


def _without_itself(alike: HeadsAlike) -> FloatArray:
    values = alike.similarity.astype(np.float32)
    np.fill_diagonal(values, np.nan)
    return values


def head_text(place: int, heads: int) -> str:
    """Label of an index in the matrix: ``layer 3, head 2``."""
    layer, head = divmod(place, heads)
    return f"layer {layer + 1}, head {head + 1}"


def _head_mosaics(context: ModelContext, found: HeadPictures) -> tuple[Mosaic, ...]:
    alike, planner = found.alike, context.planner
    side = alike.layers * (alike.heads + GAP) - GAP
    labels = tuple(str(layer + 1) for layer in range(alike.layers))
    count = len(found.alike.order)
    definitions = (planner.definition("head-similarity"),)
    return (
        Mosaic(
            title="Heads in the order of layers",
            picture=enlarged(
                planner.url(found.by_layer.path),
                side,
                side,
                f"Similarity of {count} heads with each other, layer by layer.",
            ),
            columns=labels,
            rows=labels,
            bar=similarity_bar(planner),
            note=f"One tile for each pair of layers. {reading('head-similarity')}",
            definitions=definitions,
        ),
        Mosaic(
            title="Heads in clustered order",
            picture=enlarged(
                planner.url(found.clustered.path),
                count,
                count,
                f"Similarity of {count} heads with each other, in clustered order.",
            ),
            columns=(),
            rows=(),
            bar=similarity_bar(planner),
            note="Average linkage: squares along the diagonal are groups of heads.",
            definitions=definitions,
        ),
    )


def similarity_bar(planner: Planner) -> ColorBar:
    """Color bar of similarities, from 0 to 1."""
    ticks = tuple(Tick(n / 4, given(n / 4)) for n in range(5))
    return planner.bar(ticks, "similarity", extends=False)


def _most_similar(context: ModelContext, found: HeadPictures) -> HeadTable:
    """The most similar other head of each head."""
    alike = found.alike
    values = _without_itself(alike)
    places = {head: place for place, head in enumerate(found.alike.order)}
    rows = []
    for head, row in enumerate(values if len(values) > 1 else ()):
        other = int(np.nanargmax(row))
        layer, own = divmod(head, alike.heads)
        rows.append(
            (
                *(str(layer + 1), str(own + 1)),
                head_text(other, alike.heads),
                number(row[other]),
                str(places[head] + 1),
            )
        )
    return HeadTable(
        id="similar-heads",
        title="The most similar other head of each head, and the head's place in clustered order",
        numbers=NumberTable(("layer", "head", "most similar", "similarity", "place"), tuple(rows)),
        target="",
        heads=alike.heads,
    )


def layers_alike_section(context: ModelContext) -> Section:
    """Section on linear CKA of layers, if there are enough images."""
    found = context.planner.contents.similarity[context.model.slug].layers
    section_id, title = "layers-alike", "Layer similarity"
    if isinstance(found, NotApplicable):
        return absent_section(section_id, title, withheld(found))
    return Section(
        id=section_id,
        title=title,
        text=(layers_text(len(found.images)),),
        mosaics=tuple(
            mosaic
            for matrix in found.matrices
            if (mosaic := matrix_mosaic(context.planner, matrix, "layer")) is not None
        ),
        tables=tuple(
            table for matrix in found.matrices if (table := matrix_table(matrix, "layer"))
        ),
        absent=absent_matrices(found.matrices),
    )


def layers_text(images: int) -> str:
    """How layers are compared, over how many images, and the meaning of layer 0."""
    many = f" (at most {MOST_LAYER_IMAGES}, evenly spaced)" if images >= MOST_LAYER_IMAGES else ""
    return (
        f"{quantity('layer-similarity').definition} Over {counted(images, 'image')}{many}. "
        "Layer 0 is the embedding."
    )


def absent_matrices(matrices: tuple[LayerMatrix, ...]) -> tuple[str, ...]:
    """Why matrices are missing, once for each token."""
    said = (
        f"{_GROUPS[matrix.group]}: not applicable, {matrix.similarity.reason.rstrip('.')}."
        for matrix in matrices
        if isinstance(matrix.similarity, NotApplicable)
    )
    return tuple(dict.fromkeys(said))


def matrix_mosaic(planner: Planner, matrix: LayerMatrix, rows: str) -> Mosaic | None:
    """Picture of a matrix; None without numbers.

    Args:
        rows: label of the rows, such as ``layer``, or ``layer of`` a model.
    """
    if isinstance(matrix.similarity, NotApplicable) or matrix.picture is None:
        return None
    down, across = matrix.similarity.shape
    title = matrix_title(matrix)
    gap = " A gap: the layer is the same for all images." if _has_gap(matrix.similarity) else ""
    return Mosaic(
        title=title,
        picture=enlarged(
            planner.url(matrix.picture.path), across, down, f"{title}, {down} × {across} layers."
        ),
        columns=tuple(str(layer) for layer in range(across)),
        rows=tuple(str(layer) for layer in range(down)),
        bar=similarity_bar(planner),
        note=f"Downwards: {rows}.{gap} {reading('layer-similarity')}",
        definitions=(planner.definition("layer-similarity"),),
    )


def matrix_title(matrix: LayerMatrix) -> str:
    """Title of a matrix."""
    return _GROUPS[matrix.group] + (", channels standardized" if matrix.standardized else "")


def matrix_table(matrix: LayerMatrix, rows: str) -> Table | None:
    """Table of a matrix; None without numbers."""
    if isinstance(matrix.similarity, NotApplicable):
        return None
    return Table(
        title=f"{matrix_title(matrix)}: numbers",
        heads=(rows,),
        columns=tuple(str(layer) for layer in range(matrix.similarity.shape[1])),
        rows=tuple(
            TableRow((str(layer),), "", tuple(map(number, row)))
            for layer, row in enumerate(matrix.similarity)
        ),
    )


def _has_gap(values: FloatArray) -> bool:
    return bool(np.isnan(values).any())


_GROUPS = {"CLS": "CLS token", "patches": "Mean patch"}
