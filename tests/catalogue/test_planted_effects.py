"""What is planted shows in what people buy: audience, companions, popularity, each beyond the others."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from genair.catalogue import PlantedItem, SimulatorConfig, planted_popularity, simulate

Histories = list[list[int]]
Matrix = NDArray[np.float64]


def steps(histories: Histories) -> Iterator[tuple[int, int]]:
    for history in histories:
        yield from pairwise(history)


def test_successive_purchases_share_their_audience(
    truth: list[PlantedItem],
    histories: Histories,
    alike: Matrix,
    same_category: NDArray[np.bool_],
) -> None:
    """Beyond category and companions: such pairs are left out."""
    left, right = np.array(list(steps(histories))).T
    linked = np.array([[b.item_id in a.companions for b in truth] for a in truth])
    plain = ~same_category & ~linked
    shuffled = np.random.Generator(np.random.PCG64(0)).permutation(right)
    bought = alike[left, right][plain[left, right]].mean()
    chance = alike[left, shuffled][plain[left, shuffled]].mean()
    assert bought > 1.6 * chance


def test_companions_follow_one_another_far_more_often_than_chance(
    truth: list[PlantedItem], histories: Histories
) -> None:
    pairs = list(steps(histories))
    share = Counter(item for _, item in pairs)
    place = {item.item_id: number for number, item in enumerate(truth)}
    hits = sum(truth[right].item_id in truth[left].companions for left, right in pairs)
    chance = sum(share[place[c]] / len(pairs) for left, _ in pairs for c in truth[left].companions)
    assert hits > 6 * chance


def test_companions_add_to_what_taste_explains(truth: list[PlantedItem]) -> None:
    def followed(config: SimulatorConfig) -> int:
        found = 0
        for left, right in pairwise(simulate(truth, config)):
            own = next(i for i in truth if i.item_id == left["item_id"])
            found += left["user_id"] == right["user_id"] and right["item_id"] in own.companions
        return found

    config = SimulatorConfig(users=200)
    assert followed(config) > 2.5 * followed(replace(config, companion=0.0))


def test_sales_follow_the_planted_popularity(truth: list[PlantedItem], histories: Histories) -> None:
    sold = np.bincount(np.concatenate([np.array(h) for h in histories]), minlength=len(truth))
    popularity = planted_popularity(len(truth), SimulatorConfig())
    assert popularity.sum() == pytest.approx(1.0)
    ranks = [np.argsort(np.argsort(values)) * 1.0 for values in (sold, popularity)]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] > 0.5


def test_popularity_is_independent_of_the_domain(truth: list[PlantedItem]) -> None:
    rank = np.argsort(np.argsort(planted_popularity(len(truth), SimulatorConfig())))
    domain = np.array([item.item_id[:2] for item in truth])
    means = [rank[domain == name].mean() for name in set(domain)]
    assert max(means) - min(means) < 45


def test_category_alone_does_not_explain_what_follows(
    histories: Histories, same_category: NDArray[np.bool_], alike: Matrix
) -> None:
    left, right = np.array(list(steps(histories))).T
    stays = same_category[left, right].mean()
    shuffled = np.random.Generator(np.random.PCG64(0)).permutation(right)
    assert 2 * same_category[left, shuffled].mean() < stays < 0.2
    inside = np.triu(same_category, 1)
    chosen = alike[left, right][same_category[left, right]].mean()
    assert chosen > alike[inside].mean() + 0.1


def test_audience_foretells_the_last_purchase_better_than_category_or_sales(
    histories: Histories, same_category: NDArray[np.bool_], alike: Matrix
) -> None:
    """Three rankings of the unseen items, each from one source alone."""
    sold = np.bincount([item for history in histories for item in history[:-1]], minlength=200)
    hits: Counter[str] = Counter()
    for *past, target in (history for history in histories if len(history) >= 3):
        scores = {
            "audience": alike[past[-4:]].sum(axis=0),
            "category": same_category[past[-4:]].sum(axis=0) * 1.0,
            "sales": sold * 1.0,
        }
        for name, score in scores.items():
            score[past] = -1.0
            ties = (score == score[target]).sum() - 1
            hits[name] += int((score > score[target]).sum() + ties / 2 < 10)
    assert hits["audience"] > 1.5 * max(hits["category"], hits["sales"])
    assert hits["audience"] < 0.6 * len(histories)
