"""Recommendations against ranking everything by a plain loop, and against the ranks that eval counts."""

import numpy as np
import pytest
import torch

from genair.config import RecommendConfig, TrainConfig
from genair.data.padding import pad_histories
from genair.data.sequences import leave_two_out
from genair.errors import InputError
from genair.evaluate.ranking import rank_targets
from genair.models.base import build_recommender
from genair.recommend.stage import recommend

N, LENGTH = 60, 5


@pytest.fixture(scope="module")
def scorer():
    """Score by an untrained model whose items lie far apart."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = build_recommender(TrainConfig(items="id", dim=8, max_length=LENGTH), N, None).eval()
        torch.nn.init.normal_(model.items.ids.weight)
    return model.scorer()


@pytest.fixture(scope="module")
def histories(toy_sequences):
    """Return 41 histories of 1 to 15 events, some with an item twice, in no order of length."""
    rng = np.random.default_rng(0)
    return toy_sequences([rng.integers(1, N + 1, rng.integers(1, 16)).tolist() for _ in range(41)], N)


def served(scorer, *blocks, batch_size=None, **settings):
    """Return each user's (item index, score) pairs."""
    ids = [str(index) for index in range(1, N + 1)]
    found = recommend(scorer, blocks, LENGTH, RecommendConfig(**settings), batch_size)
    rows = [row for block in found for row in block.to_rows(ids)]
    return [[(int(item["item_id"]), float(item["score"])) for item in row["items"]] for row in rows]


def by_loop(scorer, histories, user, k, *, keep_seen=False):
    """Rank every item for one user alone."""
    scores = scorer(pad_histories(histories, np.asarray([user]), LENGTH))[0].tolist()
    seen = set() if keep_seen else set(histories.of(user).tolist())
    items = [item for item in range(1, N + 1) if item not in seen]
    return sorted(items, key=lambda item: (-scores[item - 1], item))[:k], scores


@pytest.mark.parametrize("keep_seen", [False, True])
@pytest.mark.parametrize("k", [1, 10, N - 1, N, N + 5])
def test_every_user_gets_what_a_plain_loop_gives(scorer, histories, k, keep_seen):
    for user, found in enumerate(served(scorer, histories, k=k, keep_seen=keep_seen)):
        wanted, scores = by_loop(scorer, histories, user, k, keep_seen=keep_seen)
        assert [item for item, _ in found] == wanted
        np.testing.assert_allclose([score for _, score in found], [scores[i - 1] for i in wanted], atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 40, 41, 1000])
def test_how_many_are_scored_together_changes_no_list(scorer, histories, batch_size):
    found = served(scorer, histories, batch_size=batch_size)
    wanted = served(scorer, histories)
    assert [[item for item, _ in user] for user in found] == [[item for item, _ in user] for user in wanted]


@pytest.mark.parametrize("most", [1, 9, 100, 410, 10**6])
def test_a_block_whose_answers_are_large_comes_in_parts(scorer, histories, monkeypatch, most):
    monkeypatch.setattr("genair.recommend.stage._ANSWERS", most)
    parts = list(recommend(scorer, [histories], LENGTH, RecommendConfig(k=10)))
    assert [user for part in parts for user in part.user_ids] == histories.user_ids
    assert all(len(part.user_ids) == 1 or part.rows.size <= most for part in parts)
    assert len(parts) == -(-41 // max(1, most // 10))
    monkeypatch.undo()
    (whole,) = recommend(scorer, [histories], LENGTH, RecommendConfig(k=10))
    assert (np.concatenate([part.rows for part in parts]) == whole.rows).all()


def test_how_users_are_cut_into_blocks_changes_no_list(scorer, histories):
    lengths = histories.lengths()
    blocks = [histories.select(part, lengths[part]) for part in np.array_split(np.arange(41), 7)]
    found, wanted = served(scorer, *blocks), served(scorer, histories)
    assert [[item for item, _ in user] for user in found] == [[item for item, _ in user] for user in wanted]


def test_only_the_last_events_count_and_all_are_seen(scorer, toy_sequences):
    long = toy_sequences([[*range(1, 41), 7, 8, 9, 10, 11], [7, 8, 9, 10, 11]], N)
    found, recent = served(scorer, long, k=N)
    assert [item for item, _ in found] == [item for item, _ in recent if item > 40]


def test_the_first_and_the_last_item_of_the_catalogue_are_recommended(scorer, toy_sequences):
    lists = served(scorer, toy_sequences([[item] for item in range(2, N)], N), k=N)
    for item in (1, N):
        assert all(item in [one for one, _ in found] for found in lists)
    best = {found[0][0] for found in served(scorer, toy_sequences([[i] for i in range(1, N + 1)], N))}
    assert len(best) > 3


def test_users_without_events_or_with_every_item_get_nothing(scorer, toy_sequences):
    everything = list(range(1, N + 1))
    found = served(scorer, toy_sequences([[], [3], everything, []], N))
    assert [len(items) for items in found] == [0, 10, 0, 0]
    assert served(scorer, toy_sequences([[], []], N)) == [[], []]
    assert served(scorer, toy_sequences([everything[:-1]], N), k=3)[0][0][0] == N


def test_equal_scores_go_by_the_catalogue(toy_sequences):
    def level(padded):
        return torch.zeros(len(padded), N)

    found = served(level, toy_sequences([[2, 3], [N]], N), k=4)
    assert [[item for item, _ in items] for items in found] == [[1, 4, 5, 6], [1, 2, 3, 4]]


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_scores_that_are_no_numbers_are_refused(value, toy_sequences):
    def broken(padded):
        scores = torch.zeros(len(padded), N)
        scores[-1, 50] = value
        return scores

    with pytest.raises(InputError, match="scores are not finite"):
        served(broken, toy_sequences([[1], [2]], N))


def test_a_target_s_place_is_the_rank_that_eval_counts(scorer, histories):
    held = leave_two_out(histories).test
    ranks = rank_targets(scorer, held, LENGTH)
    lists = served(scorer, held.histories, k=20)
    places = []
    for target, found, before in zip(held.targets.tolist(), lists, range(len(lists)), strict=True):
        items = [item for item, _ in found]
        if target not in held.histories.of(before):  # eval ranks a target that was there before, too
            places.append((items.index(target) + 1 if target in items else None, ranks[before]))
    assert sum(place is not None for place, _ in places) > 5
    assert all(rank == place if place else rank > 20 for place, rank in places)


def test_rows_say_whose_they_are_and_what_is_known_of_the_items(scorer, histories):
    ids = [f"i{index}" for index in range(N)]
    (block,) = recommend(scorer, [histories], LENGTH, RecommendConfig(k=2))
    rows = list(block.to_rows(ids, [{"title": item_id.upper()} for item_id in ids]))
    assert [row["user_id"] for row in rows] == [f"u{user}" for user in range(41)]
    assert [list(item) for item in rows[0]["items"]] == [["item_id", "score", "title"]] * 2
    assert all(item["title"] == item["item_id"].upper() for row in rows for item in row["items"])
