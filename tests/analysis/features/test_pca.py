"""Principal components against numpy's own decomposition, known subspaces and known rotations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from generator.analysis.absent import NotApplicable
from generator.analysis.features.colors import (
    SharedComponents,
    aligned,
    colors,
    procrustes,
    range_of,
    robust_range,
    shared_components,
)
from generator.analysis.features.cosine import cosine_maps, cosine_matrix
from generator.analysis.features.pca import (
    border,
    first_components,
    fit,
    fit_image,
    foreground_sign,
    leading,
    leading_component,
)
from generator.errors import AnalysisError
from generator.records.record import TokenLayout, View
from tests.analysis.planted import planted, view_of

GRID = TokenLayout(prefix=("CLS",), rows=6, cols=8)


@pytest.mark.value_of("leading-component", "explained-variance")
def test_components_are_those_of_a_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 7)) * np.array([5, 3, 2, 1, 1, 0.5, 0.1]) + 40
    found = fit([vectors[:17], vectors[17:17], vectors[17:]], 3)
    centered = vectors - vectors.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centered, full_matrices=False)
    np.testing.assert_allclose(found.mean, vectors.mean(axis=0))
    np.testing.assert_allclose(found.variance, sizes[:3] ** 2 / 60)
    np.testing.assert_allclose(found.explained, (sizes**2 / (sizes**2).sum())[:3])
    np.testing.assert_allclose(np.abs(np.sum(found.axes * axes[:3], axis=1)), 1)
    assert (found.axes[np.arange(3), np.abs(found.axes).argmax(axis=1)] > 0).all()
    scores = found.scores(vectors)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(scores.T, bias=True), np.eye(3), atol=1e-9)


def test_a_known_subspace_is_found() -> None:
    rng = np.random.default_rng(1)
    plane = np.linalg.qr(rng.normal(size=(20, 2)))[0].T
    vectors = (rng.normal(size=(100, 2)) * [3, 2]) @ plane + 1e-9
    found = fit([vectors], 3)
    np.testing.assert_allclose(found.axes[:2] @ plane.T @ plane, found.axes[:2], atol=1e-8)
    np.testing.assert_allclose(found.explained[:2].sum(), 1)
    assert (found.scores(vectors)[:, 2] == 0).all()  # no variance: zero, not noise blown up


def test_vectors_that_are_all_equal_have_no_component() -> None:
    found = fit([np.full((5, 4), 2.0)], 2)
    assert found.explained.tolist() == [0, 0]
    assert (found.scores(np.full((5, 4), 2.0)) == 0).all()
    with pytest.raises(AnalysisError, match="at least two vectors"):
        fit([np.ones((1, 4))], 2)


@pytest.mark.parametrize("shape", [(60, 7), (300, 200), (90, 200)])
def test_components_of_one_image_are_those_of_a_singular_value_decomposition(
    shape: tuple[int, int],
) -> None:
    """Both solvers, with fewer vectors than channels too."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=shape) * np.geomspace(9, 0.1, shape[1]) + 40
    found = fit_image(vectors, 3)
    _, sizes, axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(found.mean, vectors.mean(axis=0))
    np.testing.assert_allclose(found.variance, sizes[:3] ** 2 / len(vectors))
    np.testing.assert_allclose(found.explained, (sizes**2 / (sizes**2).sum())[:3])
    np.testing.assert_allclose(np.abs(np.sum(found.axes * axes[:3], axis=1)), 1)
    assert (found.axes[np.arange(3), np.abs(found.axes).argmax(axis=1)] > 0).all()
    many = fit([vectors[:20], vectors[20:]], 3)
    np.testing.assert_allclose(found.scores(vectors), many.scores(vectors), atol=1e-7)


def test_an_image_of_few_or_equal_vectors() -> None:
    for channels in (4, 200):
        equal = np.full((5, channels), 2.0)
        found = fit_image(equal, 2)
        assert found.explained.tolist() == [0, 0]
        assert (found.scores(equal) == 0).all()
    two = fit_image(np.eye(200)[:2], 3)  # only one direction has any variance
    np.testing.assert_allclose(two.explained, [1, 0, 0], atol=1e-12)
    with pytest.raises(AnalysisError, match="at least two vectors"):
        fit_image(np.ones((1, 4)), 2)


