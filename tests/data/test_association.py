"""Association counts each user once a pair, and nobody with himself."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.association import associate, hold_out

N_ITEMS = 7
HISTORIES = st.lists(st.lists(st.integers(1, N_ITEMS), max_size=8), min_size=1, max_size=10)
FEW = settings(deadline=None, max_examples=70)


def brute_force(histories):
    """Return {(i, j): users who have both}, 0-based, i < j."""
    counts = {}
    for i, j in combinations(range(N_ITEMS), 2):
        users = sum(i + 1 in history and j + 1 in history for history in histories)
        if users:
            counts[i, j] = users
    return counts


def as_dict(pairs):
    return dict(zip(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True), pairs.scores, strict=True))


@given(HISTORIES)
@FEW
def test_scores_equal_a_double_loop_over_items(toy_sequences, histories):
    pairs = associate(toy_sequences(histories, N_ITEMS))
    counts = brute_force(histories)
    top = max(counts.values(), default=0)
    expected = {pair: np.log(1 + count) / np.log(1 + top) for pair, count in counts.items()}
    found = as_dict(pairs)
    assert list(found) == list(expected)  # each pair once, in order
    assert list(found.values()) == pytest.approx(list(expected.values()))
    assert len(pairs) == len(expected)


def test_a_repeated_item_makes_no_pair_with_itself_and_counts_once(toy_sequences):
    pairs = associate(toy_sequences([[1, 1, 1, 2, 2], [1, 3], [1, 3]], 3))
    assert as_dict(pairs) == {(0, 1): pytest.approx(np.log(2) / np.log(3)), (0, 2): 1.0}


@pytest.mark.parametrize("histories", [[[1], [2], [3]], [[1, 1, 1]], [[], []]])
def test_without_company_there_are_no_pairs(toy_sequences, histories):
    pairs = associate(toy_sequences(histories, 3))
    assert len(pairs) == 0
    assert pairs.to_csr(3).shape == (3, 3)


@given(HISTORIES)
@FEW
def test_the_matrix_is_symmetric_with_a_zero_diagonal(toy_sequences, histories):
    pairs = associate(toy_sequences(histories, N_ITEMS))
    matrix = pairs.to_csr(N_ITEMS).toarray()
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), 0)
    assert matrix[np.triu_indices(N_ITEMS, 1)].sum() == pytest.approx(pairs.scores.sum())
    assert {(i, j): matrix[i, j] for i, j in np.argwhere(np.triu(matrix)).tolist()} == as_dict(pairs)


@given(HISTORIES, st.sampled_from([0.0, 0.1, 0.5, 0.99]), st.integers(0, 3))
@FEW
def test_holding_out_divides_the_pairs(toy_sequences, histories, share, seed):
    pairs = associate(toy_sequences(histories, N_ITEMS))
    kept, held = hold_out(pairs, share, seed)
    assert len(held) == round(share * len(pairs))
    assert as_dict(kept) | as_dict(held) == as_dict(pairs)
    assert len(kept) + len(held) == len(pairs)
    assert as_dict(hold_out(pairs, share, seed)[1]) == as_dict(held)


def test_another_seed_holds_out_other_pairs(toy_sequences):
    pairs = associate(toy_sequences([list(range(1, 31))], 30))
    assert as_dict(hold_out(pairs, 0.2, 0)[1]) != as_dict(hold_out(pairs, 0.2, 1)[1])
