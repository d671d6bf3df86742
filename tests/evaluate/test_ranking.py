"""Ranks of held-out items: by hand, and against a plain loop, with a backbone whose scores are given."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from genair.config import TrainConfig
from genair.data.sequences import Held
from genair.errors import InputError
from genair.evaluate.ranking import rank_targets, ranks_among, score_blocks
from genair.models.base import Backbone, Recommender, build_recommender
from genair.models.items import ItemEncoder


class Given(Backbone):
    """Scores by a matrix: row i - 1 holds every item's score after item i, whatever came before."""

    def __init__(self, config, matrix):
        super().__init__(config)
        self.matrix = nn.Parameter(torch.tensor(matrix, dtype=torch.float32))

    def forward(self, events, present):
        return events @ self.matrix


def _model(matrix):
    """Make a recommender of unit item vectors, so that states are scores."""
    n = len(matrix)
    items = ItemEncoder(TrainConfig(items="id", dim=n), n, None)
    nn.init.eye_(items.ids.weight)
    return Recommender(items, Given(TrainConfig(dim=n), matrix)).eval()


def _rank(matrix, history, target, toy_sequences, **settings):
    held = Held(toy_sequences([history], len(matrix)), np.asarray([target]))
    return rank_targets(_model(matrix).scorer(), held, **{"max_length": 50, **settings}).tolist()


AFTER_1 = [0, 5, 4, 4, 4, 1, 9, -2]  # scores of items 1 to 8


def _matrix(scores=AFTER_1):
    return np.tile(np.asarray(scores, dtype=float), (len(scores), 1))


@pytest.mark.parametrize(
    ("target", "wanted"),
    [(7, 1), (2, 2), (3, 4), (4, 4), (5, 4), (6, 6), (8, 7)],
)
def test_ranks_by_hand_ties_at_their_mean(target, wanted, toy_sequences):
    assert _rank(_matrix(), [1], target, toy_sequences) == [wanted]


def test_two_level_items_share_a_half_rank(toy_sequences):
    assert _rank(_matrix([0, 3, 3, 1]), [1], 2, toy_sequences) == [1.5]


@pytest.mark.parametrize(("history", "wanted"), [([1], 4), ([1, 7], 3), ([2, 7, 1], 2), ([4, 5, 7, 1, 4], 2)])
def test_items_of_the_history_are_not_candidates(history, wanted, toy_sequences):
    assert _rank(_matrix(), history, 3, toy_sequences) == [wanted]


def test_items_older_than_the_model_sees_are_not_candidates_either(toy_sequences):
    assert _rank(_matrix(), [7, 2, 1, 1, 1], 3, toy_sequences, max_length=2) == [2]


def test_the_model_sees_the_latest_events(toy_sequences):
    matrix = np.zeros((4, 4))
    matrix[1] = [0, 0, 1, 2]  # only after item 2 is item 3 level with nothing
    assert _rank(matrix, [1, 2], 3, toy_sequences, max_length=1) == [2]
    assert _rank(matrix, [2, 1], 3, toy_sequences, max_length=1) == [1.5]


@pytest.mark.parametrize("history", [[3], [3, 3, 1], [1, 7, 3]])
def test_a_target_consumed_before_is_ranked_still(history, toy_sequences):
    others = set(range(1, 9)) - {3, *history}
    wanted = 1 + sum(AFTER_1[i - 1] > 4 for i in others) + sum(AFTER_1[i - 1] == 4 for i in others) / 2
    assert _rank(_matrix(), history, 3, toy_sequences) == [wanted]


@pytest.mark.parametrize(
    ("history", "target", "wanted"),
    [([1], 3, 4), ([1, 7], 3, 4), ([1, 7, 3], 3, 4), ([2, 7, 1], 6, 6), ([7, 1], 1, 7)],
)
def test_where_the_history_is_kept_all_items_are_candidates(history, target, wanted, toy_sequences):
    held = Held(toy_sequences([history], 8), np.asarray([target]), keep_seen=True)
    assert rank_targets(_model(_matrix()).scorer(), held, 50).tolist() == [wanted]


@pytest.mark.parametrize("best", [1, 5])
def test_the_first_and_the_last_item_can_be_ranked_first_and_last(best, toy_sequences):
    scores = np.arange(5.0) if best == 5 else -np.arange(5.0)
    assert _rank(_matrix(scores), [3], best, toy_sequences) == [1]
    assert _rank(_matrix(scores), [3], 6 - best, toy_sequences) == [4]


@pytest.mark.parametrize(
    ("target", "negatives", "wanted"),
    [(7, [2, 6, 8], 1), (8, [2, 6, 7], 4), (3, [7, 8], 2), (3, [4, 5], 2), (3, [2, 4, 5, 6], 3), (2, [8], 1)],
)
def test_ranks_among_sampled_items_by_hand(target, negatives, wanted, toy_sequences):
    held = Held(toy_sequences([[1]], 8), np.asarray([target]))
    (block,) = score_blocks(_model(_matrix()).scorer(), held, 50)
    assert ranks_among(block, np.asarray([negatives])).tolist() == [wanted]