def test_the_foreground_is_the_side_away_from_the_border() -> None:
    features = planted(GRID, (2, 1, 6, 4))
    inside = np.zeros((6, 8), dtype=bool)
    inside[1:4, 2:6] = True
    for turned in (features, -features):
        found = leading_component(turned, GRID)
        assert ((found.scores > 0) == inside).all()
        assert (leading_component(turned, GRID, flip=True).scores == -found.scores).all()
    np.testing.assert_allclose((found.scores**2).mean(), 1)  # whitened
    assert found.explained > 0.9
    assert found.left_out == 0


def test_the_rule_for_the_sign() -> None:
    edge = border(TokenLayout(prefix=(), rows=3, cols=3))
    assert np.flatnonzero(~edge).tolist() == [4]
    middle = np.array([-1, -1, -1, -1, 1, 1, -1, -1, -1.0])
    assert foreground_sign(middle, edge) == 1
    assert foreground_sign(-middle, edge) == -1
    assert foreground_sign(-middle, edge, flip=True) == 1
    assert foreground_sign(np.zeros(9), edge) == 1


def test_outliers_capture_the_component_unless_they_are_left_out() -> None:
    features = planted(GRID, (2, 1, 6, 4))
    outliers = np.zeros(GRID.patches, dtype=bool)
    outliers[[3, 30]] = True
    features[outliers] = 30 * np.random.default_rng(5).normal(size=32)
    inside = np.zeros(GRID.patches, dtype=bool)
    inside.reshape(6, 8)[1:4, 2:6] = True
    usual = inside[~outliers]

    captured = leading_component(features, GRID).scores.ravel()
    assert np.abs(captured[outliers]).min() > 4  # outside the range that is drawn
    assert np.ptp(captured[~outliers]) < 0.5
    free = leading_component(features, GRID, left_out=outliers)
    assert ((free.scores.ravel()[~outliers] > 0) == usual).all()
    assert free.left_out == 2
    assert np.isfinite(free.scores).all()


def test_fits_with_and_without_outliers_are_the_two_fits() -> None:
    features = planted(GRID, (2, 1, 6, 4))
    outliers = np.zeros(GRID.patches, dtype=bool)
    outliers[[3, 30]] = True
    features[outliers] = 300 * np.random.default_rng(5).normal(size=32)
    first = first_components(features, outliers)
    assert first.without is not None
    both = leading(first.whole, features, GRID, 0), leading(first.without, features, GRID, 2)
    alone = leading_component(features, GRID), leading_component(features, GRID, left_out=outliers)
    for found, expected in zip(both, alone, strict=True):
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-9)
        assert found.explained == pytest.approx(expected.explained)
        assert found.left_out == expected.left_out


def test_fits_without_outliers_and_with_too_many() -> None:
    features = planted(GRID, (2, 1, 6, 4))
    none = np.zeros(GRID.patches, dtype=bool)
    first = first_components(features, none)
    assert first.without is first.whole
    all_but_one = ~none
    all_but_one[7] = False
    assert first_components(features, all_but_one).without is None


# --- colors -------------------------------------------------------------------------------------


def group(seed: int = 0) -> tuple[list[np.ndarray], list[TokenLayout], list[np.ndarray]]:
    """Three images of different grids with an object of three parts; and where it is."""
    layouts = [GRID, TokenLayout((), 6, 8), TokenLayout((), 7, 10)]
    parts = np.linalg.qr(np.random.default_rng(seed).normal(size=(32, 3)))[0].T
    features, places = [], []
    for n, layout in enumerate(layouts):
        image = planted(layout, (2, 1, 6, 4), seed=0, noise=0.02).astype(np.float64)
        inside = np.zeros((layout.rows, layout.cols), dtype=bool)
        inside[1:4, 2:6] = True
        which = np.arange(12) % 3
        image[inside.ravel()] += 0.5 * (1 + 0.1 * n) * parts[which]
        features.append(image)
        places.append(inside)
    return features, layouts, places


def shared(features: list[np.ndarray], layouts: list[TokenLayout]) -> SharedComponents:
    found = shared_components(features, layouts)
    assert isinstance(found, SharedComponents)
    return found


