"""The demo catalogue keeps its promises: real copy, planted truth, behaviour that follows it."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from genair.catalogue import (
    ChoiceModel,
    PlantedItem,
    SimulatorConfig,
    interactions_path,
    items_path,
    planted,
    planted_popularity,
    simulate,
)

Histories = list[list[int]]
Matrix = NDArray[np.float64]
DOMAINS = {"Books", "Outdoor", "Kitchen", "Games", "Skin Care"}
STRONG = 0.6


@pytest.fixture(scope="module")
def items() -> list[dict[str, object]]:
    return [json.loads(line) for line in items_path().read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def truth() -> list[PlantedItem]:
    return planted()


@pytest.fixture(scope="module")
def events() -> list[dict[str, object]]:
    return [json.loads(line) for line in interactions_path().read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def histories(truth: list[PlantedItem], events: list[dict[str, object]]) -> Histories:
    place = {item.item_id: number for number, item in enumerate(truth)}
    by_user: dict[str, list[int]] = defaultdict(list)
    for event in events:
        by_user[str(event["user_id"])].append(place[str(event["item_id"])])
    return list(by_user.values())


@pytest.fixture(scope="module")
def alike(truth: list[PlantedItem]) -> Matrix:
    """Cosine between the audiences of any two items."""
    names = sorted({name for item in truth for name in item.audience})
    rows = np.array([[item.audience.get(name, 0.0) for name in names] for item in truth])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows @ rows.T)


@pytest.fixture(scope="module")
def same_category(truth: list[PlantedItem]) -> NDArray[np.bool_]:
    names = np.array([item.category for item in truth])
    return np.asarray(names[:, None] == names[None, :])


def steps(histories: Histories) -> Iterator[tuple[int, int]]:
    for history in histories:
        yield from pairwise(history)


def words(text: object) -> int:
    return len(str(text).split())


# --- the items -----------------------------------------------------------------------------------


def test_two_hundred_items_forty_in_each_domain(items: list[dict[str, object]]) -> None:
    assert len({item["item_id"] for item in items}) == len(items) == 200
    domains = Counter(item["categories"][0] for item in items)  # type: ignore[index]
    assert domains == dict.fromkeys(DOMAINS, 40)


def test_every_item_has_the_fields_of_its_domain_in_order(items: list[dict[str, object]]) -> None:
    for item in items:
        maker = "author" if str(item["item_id"]).startswith("bk-") else "brand"
        fields = ["item_id", "title", maker, "categories", "price", "description"]
        assert list(item) == fields
        assert 2 <= len(item["categories"]) <= 3  # type: ignore[arg-type]
        assert item["price"] is None or 0 < float(str(item["price"])) < 1000


def test_descriptions_are_copy_of_twenty_to_sixty_words(items: list[dict[str, object]]) -> None:
    wrong = [i["item_id"] for i in items if not 20 <= words(i["description"]) <= 60]
    assert wrong == []


@pytest.mark.parametrize("field", ["title", "description"])
def test_no_two_items_share_their_text(items: list[dict[str, object]], field: str) -> None:
    assert len({str(item[field]).casefold() for item in items}) == len(items)


def test_descriptions_come_from_no_template(items: list[dict[str, object]]) -> None:
    phrases: Counter[tuple[str, ...]] = Counter()
    for item in items:
        tokens = re.findall(r"\w+", str(item["description"]).lower())
        phrases.update({tuple(tokens[n : n + 5]) for n in range(len(tokens) - 4)})
    assert [phrase for phrase, count in phrases.items() if count > 2] == []


def test_neighbours_in_the_file_are_of_different_domains(items: list[dict[str, object]]) -> None:
    domains = [str(item["item_id"])[:2] for item in items]
    assert all(left != right for left, right in pairwise(domains))


def test_the_realistic_warts_are_there(items: list[dict[str, object]]) -> None:
    titles = [str(item["title"]) for item in items]
    assert 1 <= sum("&amp;" in title for title in titles) <= 3
    assert any('"' in title for title in titles)
    assert any(not title.isascii() for title in titles)
    assert any(item.get("brand") == "" for item in items)
    assert any(item["price"] is None for item in items)


def test_no_persona_is_named_in_the_text(items: list[dict[str, object]], truth: list[PlantedItem]) -> None:
    names = {name.replace("-", " ") for item in truth for name in item.audience}
    names |= {name.replace(" ", "") for name in names}
    for item in items:
        text = f"{item['title']} {item['description']}".lower().replace("-", " ")
        assert [name for name in names if name in text] == []


# --- what is planted -----------------------------------------------------------------------------


def test_planted_follows_the_items_line_by_line(
    items: list[dict[str, object]], truth: list[PlantedItem]
) -> None:
    assert [item.item_id for item in truth] == [item["item_id"] for item in items]
    assert [item.category for item in truth] == [
        " > ".join(item["categories"][:2])  # type: ignore[index]
        for item in items
    ]


def test_audiences_are_weights_and_each_item_has_a_strong_one(truth: list[PlantedItem]) -> None:
    for item in truth:
        assert 1 <= len(item.audience) <= 4
        assert all(0 < weight <= 1 for weight in item.audience.values())
        assert max(item.audience.values()) >= STRONG


def test_every_persona_cuts_across_domains(truth: list[PlantedItem]) -> None:
    strong = [(n, i) for i in truth for n, weight in i.audience.items() if weight >= STRONG]
    names = {name for item in truth for name in item.audience}
    assert 11 <= len(names) <= 14
    for name in names:
        own = [item for persona, item in strong if persona == name]
        assert len(own) >= 12, name
        assert len({item.item_id[:2] for item in own}) >= 3, name


def test_one_category_serves_different_audiences(alike: Matrix, same_category: NDArray[np.bool_]) -> None:
    pairs = np.triu(same_category, 1)
    assert np.mean(alike[pairs] < 0.2) > 0.5


def test_companions_exist_and_often_come_from_another_domain(truth: list[PlantedItem]) -> None:
    known = {item.item_id for item in truth}
    pairs = [(item.item_id, other) for item in truth for other in item.companions]
    assert all(other in known and other != own for own, other in pairs)
    assert all(len(set(i.companions)) == len(i.companions) <= 3 for i in truth)
    assert sum(own[:2] != other[:2] for own, other in pairs) > len(pairs) / 2


# --- the simulator -------------------------------------------------------------------------------


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


def test_users_come_in_order_and_their_clocks_run_forward(events: list[dict[str, object]]) -> None:
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


# --- the planted effects -------------------------------------------------------------------------


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
