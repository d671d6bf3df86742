"""The graph equals what two nested loops over items and one over users find, whatever the settings."""

from collections import Counter
from dataclasses import replace
from itertools import combinations
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from genair.config import PAPER_GRAPH, USER_NORMS, GraphConfig
from genair.data import SCORES
from genair.data.association import PairIndex, associate, hold_out
from genair.errors import UsageError

N_ITEMS = 7
HISTORIES = st.lists(st.lists(st.integers(1, N_ITEMS), max_size=8), min_size=1, max_size=10)
CONFIGS = st.builds(
    GraphConfig,
    window=st.integers(0, 8),
    min_count=st.sampled_from([1, 1, 2, 3]),
    user_norm=st.sampled_from(USER_NORMS),
    score=st.sampled_from(SCORES.names()),
)
FEW = settings(deadline=None, max_examples=70)
MANY = settings(deadline=None, max_examples=300)


def together(history, i, j, window):
    """Return whether a history has items i and j, 1-based, at most `window` events apart; 0 is anywhere."""
    places = [[place for place, item in enumerate(history) if item == one] for one in (i, j)]
    return any(not window or abs(p - q) <= window for p in places[0] for q in places[1])


def brute_force(histories, config):
    """Return {(i, j): score}, 0-based, i < j, by loops over items and users."""
    weights = [1.0] * len(histories)
    if config.user_norm == "size":
        weights = [1 / max(1, len(set(history)) - 1) for history in histories]
    users, weight, total, every = Counter(), Counter(), Counter(), 0.0
    for pair in combinations(range(N_ITEMS), 2):
        for w, history in zip(weights, histories, strict=True):
            if together(history, pair[0] + 1, pair[1] + 1, config.window):
                users[pair] += 1
                weight[pair] += w
                total[pair[0]] += w
                total[pair[1]] += w
                every += 2 * w
    n = [
        sum(w for w, history in zip(weights, histories, strict=True) if i + 1 in history)
        for i in range(N_ITEMS)
    ]
    counts = {pair: w for pair, w in weight.items() if users[pair] >= config.min_count}
    if config.score == "log":
        return {pair: log(1 + c) / log(1 + max(counts.values())) for pair, c in counts.items()}
    if config.score == "cosine":
        return {(i, j): c / sqrt(n[i] * n[j]) for (i, j), c in counts.items()}
    if config.score == "jaccard":
        return {(i, j): c / (n[i] + n[j] - c) for (i, j), c in counts.items()}
    logs = {(i, j): log(c * every / (total[i] * total[j])) for (i, j), c in counts.items()}
    above = {pair: value for pair, value in logs.items() if value > 1e-9}
    return {pair: value / max(above.values()) for pair, value in above.items()}


def as_dict(pairs):
    return dict(zip(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True), pairs.scores, strict=True))


@given(HISTORIES, CONFIGS)
@MANY
def test_scores_equal_loops_over_items_and_users(toy_sequences, histories, config):
    pairs = associate(toy_sequences(histories, N_ITEMS), config)
    expected = brute_force(histories, config)
    found = as_dict(pairs)
    assert list(found) == sorted(expected)  # each pair once, in order
    assert found == pytest.approx(expected)
    assert len(pairs) == len(expected)
    assert all(0 < score <= 1 for score in found.values())
    assert pairs.dropped == 0


def one_product(train):
    """Return the paper's graph as one sparse product finds it: (rows, columns, scores)."""
    users = np.repeat(np.arange(len(train)), train.lengths())
    ones = np.ones(len(users))
    seen = sparse.coo_array((ones, (users, train.items - 1)), shape=(len(train), train.n_items)).tocsr()
    seen.data[:] = 1.0
    upper = sparse.triu(seen.T @ seen, k=1).tocoo()
    rows, columns = (np.asarray(axis, dtype=np.int64) for axis in upper.coords)
    order = np.lexsort((columns, rows))
    counts = upper.data[order]
    scores = np.log1p(counts) / np.log1p(counts.max()) if len(counts) else counts
    return rows[order], columns[order], scores