@pytest.mark.parametrize("target", [1, 3])
def test_a_target_consumed_before_is_ranked_among_sampled_items_too(target, toy_sequences):
    held = Held(toy_sequences([[1, 3]], 8), np.asarray([target]))
    (block,) = score_blocks(_model(_matrix()).scorer(), held, 50)
    assert ranks_among(block, np.asarray([[8, 7, 6, 2]])).tolist() == [{1: 4, 3: 3}[target]]


@pytest.mark.parametrize(("history", "candidates"), [([1], 7), ([1, 2, 3, 2], 5), ([8], 8)])
def test_a_constant_score_earns_the_middle_of_the_candidates(history, candidates, toy_sequences):
    assert _rank(_matrix(np.full(8, 0.7)), history, 8, toy_sequences) == [(1 + candidates) / 2]


def test_the_only_candidate_is_first(toy_sequences):
    assert _rank(_matrix([3, 1, 0]), [1, 2], 3, toy_sequences) == [1]


def test_each_user_is_ranked_by_the_own_history(toy_sequences):
    matrix = np.asarray([[0, 1, 2], [2, 0, 1], [1, 2, 0]])
    held = Held(toy_sequences([[1], [2], [3, 2], [1, 3]], 3), np.asarray([2, 1, 1, 2]))
    assert rank_targets(_model(matrix).scorer(), held, 50).tolist() == [2, 1, 1, 1]


def _plain_rank(scores, history, target):
    others = [item for item in range(1, len(scores) + 1) if item != target and item not in history]
    above = sum(scores[item - 1] > scores[target - 1] for item in others)
    return 1 + above + sum(scores[item - 1] == scores[target - 1] for item in others) / 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ranks_equal_a_plain_loop_whatever_the_batch_size(toy_sequences, data):
    n = data.draw(st.integers(1, 7))
    item = st.integers(1, n)
    users = data.draw(
        st.lists(st.tuples(st.lists(item, min_size=1, max_size=9), item), min_size=1, max_size=7)
    )
    matrix = np.asarray(
        data.draw(st.lists(st.lists(st.integers(-2, 2), min_size=n, max_size=n), min_size=n, max_size=n))
    )
    held = Held(
        toy_sequences([history for history, _ in users], n), np.asarray([target for _, target in users])
    )
    max_length, batch_size = data.draw(st.integers(1, 10)), data.draw(st.integers(1, 8))
    ranks = rank_targets(_model(matrix).scorer(), held, max_length, batch_size)
    assert ranks.tolist() == [
        _plain_rank(matrix[history[-1] - 1], history, target) for history, target in users
    ]


@pytest.mark.parametrize("batch_size", [1, 7, 30, 31])
def test_the_batch_size_does_not_matter_to_a_real_model(batch_size, toy_cycles):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_recommender(TrainConfig(items="id", dim=16), 25, None).eval()
    histories = toy_cycles(users=30, length=6, n_items=25, jumps=0.5)
    held = Held(histories, np.arange(30) % 25 + 1)
    wanted = rank_targets(model.scorer(), held, 50, batch_size=30)
    assert np.array_equal(rank_targets(model.scorer(), held, 50, batch_size), wanted)
    assert len(set(wanted.tolist())) > 5


def test_ranking_leaves_the_model_and_its_training_alone(toy_sequences):
    model = _model(_matrix())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    held = Held(toy_sequences([[1, 2]], 8), np.asarray([3]))
    rank_targets(model.scorer(), held, 50)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("batch_size", [1, 10])
def test_scores_that_are_not_numbers_are_refused(batch_size, toy_sequences):
    matrix = _matrix()
    matrix[3] = np.nan
    held = Held(toy_sequences([[1], [4]], 8), np.asarray([2, 2]))
    with pytest.raises(InputError, match="scores are not"):
        rank_targets(_model(matrix).scorer(), held, 50, batch_size)


class Overflowing(Recommender):
    """A model whose every score ran over the range of float32."""

    def scores(self, histories, table):
        return torch.full((len(histories), len(table) - 1), -torch.inf)


def test_infinite_scores_are_refused_as_they_look_like_items_left_out(toy_sequences):
    sane = _model(_matrix())
    held = Held(toy_sequences([[1, 2, 3]], 8), np.asarray([4]))
    with pytest.raises(InputError):
        rank_targets(Overflowing(sane.items, sane.backbone).scorer(), held, 50)


def test_ranks_are_float64_one_a_user(toy_sequences):
    held = Held(toy_sequences([[1], [2], [3]], 8), np.asarray([2, 3, 4]))
    ranks = rank_targets(_model(_matrix()).scorer(), held, 50)
    assert (ranks.dtype, ranks.shape) == (np.float64, (3,))
