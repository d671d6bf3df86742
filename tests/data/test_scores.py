"""Scores by hand, on one small log."""

from math import log, sqrt

import pytest

from genair.config import GraphConfig
from genair.data import SCORES
from genair.data.association import associate

# c: 12 twice, 13 and 23 once; 4 and 5 only with each other; 6 alone
HISTORIES = [[1, 2], [1, 2, 3], [4, 5], [6], [1]]
N = [3, 2, 1, 1, 1, 1]
PAIRS = {(0, 1): 2, (0, 2): 1, (1, 2): 1, (3, 4): 1}


def scored(toy_sequences, score, **settings):
    pairs = associate(toy_sequences(HISTORIES, 6), GraphConfig(window=0, score=score, **settings))
    ends = zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True)
    return dict(zip(ends, pairs.scores.tolist(), strict=True))


def test_log(toy_sequences):
    expected = {pair: log(1 + c) / log(3) for pair, c in PAIRS.items()}
    assert scored(toy_sequences, "log") == pytest.approx(expected)


def test_cosine(toy_sequences):
    expected = {(i, j): c / sqrt(N[i] * N[j]) for (i, j), c in PAIRS.items()}
    assert scored(toy_sequences, "cosine") == pytest.approx(expected)


def test_jaccard(toy_sequences):
    expected = {(i, j): c / (N[i] + N[j] - c) for (i, j), c in PAIRS.items()}
    assert scored(toy_sequences, "jaccard") == pytest.approx(expected)


def test_ppmi(toy_sequences):
    sums, every = [3, 3, 2, 1, 1], 10
    logs = {(i, j): log(c * every / (sums[i] * sums[j])) for (i, j), c in PAIRS.items()}
    assert scored(toy_sequences, "ppmi") == pytest.approx({pair: v / log(10) for pair, v in logs.items()})


def test_ppmi_drops_pairs_that_are_together_no_more_than_by_chance(toy_sequences):
    histories = [[1, 2]] * 9 + [[3, 4]] * 9 + [[1, 3]]
    pairs = associate(toy_sequences(histories, 4), GraphConfig(window=0, score="ppmi"))
    assert list(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True)) == [(0, 1), (2, 3)]
    assert pairs.dropped == 0  # they were no pairs to begin with


def test_jaccard_by_weight_compares_the_users_weights(toy_sequences):
    weighed = scored(toy_sequences, "jaccard", user_norm="size")
    users = [1 + 0.5 + 1, 1 + 0.5, 0.5]  # the user of one item weighs 1
    assert weighed[0, 1] == pytest.approx(1.5 / (users[0] + users[1] - 1.5))
    assert weighed[1, 2] == pytest.approx(0.5 / (users[1] + users[2] - 0.5))


@pytest.mark.parametrize("score", [name for name in SCORES.names() if name != "ppmi"])
@pytest.mark.parametrize("norm", ["none", "size"])
@pytest.mark.parametrize("window", [0, 1])
def test_two_items_that_are_always_together_score_one(toy_sequences, score, norm, window):
    histories = [[1, 2]] * 7 + [[3, 1, 2]] * 3
    pairs = associate(toy_sequences(histories, 3), GraphConfig(window, 1, norm, score))
    assert (pairs.rows[0], pairs.columns[0]) == (0, 1)
    assert pairs.scores[0] == 1.0
    assert max(pairs.scores) == 1.0
