"""Principal components, against numpy's SVD, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.embed.reduce import PCA, fit_pca
from genair.errors import InputError

SHAPES = st.tuples(st.integers(2, 40), st.integers(1, 10), st.integers(1, 12), st.integers(0, 1000))


def data_of(n, hidden, seed):
    """Return rows far from the origin whose directions differ clearly in variance."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0]
    return ((rng.normal(size=(n, hidden)) * 1.7 ** np.arange(hidden)) @ turn + 5).astype(np.float32)


def svd(rows):
    """Return (scores, components, variances) of centred rows."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    return left * values, right, values**2 / (len(rows) - 1)


@given(SHAPES)
@settings(deadline=None, max_examples=80)
def test_scores_are_those_of_the_svd_up_to_sign_to_the_last_row(shape):
    n, hidden, dim, seed = shape
    rows = data_of(n, hidden, seed)
    pca = fit_pca([rows], dim)
    scores, components, variances = svd(rows)
    kept = min(dim, hidden, n - 1)
    assert pca.components.shape == (kept, hidden)
    np.testing.assert_allclose(pca.explained_variance, variances[:kept], rtol=1e-6, atol=1e-6)
    signs = np.sign((pca.components * components[:kept]).sum(axis=1))
    scale = np.abs(scores).max()
    np.testing.assert_allclose(pca.project(rows), scores[:, :kept] * signs, atol=2e-4 * scale)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(kept), atol=1e-9)
    assert (np.diff(pca.explained_variance) <= 1e-9).all()


@given(SHAPES, st.lists(st.integers(1, 39), max_size=5))
@settings(deadline=None, max_examples=80)
def test_blocks_of_any_size_give_the_same_projection(shape, cuts):
    n, hidden, dim, seed = shape
    rows = data_of(n, hidden, seed)
    blocks = np.split(rows, sorted({cut for cut in cuts if cut < n}))
    whole, pieces = fit_pca([rows], dim), fit_pca(blocks, dim)
    scale = np.abs(rows).max()
    np.testing.assert_allclose(pieces.project(rows), whole.project(rows), atol=1e-4 * scale)
    np.testing.assert_allclose(pieces.mean, rows.mean(axis=0, dtype=np.float64), rtol=1e-9)


def test_a_mean_far_away_costs_no_digits():
    rows = data_of(60, 5, 0)
    near, far = (fit_pca([part[:10], part[10:]], 3) for part in (rows, (rows + 4096).astype(np.float32)))
    np.testing.assert_allclose(far.explained_variance, near.explained_variance, rtol=1e-3)


def test_signs_are_fixed_by_the_largest_entry():
    rows = data_of(50, 6, 1)
    pca, mirrored = fit_pca([rows], 4), fit_pca([-rows], 4)
    assert (pca.components[np.arange(4), np.abs(pca.components).argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(pca.components, mirrored.components, atol=1e-9)


def test_equal_rows_give_equal_bytes():
    rows = data_of(30, 6, 2)
    one, other = fit_pca([rows[:10], rows[10:]], 4), fit_pca([rows[:10].copy(), rows[10:].copy()], 4)
    assert all(one.arrays()[name].tobytes() == other.arrays()[name].tobytes() for name in one.arrays())


def test_the_saved_arrays_project_new_rows():
    rows, new = data_of(40, 6, 3), data_of(5, 6, 4)
    pca = fit_pca([rows], 3)
    saved = {name: np.array(array) for name, array in pca.arrays().items()}
    again = PCA(**saved)
    np.testing.assert_array_equal(again.project(new), pca.project(new))
    assert again.project(new).dtype == np.float32
    np.testing.assert_allclose(
        again.project(new), (new - saved["mean"]) @ saved["components"].T, rtol=1e-5, atol=1e-5
    )


def test_what_no_row_varies_along_is_no_component():
    """Rows that come twice leave fewer directions than rows; new rows would have any score in the others."""
    rows = data_of(9, 12, 5)
    twice = np.concatenate([rows, rows[:6]])
    pca = fit_pca([twice], 12)
    assert len(pca.components) == 8
    scores, _, variances = svd(twice)
    np.testing.assert_allclose(pca.explained_variance, variances[:8], rtol=1e-6)
    np.testing.assert_allclose(np.abs(pca.project(twice)), np.abs(scores[:, :8]), atol=1e-3)


def test_rows_that_do_not_vary_have_scores_of_zero():
    pca = fit_pca([np.full((4, 3), 0.1, np.float32)], 3)
    assert len(pca.components) == 1
    np.testing.assert_allclose(pca.explained_variance, 0, atol=1e-12)
    np.testing.assert_allclose(pca.project(np.full((4, 3), 0.1, np.float32)), 0, atol=1e-6)


@pytest.mark.parametrize(("blocks", "count"), [([], 0), ([np.ones((1, 3), np.float32)], 1)])
def test_fewer_than_two_rows_are_refused(blocks, count):
    with pytest.raises(InputError, match=f"needs two items or more, found {count}"):
        fit_pca(blocks, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused(bad):
    rows = data_of(5, 3, 0)
    rows[3, 1] = bad
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match="not finite"):
        fit_pca([rows], 2)
