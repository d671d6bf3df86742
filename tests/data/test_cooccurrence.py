"""Rows of counts come block by block, and the blocks' borders change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config import PAPER_GRAPH, USER_NORMS, GraphConfig
from genair.data.cooccurrence import Cooccurrence

N_ITEMS = 9
HISTORIES = st.lists(st.lists(st.integers(1, N_ITEMS), max_size=8), min_size=1, max_size=12)
CONFIGS = st.builds(
    GraphConfig,
    window=st.sampled_from([0, 1, 3]),
    min_count=st.integers(1, 3),
    user_norm=st.sampled_from(USER_NORMS),
)
SOME = settings(deadline=None, max_examples=100)


def matrix_of(counted):
    blocks = list(counted.blocks())
    ends = [start + rows.shape[0] for start, rows in blocks]
    assert [start for start, _ in blocks] == [0, *ends[:-1]]
    return np.concatenate([rows.toarray() for _, rows in blocks]), len(blocks)


@given(HISTORIES, CONFIGS, st.integers(1, 40))
@SOME
def test_any_budget_gives_the_same_rows_and_totals(toy_sequences, histories, config, budget):
    train = toy_sequences(histories, N_ITEMS)
    whole, small = Cooccurrence(train, config), Cooccurrence(train, config, budget)
    assert matrix_of(whole)[0].tobytes() == matrix_of(small)[0].tobytes()
    assert whole.totals().tobytes() == small.totals().tobytes()


@given(HISTORIES, CONFIGS)
@SOME
def test_c_is_symmetric_to_the_last_digit_without_self_pairs(toy_sequences, histories, config):
    found, _ = matrix_of(Cooccurrence(toy_sequences(histories, N_ITEMS), config))
    assert np.array_equal(found, found.T)
    assert not found.diagonal().any()


@given(HISTORIES, CONFIGS)
@SOME
def test_totals_are_the_sums_of_the_rows_before_any_pair_is_left_out(toy_sequences, histories, config):
    train = toy_sequences(histories, N_ITEMS)
    every = GraphConfig(window=config.window, user_norm=config.user_norm)
    rows, _ = matrix_of(Cooccurrence(train, every))
    np.testing.assert_allclose(Cooccurrence(train, config).totals(), rows.sum(axis=1))


def test_a_block_stays_within_its_budget_unless_it_is_one_row(toy_sequences):
    rng = np.random.default_rng(0)
    train = toy_sequences([(rng.integers(1, 101, 12)).tolist() for _ in range(60)], 100)
    blocks = [rows for _, rows in Cooccurrence(train, PAPER_GRAPH, budget=300).blocks()]
    assert len(blocks) > 20
    assert all(rows.nnz <= 300 or rows.shape[0] == 1 for rows in blocks)
    assert all(rows.shape[0] == 1 for _, rows in Cooccurrence(train, PAPER_GRAPH, budget=1).blocks())


def test_each_items_pairs_with_a_history_weigh_one_in_all(toy_sequences):
    train = toy_sequences([[1, 2, 3, 4, 5, 5], [6, 7], [8]], 9)
    size = Cooccurrence(train, GraphConfig(window=0, user_norm="size"))
    assert size.totals() == pytest.approx([1, 1, 1, 1, 1, 1, 1, 0, 0])
    assert size.users() == pytest.approx([0.25] * 5 + [1, 1, 1, 0])  # a user with one item weighs 1
    assert Cooccurrence(train, PAPER_GRAPH).totals() == pytest.approx([4] * 5 + [1, 1, 0, 0])


def test_the_least_count_is_of_users_whatever_they_weigh(toy_sequences):
    histories = [[1, 2, *range(3, 9)], [1, 2], [3, 4, 5]]
    for norm in USER_NORMS:
        config = GraphConfig(window=0, min_count=2, user_norm=norm)
        found, _ = matrix_of(Cooccurrence(toy_sequences(histories, N_ITEMS), config))
        assert set(map(tuple, np.argwhere(np.triu(found)).tolist())) == {(0, 1), (2, 3), (2, 4), (3, 4)}


def test_a_window_counts_events_and_users_once(toy_sequences):
    histories = [[1, 3, 3, 2, 1], [1, 3, 3, 2]]
    found, _ = matrix_of(Cooccurrence(toy_sequences(histories, 3), GraphConfig(window=2)))
    assert found.tolist() == [[0, 1, 2], [1, 0, 2], [2, 2, 0]]


def test_users_do_not_meet_across_the_ends_of_their_histories(toy_sequences):
    found, _ = matrix_of(Cooccurrence(toy_sequences([[1, 2], [3, 4]], 4), GraphConfig(window=5)))
    assert np.argwhere(np.triu(found)).tolist() == [[0, 1], [2, 3]]