@pytest.mark.value_of("feature-colors")
def test_the_object_of_all_images_is_kept_and_shares_its_components() -> None:
    features, layouts, places = group()
    found = shared(features, layouts)
    for mask, scores, inside in zip(found.foreground, found.scores, places, strict=True):
        assert (mask == inside).all()
        assert np.isnan(scores[~inside]).all()
        assert np.isfinite(scores[inside]).all()
    kept = np.concatenate([s[m] for s, m in zip(found.scores, places, strict=True)])
    np.testing.assert_allclose(kept.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(kept.T, bias=True), np.eye(3), atol=1e-9)
    # The second analysis is of the kept patches of all images together.
    own = np.concatenate([f[m.ravel()] for f, m in zip(features, places, strict=True)])
    sizes = np.linalg.svd(own - own.mean(axis=0), compute_uv=False) ** 2
    np.testing.assert_allclose(found.explained, sizes[:3] / sizes.sum())
    assert found.residual is None
    other = shared_components(features, layouts, flip=True)
    assert isinstance(other, SharedComponents)
    assert all((a != b).all() for a, b in zip(other.foreground, found.foreground, strict=True))


def test_outliers_are_left_out_of_both_fits_but_drawn() -> None:
    features, layouts, places = group()
    outliers = [np.zeros(layout.patches, dtype=bool) for layout in layouts]
    outliers[0][0] = True
    clean = shared_components(features, layouts, left_out=outliers)
    features[0][0] = 1000.0
    spoilt = shared_components(features, layouts)
    found = shared_components(features, layouts, left_out=outliers)
    assert isinstance(clean, SharedComponents)
    assert isinstance(found, SharedComponents)
    assert isinstance(spoilt, SharedComponents)
    np.testing.assert_allclose(found.explained, clean.explained)
    assert found.left_out == 1
    assert (found.foreground[1] == places[1]).all()
    assert (spoilt.foreground[1] != places[1]).any()


def test_a_known_rotation_is_undone() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(40, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    np.testing.assert_allclose(procrustes(points @ turn, points), turn.T, atol=1e-12)
    # No rotation does better, among many.
    noisy = points @ turn + 0.3 * rng.normal(size=(40, 3))
    best = ((noisy @ procrustes(noisy, points) - points) ** 2).sum()
    for _ in range(200):
        other = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        assert ((noisy @ other - points) ** 2).sum() >= best


def test_a_model_whose_channels_are_turned_gets_the_reference_colors() -> None:
    features, layouts, places = group()
    views = [view_of(layout) for layout in layouts]
    reference = shared(features, layouts)
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(32, 32)))[0]
    other = shared([item @ turn for item in features], layouts)
    found = aligned(other, views, reference, views)
    assert isinstance(found, SharedComponents)
    assert found.residual == pytest.approx(0, abs=1e-12)
    limits = range_of(reference)
    for one, two, inside in zip(
        colors(found, limits), colors(reference, limits), places, strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-8)
        assert one.shape == (*inside.shape, 3)
        assert (np.isnan(one[..., 0]) == ~inside).all()


@pytest.mark.value_of("alignment-residual")
def test_what_the_best_rotation_leaves_is_a_share_of_the_reference() -> None:
    features, layouts, _ = group()
    views = [view_of(layout) for layout in layouts]
    rng = np.random.default_rng(11)
    reference = shared(features, layouts)
    other = shared([item + rng.normal(scale=0.1, size=item.shape) for item in features], layouts)
    found = aligned(other, views, reference, views)
    assert isinstance(found, SharedComponents)
    both = [a & b for a, b in zip(other.foreground, reference.foreground, strict=True)]
    ours = np.concatenate([s[m] for s, m in zip(other.scores, both, strict=True)])
    theirs = np.concatenate([s[m] for s, m in zip(reference.scores, both, strict=True)])
    turn, _ = orthogonal_procrustes(ours, theirs)
    expected = ((ours @ turn - theirs) ** 2).sum() / (theirs**2).sum()
    assert 0.001 < expected < 1
    assert found.residual == pytest.approx(expected, rel=1e-6)