@pytest.mark.parametrize("seed", range(5))
def test_the_papers_graph_has_the_bytes_of_one_sparse_product(toy_sequences, seed):
    rng = np.random.default_rng(seed)
    n_items = int(rng.integers(5, 400))
    lengths = rng.integers(0, 30, 200)
    train = toy_sequences([(rng.zipf(1.5, length) % n_items + 1).tolist() for length in lengths], n_items)
    found = associate(train, PAPER_GRAPH)
    for array, expected in zip((found.rows, found.columns, found.scores), one_product(train), strict=True):
        assert array.dtype == expected.dtype
        assert array.tobytes() == expected.tobytes()


def test_the_default_settings_are_the_defaults(toy_sequences):
    train = toy_sequences([[1, 2, 2, 3], [3, 1], [4]], 4)
    assert as_dict(associate(train)) == as_dict(associate(train, GraphConfig()))


def test_a_repeated_item_makes_no_pair_with_itself_and_counts_once(toy_sequences):
    pairs = associate(toy_sequences([[1, 1, 1, 2, 2], [1, 3], [1, 3]], 3), PAPER_GRAPH)
    assert as_dict(pairs) == {(0, 1): pytest.approx(np.log(2) / np.log(3)), (0, 2): 1.0}


@pytest.mark.parametrize("config", [PAPER_GRAPH, GraphConfig(window=2, score="ppmi", user_norm="size")])
@pytest.mark.parametrize("histories", [[[1], [2], [3]], [[1, 1, 1]], [[], []], []])
def test_without_company_there_are_no_pairs(toy_sequences, histories, config):
    pairs = associate(toy_sequences(histories, 3), config)
    assert len(pairs) == 0
    assert pairs.to_csr(3).shape == (3, 3)


def test_an_unknown_score_is_refused_before_anything_is_counted(toy_sequences):
    with pytest.raises(UsageError, match="unknown score 'gut': choose from log, ppmi, cosine, jaccard"):
        associate(toy_sequences([[1, 2]], 2), GraphConfig(score="gut"))


@given(HISTORIES, st.permutations(range(N_ITEMS)), st.integers(0, N_ITEMS))
@FEW
def test_pairs_within_some_items_are_told_by_their_places(toy_sequences, histories, order, size):
    pairs = associate(toy_sequences(histories, N_ITEMS))
    rows = np.asarray(order[:size], dtype=np.int64)
    found = PairIndex(pairs, N_ITEMS).within(rows)
    whole, part = pairs.to_csr(N_ITEMS).toarray(), found.to_csr(size).toarray()
    np.testing.assert_array_equal(part, whole[np.ix_(rows, rows)])
    assert (found.rows < found.columns).all()
    assert len(found) == np.count_nonzero(part) // 2
    assert found.rows.dtype == found.columns.dtype == np.int64


@given(HISTORIES)
@FEW
def test_the_matrix_is_symmetric_with_a_zero_diagonal(toy_sequences, histories):
    pairs = associate(toy_sequences(histories, N_ITEMS))
    matrix = pairs.to_csr(N_ITEMS).toarray()
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), 0)
    assert matrix[np.triu_indices(N_ITEMS, 1)].sum() == pytest.approx(pairs.scores.sum())
    assert {(i, j): matrix[i, j] for i, j in np.argwhere(np.triu(matrix)).tolist()} == as_dict(pairs)


def cut_by_hand(scores, max_pairs):
    """Return the pairs that the rule of `max_pairs` leaves of {(i, j): score}."""
    if len(scores) <= max_pairs:
        return scores
    kept = set()
    for i in range(N_ITEMS):
        mine = [(-score, sum(pair) - i, pair) for pair, score in scores.items() if i in pair]
        kept |= {pair for _, _, pair in sorted(mine)[: max(1, max_pairs // N_ITEMS)]}
    return {pair: score for pair, score in scores.items() if pair in kept}


@given(HISTORIES, CONFIGS, st.integers(1, 30))
@MANY
def test_the_cap_keeps_what_either_end_finds_strongest(toy_sequences, histories, config, max_pairs):
    config = replace(config, user_norm="none")  # where equal pairs have equal scores to the last digit
    train = toy_sequences(histories, N_ITEMS)
    every = as_dict(associate(train, config))
    cut = associate(train, replace(config, max_pairs=max_pairs))
    assert as_dict(cut) == cut_by_hand(every, max_pairs)
    assert cut.dropped == len(every) - len(cut)
    assert len(cut) <= max(N_ITEMS, max_pairs)


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
