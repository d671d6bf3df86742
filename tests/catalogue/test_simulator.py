"""The simulator: reproducible, in order, and finite at any setting."""

import json
from collections import Counter
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from genair.catalogue import ChoiceModel, PlantedItem, SimulatorConfig, interactions_path, simulate

Histories = list[list[int]]


def test_the_shipped_interactions_are_the_default_run(truth: list[PlantedItem]) -> None:
    lines = [json.dumps(e, ensure_ascii=False) for e in simulate(truth, SimulatorConfig())]
    assert interactions_path().read_bytes() == ("\n".join(lines) + "\n").encode("utf-8")


def test_another_seed_gives_another_history(truth: list[PlantedItem]) -> None:
    one = list(islice(simulate(truth, SimulatorConfig()), 200))
    two = list(islice(simulate(truth, SimulatorConfig(seed=8)), 200))
    assert [e["item_id"] for e in one] != [e["item_id"] for e in two]


def test_a_larger_population_extends_a_smaller_one(truth: list[PlantedItem]) -> None:
    few = list(simulate(truth, SimulatorConfig(users=5)))
    more = list(simulate(truth, SimulatorConfig(users=7)))
    assert few == more[: len(few)]
    assert len({event["user_id"] for event in more}) == 7


def test_users_come_in_order_and_their_clocks_run_forward(events: list[dict[str, Any]]) -> None:
    keys = [(str(event["user_id"]), event["timestamp"]) for event in events]
    assert all(type(clock) is int for _, clock in keys)
    assert all(left < right for left, right in pairwise(keys))


def test_nobody_buys_an_item_twice(histories: Histories) -> None:
    assert all(len(set(history)) == len(history) for history in histories)


def test_a_catalogue_shorter_than_the_histories_is_bought_out(truth: list[PlantedItem]) -> None:
    config = SimulatorConfig(users=30, short_share=0.0)
    bought = Counter(str(event["user_id"]) for event in simulate(truth[:4], config))
    assert set(bought.values()) == {4}


def test_history_lengths_are_as_documented(histories: Histories) -> None:
    lengths = np.array([len(history) for history in histories])
    assert len(lengths) == 900
    assert (lengths >= 3).sum() >= 800
    assert set(lengths[lengths < 5]) == {1, 2}
    assert 0.03 < np.mean(lengths < 3) < 0.08
    assert 13 < lengths.mean() < 15.5
    assert lengths.max() == 45


def test_probabilities_are_a_distribution_over_unseen_items(truth: list[PlantedItem]) -> None:
    model = ChoiceModel(truth, SimulatorConfig())
    seen = np.zeros(len(truth), dtype=np.bool_)
    seen[[3, 50]] = True
    chance = model.probabilities(np.eye(len(model.personas))[0], 3, seen)
    assert chance.sum() == pytest.approx(1.0)
    assert chance[seen].tolist() == [0.0, 0.0]
    assert (chance[~seen] > 0).all()


def test_extreme_settings_stay_finite(truth: list[PlantedItem]) -> None:
    config = SimulatorConfig(users=20, taste=5000.0, drift=1e5, noise=0.0)
    assert len(list(simulate(truth, config))) > 20
    model = ChoiceModel(truth, config)
    seen = np.arange(len(truth)) < 190
    chance = model.probabilities(np.eye(len(model.personas))[0], None, seen)
    assert chance.sum() == pytest.approx(1.0)