def test_outliers_rule_neither_the_alignment_nor_its_residual() -> None:
    """Scores of what the fits left out may be a hundred times the others'."""
    features, layouts, _ = group()
    views = [view_of(layout) for layout in layouts]
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.normal(size=(32, 32)))[0]
    changed = [item @ turn + 0.02 * rng.normal(size=item.shape) for item in features]
    clean = aligned(shared(changed, layouts), views, shared(features, layouts), views)
    assert isinstance(clean, SharedComponents)
    outliers = [np.zeros(layout.patches, dtype=bool) for layout in layouts]
    for mask, item in zip(outliers, changed, strict=True):
        inside = np.flatnonzero(shared(features, layouts).foreground[0].ravel())[:2]
        mask[inside] = True
        item[inside] = 1000 * rng.normal(size=(len(inside), 32))
    found = aligned(
        shared_components(changed, layouts, left_out=outliers),
        views,
        shared(features, layouts),
        views,
    )
    assert isinstance(found, SharedComponents)
    assert found.residual is not None and found.shuffled is not None
    assert found.residual == pytest.approx(clean.residual, abs=0.05)
    # The third component is noise, which nothing aligns; at random nothing is.
    assert found.residual < 0.7 and 1.3 < found.shuffled < 2
    # Outliers of the reference count as little.
    back = aligned(
        shared(features, layouts),
        views,
        shared_components(changed, layouts, left_out=outliers),
        views,
    )
    assert isinstance(back, SharedComponents)
    assert back.residual == pytest.approx(found.residual, abs=0.05)


def test_models_of_other_grids_are_paired_by_place() -> None:
    features, layouts, _ = group()
    views = [view_of(layout) for layout in layouts]
    fine_layouts = [TokenLayout((), 2 * it.rows, 2 * it.cols) for it in layouts]
    fine = [
        item.reshape(it.rows, it.cols, -1).repeat(2, axis=0).repeat(2, axis=1).reshape(-1, 32)
        for item, it in zip(features, layouts, strict=True)
    ]
    other = shared(fine, fine_layouts)
    found = aligned(other, views, shared(features, layouts), views)
    assert isinstance(found, SharedComponents)
    assert found.residual == pytest.approx(0, abs=1e-12)
    # A view that shows another part of the picture shares no place.
    elsewhere = [View(1000, 1000, 500, 500, 600, 600, 100, 100)] * 3
    assert aligned(other, elsewhere, found, views) == NotApplicable(
        "the models share too few patches of the foreground"
    )


@pytest.mark.value_of("feature-colors")
def test_the_range_leaves_a_far_value_out() -> None:
    scores = np.array([[-1.0, 0, 5], [0, 0, 5], [1, 0, 5], [50, 9, 5]])
    limits = robust_range(scores)
    # Median 0.5, absolute deviations 1.5, 0.5, 0.5 and 49.5: twice their median is 2.
    assert limits.low.tolist() == [-1, 0, 5]
    assert limits.high.tolist() == [1, 9, 5]
    found = SharedComponents(
        foreground=(np.ones((1, 4), dtype=bool),),
        scores=(scores[None],),
        first_explained=1,
        explained=np.ones(3),
        left_out=0,
        fitted=(np.ones((1, 4), dtype=bool),),
    )
    (painted,) = colors(found, limits)
    assert painted[0].tolist() == [[0, 0, 0.5], [0.5, 0, 0.5], [1, 0, 0.5], [1, 1, 0.5]]


def test_too_few_patches_have_no_colors() -> None:
    layout = TokenLayout((), 1, 3)
    found = shared_components([np.eye(3)], [layout])
    assert found == NotApplicable("too few patches are in the foreground")
    nothing = [np.ones(3, dtype=bool)]
    found = shared_components([np.eye(3)], [layout], left_out=nothing)
    assert found == NotApplicable("fewer than two patches are left")


# --- cosines -------------------------------------------------------------------------------------


@pytest.mark.value_of("patch-cosine")
def test_cosines_of_a_patch_are_those_of_its_row() -> None:
    features = np.random.default_rng(0).normal(size=(GRID.patches, 5)).astype(np.float16)
    found = cosine_maps(features, GRID, [19])[0]
    for patch in range(GRID.patches):
        one, two = features[19].astype(float), features[patch].astype(float)
        expected = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        assert found[divmod(patch, GRID.cols)] == pytest.approx(expected)
    assert found[2, 3] == pytest.approx(1)
    np.testing.assert_allclose(cosine_matrix(features)[19].reshape(6, 8), found)
    assert (cosine_matrix(np.zeros((2, 3))) == 0).all()
    with pytest.raises(AnalysisError, match="no patch 48 among 48"):
        cosine_maps(features, GRID, [48])
