"""Agreement of two maps: divergence, correlation, similarity, earth mover's distance.

Maps are shares of 1 on one grid (:mod:`generator.analysis.grids`). No single measure is enough: one
outlier dominates Pearson's correlation, the background dominates Spearman's, and only the earth
mover's distance uses how far apart places are. Definitions follow Bylinskii 2019. Compare every
number with its baselines: ``uniform_map``, ``center_gaussian``, and the map of the same model on
another picture (``shuffled``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.analysis.grids import pooled
from generator.errors import AnalysisError
from generator.records.record import FloatArray

EMD_GRID = 16
"""Most rows and columns of the grid for the earth mover's distance."""

CENTER_SIGMA = 0.25
"""Standard deviation of the center baseline, as a share of the map's height and width."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """All agreement measures of one pair of maps.

    Each is the quantity of that name in :mod:`generator.analysis.quantities.agreement`.
    Correlations are NaN if a map is constant.
    """

    divergence: float
    pearson: float
    spearman: float
    similarity: float
    earth_movers: float


def agreement(one: FloatArray, two: FloatArray, *, aspect: float = 1.0) -> Agreement:
    """Compare two maps.

    Args:
        one: ``[row, col]``, shares of 1.
        two: ``[row, col]``, shares of 1, on the same grid.
        aspect: width over height of what the grid covers.
    """
    return Agreement(
        divergence=divergence(one, two),
        pearson=pearson(one, two),
        spearman=spearman(one, two),
        similarity=similarity(one, two),
        earth_movers=earth_movers(one, two, width=aspect),
    )


def divergence(one: FloatArray, two: FloatArray) -> float:
    """Jensen-Shannon divergence in bits of two arrays of shares that sum to 1."""
    middle = (one + two) / 2
    return max(0.0, (_relative(one, middle) + _relative(two, middle)) / 2)


def _relative(one: FloatArray, two: FloatArray) -> float:
    held = one > 0
    return float((one[held] * np.log2(one[held] / two[held])).sum())


def pearson(one: FloatArray, two: FloatArray) -> float:
    """Pearson's correlation of the values of two maps; NaN where either is constant."""
    a = np.asarray(one, dtype=np.float64).ravel()
    b = np.asarray(two, dtype=np.float64).ravel()
    # Asked of the values: the spread of a constant map need not come out as exactly 0.
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def spearman(one: FloatArray, two: FloatArray) -> float:
    """Spearman's correlation of two maps; equal values share their mean rank."""
    return pearson(ranks(one), ranks(two))


def ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1 of all values together, mean ranks for ties: float64, flat."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[place.ravel()]
    return found


def similarity(one: FloatArray, two: FloatArray) -> float:
    """SIM, the mass that two maps share: 1 for identical maps, 0 for disjoint maps."""
    return float(np.minimum(one, two).sum())


def earth_movers(
    one: FloatArray, two: FloatArray, *, height: float = 1.0, width: float = 1.0
) -> float:
    """Earth mover's distance: the mean distance mass moves to turn one map into the other.

    Exact (a linear program) on a grid of at most 16x16, to which larger maps are pooled by area;
    pooling moves the result by less than the diagonals of a cell before and after. About 0.2
    seconds for a pair at 16x16.

    Args:
        one: ``[row, col]``, shares of 1.
        two: ``[row, col]``, shares of 1, on the same grid.
        height: height of the area the grid covers, in any unit.
        width: width of the area the grid covers, in the same unit.

    Returns:
        The distance in that unit.

    Raises:
        AnalysisError: no solution was found.
    """
    # Late: the solvers take longer to load than all else that a build needs.
    from scipy import optimize, sparse  # noqa: PLC0415

    excess = pooled(one, EMD_GRID) - pooled(two, EMD_GRID)
    rows, cols = excess.shape
    row, col = np.divmod(np.arange(excess.size), cols)
    places = np.stack([(row + 0.5) / rows * height, (col + 0.5) / cols * width], axis=1)
    excess = excess.ravel()
    # Where distances obey the triangle inequality, shared mass may stay where it is.
    sources, targets = np.flatnonzero(excess > 0), np.flatnonzero(excess < 0)
    moved = (excess[sources].sum() - excess[targets].sum()) / 2
    if moved < 1e-12:
        return 0.0
    supply = excess[sources] / excess[sources].sum()
    demand = excess[targets] / excess[targets].sum()
    ways = np.linalg.norm(places[sources, None] - places[None, targets], axis=-1)
    # The solver's tolerance is absolute, so amounts are brought near 1.
    scale = len(supply) + len(demand)
    amounts = np.concatenate([supply, demand]) * scale
    # What all others leave reaches the last place. Without its own row the amounts need not sum
    # up to the last bit, which the solver may call infeasible; the largest takes no harm from it.
    free = np.arange(scale) != len(supply) + int(demand.argmax())
    # A column for each way: it leaves its source and reaches its target.
    leaves, reaches = np.divmod(np.arange(ways.size), len(demand))
    places_of = np.stack([leaves, len(supply) + reaches], axis=1).ravel()
    starts = np.arange(0, places_of.size + 1, 2)
    moves = sparse.csc_array((np.ones(places_of.size), places_of, starts), (scale, ways.size))
    solved = optimize.linprog(
        ways.ravel(),
        A_eq=moves[free],
        b_eq=amounts[free],
        method="highs",
    )
    if solved.status != 0:
        raise AnalysisError(f"The earth mover's distance was not found: {solved.message}.")
    return float(solved.fun / scale * moved)


def uniform_map(rows: int, cols: int) -> FloatArray:
    """Baseline map of uniform attention: float64 ``[row, col]``, sums to 1."""
    return np.full((rows, cols), 1 / (rows * cols))


def center_gaussian(rows: int, cols: int, sigma: float = CENTER_SIGMA) -> FloatArray:
    """Baseline map of a centered Gaussian: float64 ``[row, col]``, sums to 1.

    Args:
        sigma: standard deviation as a share of height and width.
    """
    down, across = ((np.arange(count) + 0.5) / count - 0.5 for count in (rows, cols))
    found: FloatArray = np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / (2 * sigma**2))
    found /= found.sum()
    return found


def shuffled(images: int) -> tuple[int, ...] | None:
    """For each image, another image whose map serves as the shuffled baseline.

    The images are nearly half a run apart, as neighbors in a folder are often similar. Exactly half
    would make two images each other's baseline and count the pair twice.

    Returns:
        An index for each image, never its own; None for fewer than two images.
    """
    if images < 2:
        return None
    apart = max((images - 1) // 2, 1)
    return tuple((image + apart) % images for image in range(images))
