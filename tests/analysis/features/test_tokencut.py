"""TokenCut against the generalized eigenproblem as the paper writes it, and a planted object."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import PatchBox
from generator.analysis.features.tokencut import TokenCut, tokencut
from generator.records.record import TokenLayout
from tests.analysis.planted import planted, view_of

GRID = TokenLayout(prefix=(), rows=6, cols=8)
LARGE = TokenLayout(prefix=(), rows=12, cols=16)
"""Large enough for the iterative solver."""


def cut(features: np.ndarray, layout: TokenLayout = GRID) -> TokenCut:
    found = tokencut(features, layout, view_of(layout))
    assert isinstance(found, TokenCut)
    return found


def plain_tokencut(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """All eigenvalues of the generalized problem, the second vector and the seed."""
    n = len(features)
    weights = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            lengths = np.linalg.norm(features[i]) * np.linalg.norm(features[j])
            weights[i, j] = 1.0 if features[i] @ features[j] / lengths > 0.2 else 1e-5
    degrees = np.diag(weights.sum(axis=1))
    values, vectors = linalg.eigh(degrees - weights, degrees)
    second = vectors[:, 1]
    seed = int(np.argmax(np.abs(second)))
    return values, second * np.sign(second[seed]), seed


@pytest.mark.value_of("tokencut-vector")
@pytest.mark.parametrize("layout", [GRID, LARGE], ids=["small", "large"])
@pytest.mark.slow
def test_it_solves_the_problem_of_the_paper(layout: TokenLayout) -> None:
    for seed in range(4):
        features = np.random.default_rng(seed).normal(size=(layout.patches, 5))
        found = cut(features, layout)
        values, vector, start = plain_tokencut(features)
        np.testing.assert_allclose(found.eigenvalue, values[1], atol=1e-10)
        np.testing.assert_allclose(found.gap, values[2] - values[1], atol=1e-10)
        np.testing.assert_allclose(found.vector.ravel(), vector / np.linalg.norm(vector), atol=1e-8)
        assert found.seed == divmod(start, layout.cols)
        assert (found.foreground.ravel() == (vector > vector.mean())).all()


@pytest.mark.parametrize("groups", [2, 4, 6, 8])
def test_equal_groups_are_seen_to_tie_by_either_solver(groups: int) -> None:
    """With two groups one cut is best; with more, several are, and none may be missed."""
    features = np.repeat(np.eye(groups), LARGE.patches // groups, axis=0)
    found = tokencut(features, LARGE, view_of(LARGE))
    if groups == 2:
        assert isinstance(found, TokenCut)
        assert found.mask.sum() == LARGE.patches // 2
    else:
        assert found == NotApplicable("two cuts are equally good")


def test_a_planted_object_is_found_wherever_it_lies() -> None:
    for box in ((0, 0, 3, 2), (2, 1, 5, 4), (5, 4, 8, 6)):
        found = cut(planted(GRID, box))
        assert found.box == PatchBox(*box)
        assert found.pixels == tuple(10 * edge for edge in box)
        assert found.vector[found.seed] > 0
        assert found.foreground[found.seed]


def test_the_norm_of_a_patch_does_not_matter() -> None:
    features = planted(GRID, (2, 1, 5, 4))
    loud = features * np.random.default_rng(0).uniform(0.1, 100, size=(GRID.patches, 1))
    np.testing.assert_allclose(cut(loud).vector, cut(features).vector, atol=1e-9)


def test_the_eigenvector_does_not_depend_on_the_order_of_channels() -> None:
    features = planted(GRID, (2, 1, 5, 4))
    np.testing.assert_allclose(cut(features[:, ::-1]).vector, cut(features).vector, atol=1e-9)


def test_there_may_be_no_cut() -> None:
    view = view_of(GRID)
    same = np.ones((GRID.patches, 4))
    assert tokencut(same, GRID, view) == NotApplicable("all patches are alike")
    unlike = np.eye(GRID.patches)
    assert tokencut(unlike, GRID, view) == NotApplicable("no two patches are alike")
    thirds = np.repeat(np.eye(3), GRID.patches // 3, axis=0)
    assert tokencut(thirds, GRID, view) == NotApplicable("two cuts are equally good")
    large = np.repeat(np.eye(3), LARGE.patches // 3, axis=0)
    assert tokencut(large, LARGE, view_of(LARGE)) == NotApplicable("two cuts are equally good")
    two = TokenLayout(prefix=(), rows=1, cols=2)
    assert tokencut(np.eye(2), two, view_of(two)) == NotApplicable("fewer than three patches")
    unlike[0, 0] = np.nan
    assert tokencut(unlike, GRID, view) == NotApplicable("a vector is not finite")


def two_objects() -> np.ndarray:
    """The same object twice, two patches and two patches, apart from each other."""
    features = np.tile([1.0, 0.0], (GRID.patches, 1))
    for row, col in ((1, 1), (1, 2), (4, 5), (4, 6)):
        features[row * GRID.cols + col] = [0.0, 1.0]
    return features


def test_patches_that_tie_for_the_seed_are_counted_and_tried() -> None:
    found = cut(two_objects())
    assert found.seed == (1, 1) and found.box == PatchBox(1, 1, 3, 2)
    assert found.ties.count == 4 and found.ties.overlap == 0  # another seed gives the other one
    one = cut(planted(GRID, (2, 1, 5, 4)))
    size = np.abs(one.vector)
    assert one.ties.count == int((size > 0.9999 * size.max()).sum()) > 1
    assert one.ties.overlap == 1
