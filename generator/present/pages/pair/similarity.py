"""Pair page: sections on matched heads and on the similarity of layers."""

from __future__ import annotations

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.head_similarity import Match, match_heads, shuffled_matching
from generator.present.content.pair_similarity import PairHeads, PairSimilarity
from generator.present.pages.model.similarity import (
    absent_matrices,
    head_images,
    layers_text,
    matrix_mosaic,
    matrix_table,
)
from generator.present.pages.model_context import absent_section, reading
from generator.present.pages.planner import Planner
from generator.present.pages.sections import Section, Table, TableRow
from generator.present.pages.wording import not_applicable, withheld
from generator.text.numbers import count, number

SHUFFLES = 1000
"""Number of random matchings; the best one is the baseline."""


def pair_similarity(
    planner: Planner, labels: tuple[str, str], found: PairSimilarity
) -> tuple[Section, Section]:
    """Sections on matched heads and on the similarity of layers.

    Args:
        planner: planner of the pair page.
        labels: labels of the two models.
    """
    return _heads_section(labels, found), _layers_section(planner, labels, found)


def _heads_section(labels: tuple[str, str], found: PairSimilarity) -> Section:
    section_id, title = "heads-matched", "Heads matched"
    if isinstance(found.heads, NotApplicable):
        return absent_section(section_id, title, "head-similarity", not_applicable(found.heads))
    alike = found.heads
    values = alike.similarity.astype(np.float32)
    matches = match_heads(values, alike.heads)
    mean = float(np.mean([match.similarity for match in matches]))
    return Section(
        id=section_id,
        title=title,
        text=(
            f"Head 3 of one model is not head 3 of another. Each head of {labels[0]} is matched "
            f"with one head of {labels[1]} so that the sum of similarities is largest: 1 less the "
            "Jensen-Shannon divergence of their CLS maps on the common grid. Mean over "
            f"{head_images(alike.images)}",
            f"Mean over {count(len(matches))} matched pairs of heads: {number(mean)}. "
            f"{_held_out(alike)} The best of {count(SHUFFLES)} random matchings reaches "
            f"{number(shuffled_matching(values, SHUFFLES))}. "
            f"{reading('head-similarity')}",
        ),
        tables=(_matches_table(labels, matches),),
    )


def _held_out(alike: PairHeads) -> str:
    """Sentence on the matching's similarity on held-out images."""
    if alike.held_out is None:
        return "The matching is made for this image: how it fits others is not known."
    return (
        f"Matched on every second image and measured on the others, it is "
        f"{number(alike.held_out)}: the matching is made to fit its images, which this number "
        "leaves out."
    )


def _matches_table(labels: tuple[str, str], matches: tuple[Match, ...]) -> Table:
    return Table(
        title="Matched heads",
        heads=(f"head of {labels[0]}",),
        columns=(f"head of {labels[1]}", "similarity"),
        rows=tuple(
            TableRow((_head(match.one),), "", (_head(match.two), number(match.similarity)))
            for match in matches
        ),
    )


def _head(place: tuple[int, int]) -> str:
    return f"layer {place[0] + 1}, head {place[1] + 1}"


def _layers_section(planner: Planner, labels: tuple[str, str], found: PairSimilarity) -> Section:
    section_id, title = "layers-alike", "Layers alike"
    if isinstance(found.matrices, NotApplicable):
        return absent_section(section_id, title, "layer-similarity", withheld(found.matrices))
    one = f"layer of {labels[0]}"
    mosaics = (
        matrix_mosaic(planner, matrix, f"{one}; across: layer of {labels[1]}")
        for matrix in found.matrices
    )
    tables = (matrix_table(matrix, one) for matrix in found.matrices)
    return Section(
        id=section_id,
        title=title,
        text=(layers_text(found.layer_images),),
        mosaics=tuple(mosaic for mosaic in mosaics if mosaic is not None),
        tables=tuple(table for table in tables if table is not None),
        absent=absent_matrices(found.matrices),
    )
