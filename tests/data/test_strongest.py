"""The cap keeps the strongest neighbours, in any order of entries, with any number of equals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from genair.data.strongest import StrongestPairs, strongest

SOME = settings(deadline=None, max_examples=150)
MATRICES = hnp.arrays(np.int32, (8, 8), elements=st.integers(0, 3))
ROWS = hnp.arrays(np.float64, (3, 12), elements=st.sampled_from([0, 0.5, 1, 2.5]))


def shuffled(dense, seed):
    """Return CSR rows of a matrix, the entries of each row in no order."""
    rng = np.random.default_rng(seed)
    columns = [rng.permutation(np.flatnonzero(row)) for row in dense]
    bounds = np.cumsum([0, *map(len, columns)]).astype(np.int32)
    data = np.concatenate([row[found] for row, found in zip(dense, columns, strict=True)])
    return sparse.csr_array((data, np.concatenate(columns).astype(np.int32), bounds), shape=dense.shape)


@given(ROWS, st.integers(1, 13), st.integers(0, 3))
@SOME
def test_each_row_keeps_its_k_largest_and_of_equals_the_lower_columns(dense, k, seed):
    found = strongest(shuffled(dense, seed), k).toarray()
    for row, kept in zip(dense, found, strict=True):
        order = sorted(np.flatnonzero(row), key=lambda column: (-row[column], column))[:k]
        expected = np.zeros_like(row)
        expected[order] = row[order]
        assert np.array_equal(kept, expected)


@given(MATRICES, st.integers(1, 30), st.integers(1, 8), st.integers(0, 3))
@SOME
def test_pairs_stay_when_either_end_keeps_them_however_the_rows_come(dense, max_pairs, step, seed):
    dense = np.triu(dense, 1) + np.triu(dense, 1).T
    kept = StrongestPairs(8, max_pairs)
    for start in range(0, 8, step):
        kept.add(shuffled(dense[start : start + step], seed))
    upper = kept.pairs()
    pairs = np.count_nonzero(dense) // 2
    assert kept.seen() == pairs
    expected = dense
    if pairs > max_pairs:
        one_way = strongest(shuffled(dense, seed), max(1, max_pairs // 8)).toarray()
        expected = np.maximum(one_way, one_way.T)
    assert np.array_equal(upper.toarray(), np.triu(expected))
    assert upper.has_canonical_format
    assert upper.nnz <= max(8, max_pairs)


def test_zeros_are_no_pairs():
    kept = StrongestPairs(2, 1)
    rows = sparse.csr_array((np.asarray([0.0, 0.0]), np.asarray([1, 0]), np.asarray([0, 1, 2])), shape=(2, 2))
    kept.add(rows)
    assert (kept.seen(), kept.pairs().nnz) == (0, 0)


@pytest.mark.parametrize("max_pairs", [1, 3, 9])
def test_no_item_loses_all_its_pairs(max_pairs):
    rng = np.random.default_rng(0)
    dense = np.triu(rng.integers(0, 5, (30, 30)), 1)
    dense += dense.T
    kept = StrongestPairs(30, max_pairs)
    kept.add(shuffled(dense, 0))
    upper = kept.pairs().toarray()
    assert ((upper + upper.T).sum(axis=1) > 0).all()
