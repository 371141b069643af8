"""LOST: each step against a plain implementation, and an object in a known place."""

from __future__ import annotations

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import TRIED, PatchBox, box_around, components
from generator.analysis.features.lost import Lost, expansion_size, lost
from generator.errors import AnalysisError
from generator.records.record import TokenLayout
from tests.analysis.planted import planted, view_of

GRID = TokenLayout(prefix=("CLS",), rows=7, cols=9)


def found_in(features: np.ndarray, layout: TokenLayout = GRID, **options: float) -> Lost:
    found = lost(features, layout, view_of(layout), **options)  # type: ignore[arg-type]
    assert isinstance(found, Lost)
    return found


def plain_lost(
    features: np.ndarray, rows: int, cols: int, k: int, bias: float
) -> tuple[list[int], int, set[int], set[int]]:
    """Degrees, seed, expansion and mask, one dot product at a time."""
    n = rows * cols
    dot = [
        [sum(a * b for a, b in zip(features[i], features[j], strict=True)) + bias for j in range(n)]
        for i in range(n)
    ]
    degree = [sum(dot[i][j] > 0 for j in range(n) if j != i) for i in range(n)]
    ranked = sorted(range(n), key=lambda i: (degree[i], i))
    seed = ranked[0]
    expansion = {i for i in ranked[:k] if dot[seed][i] > 0}
    score = [sum(dot[i][j] for i in expansion) for j in range(n)]
    mask, todo = set(), [seed]
    while todo:
        i = todo.pop()
        if i in mask or score[i] <= 0:
            continue
        mask.add(i)
        r, c = divmod(i, cols)
        for rr, cc in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            if 0 <= rr < rows and 0 <= cc < cols:
                todo.append(rr * cols + cc)
    return degree, seed, expansion, mask


@pytest.mark.value_of("lost-degree", "lost-score")
@pytest.mark.parametrize(("k", "bias"), [(1, 0.0), (5, 0.0), (12, 0.3), (35, -0.2), (99, 0.0)])
def test_every_step_is_that_of_the_plain_implementation(k: int, bias: float) -> None:
    layout = TokenLayout(prefix=(), rows=5, cols=7)
    for seed in range(4):
        features = np.random.default_rng(seed).normal(size=(35, 6))
        found = found_in(features, layout, k=k, bias=bias)
        degree, start, expansion, mask = plain_lost(features, 5, 7, k, bias)
        assert found.degree.ravel().tolist() == degree
        np.testing.assert_allclose(found.inverse_degree.ravel(), [1 / (1 + d) for d in degree])
        assert found.seed == divmod(start, 7)
        assert set(np.flatnonzero(found.expansion)) == expansion
        assert set(np.flatnonzero(found.mask)) == mask
        np.testing.assert_allclose(found.similarity.ravel(), features @ features[start] + bias)
        assert found.k == min(k, 35)


def test_a_planted_object_is_found() -> None:
    found = found_in(planted(GRID, (2, 1, 6, 4)), k=10)
    assert found.box == PatchBox(2, 1, 6, 4)
    assert found.pixels == (20, 10, 60, 40)
    assert found.mask.sum() == 12
    assert set(found.degree[found.mask]) == {11}  # its own kind only
    assert found.expansion.sum() == 10


def test_only_the_part_that_holds_the_seed_is_boxed() -> None:
    features = planted(GRID, (1, 1, 3, 3), noise=0)
    other = planted(GRID, (6, 4, 9, 7), noise=0)
    both = features.copy()
    inside = np.zeros((7, 9), dtype=bool)
    inside[4:7, 6:9] = True
    both[inside.ravel()] = other[inside.ravel()]
    found = found_in(both, k=4)
    assert found.seed == (1, 1)  # of equal degrees the first
    assert found.box == PatchBox(1, 1, 3, 3)


def test_an_object_in_the_last_corner_is_found() -> None:
    assert found_in(planted(GRID, (7, 5, 9, 7)), k=4).box == PatchBox(7, 5, 9, 7)


def test_norms_matter_because_nothing_is_normalized() -> None:
    """Signs of dot products, so degrees and expansion, ignore lengths; the votes do not."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(GRID.patches, 6))
    plain = found_in(features, k=20)
    loud = found_in(features * rng.uniform(0.1, 10, size=(GRID.patches, 1)), k=20)
    assert (loud.degree == plain.degree).all()
    assert loud.seed == plain.seed
    assert (loud.expansion == plain.expansion).all()
    assert ((loud.score > 0) != (plain.score > 0)).any()


def test_a_hundred_patches_at_37_by_37() -> None:
    assert expansion_size(37 * 37) == 100
    assert expansion_size(14 * 14) == 14
    assert expansion_size(2) == 1


def test_a_patch_without_features_is_no_object() -> None:
    features = planted(GRID, (2, 1, 6, 4))
    features[5] = 0
    found = lost(features, GRID, view_of(GRID))
    assert found == NotApplicable("the patch of lowest degree is like no patch, not even itself")
    features[5] = np.inf
    assert lost(features, GRID, view_of(GRID)) == NotApplicable("a vector is not finite")
    with pytest.raises(AnalysisError, match="k = 0"):
        lost(features, GRID, view_of(GRID), k=0)


def test_patches_that_tie_for_the_seed_are_counted_and_tried() -> None:
    """Two objects alike, in corners: each is found from its own seed alone."""
    features = np.tile([1.0, 0.0], (GRID.patches, 1))
    places = [0, 1, GRID.patches - 2, GRID.patches - 1]
    features[places] = [-0.1, 1.0]
    found = found_in(features, k=1)
    assert found.seed == (0, 0) and found.box == PatchBox(0, 0, 2, 1)
    assert found.ties.count == 4 and found.ties.overlap == 0
    alone = features.copy()
    alone[places[2:]] = [1.0, 0.0]
    found = found_in(alone, k=1)
    assert found.ties.count == 2 and found.ties.overlap == 1


def test_of_many_ties_the_least_overlap_is_that_of_a_plain_search() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        features = np.sign(rng.normal(size=(GRID.patches, 2)))
        found = found_in(features, k=5)
        degree = found.degree.ravel()
        tied = np.flatnonzero(degree == degree.min())
        assert found.ties.count == len(tied)
        boxes = []
        for seed in tied:  # LOST with this seed: the first of its degree when it is put in front
            ahead = np.array([seed, *(n for n in range(GRID.patches) if n != seed)])
            gram = features @ features.T
            order = ahead[np.argsort(degree[ahead], kind="stable")][:5]
            chosen = [n for n in order if gram[seed, n] > 0]
            part = components(gram[chosen].sum(0).reshape(7, 9) > 0).holding(*divmod(seed, 9))
            boxes.append(box_around(part))
        assert found.box == boxes[0]
        if len(tied) <= TRIED:
            overlaps = [found.box.overlap(box) for box in boxes if box is not None]
            assert found.ties.overlap == min(overlaps)
