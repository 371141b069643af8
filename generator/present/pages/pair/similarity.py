"""Pair page: sections on matched heads and on the similarity of layers."""

from __future__ import annotations

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.head_similarity import Match, match_heads, shuffled_matching
from generator.analysis.compare.compared import MatchedHeads
from generator.present.content.pair_similarity import PairSimilarity
from generator.present.pages.model.similarity import (
    absent_matrices,
    head_images,
    layers_text,
    matrix_mosaic,
    matrix_table,
)
from generator.present.pages.model_context import absent_section
from generator.present.pages.planner import Planner
from generator.present.pages.sections import Section, Table, TableRow
from generator.present.pages.wording import not_applicable, withheld
from generator.text.numbers import column, count, number
from generator.text.phrases import counted

SHUFFLES = 1000
"""Number of random matchings; the best one is the baseline."""


def pair_similarity(
    planner: Planner, labels: tuple[str, str], found: PairSimilarity, matched: MatchedHeads | None
) -> tuple[Section, Section]:
    """Sections on matched heads and on the similarity of layers.

    Args:
        planner: planner of the pair page.
        labels: labels of the two models.
        matched: result of :func:`matched_heads`.
    """
    return _heads_section(labels, found, matched), _layers_section(planner, labels, found)


def matched_heads(found: PairSimilarity) -> MatchedHeads | None:
    """How similar the heads of both models are; None if they cannot be compared."""
    if isinstance(found.heads, NotApplicable):
        return None
    values = found.heads.similarity.astype(np.float32)
    matches = match_heads(values, found.heads.heads)
    return MatchedHeads(
        matches=matches,
        held_out=found.heads.held_out,
        random=shuffled_matching(values, SHUFFLES),
        images=found.heads.images,
    )


def _heads_section(
    labels: tuple[str, str], found: PairSimilarity, matched: MatchedHeads | None
) -> Section:
    section_id, title = "heads-matched", "Heads matched"
    if isinstance(found.heads, NotApplicable) or matched is None:
        assert isinstance(found.heads, NotApplicable)
        return absent_section(section_id, title, not_applicable(found.heads))
    return Section(
        id=section_id,
        title=title,
        text=(
            f"{_similarity_text(matched)} The best of {count(SHUFFLES)} random matchings reaches "
            f"{number(matched.random)} (0: different places, 1: the same). Heads are matched one "
            "to one, because head 3 of one model is not head 3 of the other.",
        ),
        tables=(_matches_table(labels, matched.matches),),
    )


def _similarity_text(matched: MatchedHeads) -> str:
    """Sentence on the similarity of matched heads, on held-out images where there are any."""
    over = f"over {counted(len(matched.matches), 'pair')} and {head_images(matched.images)}"
    if matched.held_out is None:
        return (
            f"Matched heads have a mean similarity of {number(matched.mean)} {over} They were "
            "matched on this image, so the number is biased upward."
        )
    return (
        f"Matched heads have a mean similarity of {number(matched.held_out)} on held-out images "
        f"and of {number(matched.mean)} on the images they were matched on, {over}"
    )


def _matches_table(labels: tuple[str, str], matches: tuple[Match, ...]) -> Table:
    return Table(
        title="Matched heads",
        heads=(f"head of {labels[0]}",),
        columns=(f"head of {labels[1]}", "similarity"),
        rows=tuple(
            TableRow((_head(match.one),), "", (_head(match.two), similarity))
            for match, similarity in zip(
                matches, column([match.similarity for match in matches]), strict=True
            )
        ),
    )


def _head(place: tuple[int, int]) -> str:
    return f"layer {place[0] + 1}, head {place[1] + 1}"


def _layers_section(planner: Planner, labels: tuple[str, str], found: PairSimilarity) -> Section:
    section_id, title = "layers-alike", "Layer similarity"
    if isinstance(found.matrices, NotApplicable):
        return absent_section(section_id, title, withheld(found.matrices))
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
