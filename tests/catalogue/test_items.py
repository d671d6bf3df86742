"""The demo catalogue's items are real copy, and its planted truth cuts across what the text says."""

import re
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genair.catalogue import PlantedItem

Matrix = NDArray[np.float64]
DOMAINS = {"Books", "Outdoor", "Kitchen", "Games", "Skin Care"}
STRONG = 0.6


def words(text: object) -> int:
    return len(str(text).split())


def test_two_hundred_items_forty_in_each_domain(items: list[dict[str, Any]]) -> None:
    assert len({item["item_id"] for item in items}) == len(items) == 200
    domains = Counter(item["categories"][0] for item in items)
    assert domains == dict.fromkeys(DOMAINS, 40)


def test_every_item_has_the_fields_of_its_domain_in_order(items: list[dict[str, Any]]) -> None:
    for item in items:
        maker = "author" if str(item["item_id"]).startswith("bk-") else "brand"
        fields = ["item_id", "title", maker, "categories", "price", "description"]
        assert list(item) == fields
        assert 2 <= len(item["categories"]) <= 3
        assert item["price"] is None or 0 < float(str(item["price"])) < 1000


def test_descriptions_are_copy_of_twenty_to_sixty_words(items: list[dict[str, Any]]) -> None:
    wrong = [i["item_id"] for i in items if not 20 <= words(i["description"]) <= 60]
    assert wrong == []


@pytest.mark.parametrize("field", ["title", "description"])
def test_no_two_items_share_their_text(items: list[dict[str, Any]], field: str) -> None:
    assert len({str(item[field]).casefold() for item in items}) == len(items)


def test_descriptions_come_from_no_template(items: list[dict[str, Any]]) -> None:
    phrases: Counter[tuple[str, ...]] = Counter()
    for item in items:
        tokens = re.findall(r"\w+", str(item["description"]).lower())
        phrases.update({tuple(tokens[n : n + 5]) for n in range(len(tokens) - 4)})
    assert [phrase for phrase, count in phrases.items() if count > 2] == []


def test_neighbours_in_the_file_are_of_different_domains(items: list[dict[str, Any]]) -> None:
    domains = [str(item["item_id"])[:2] for item in items]
    assert all(left != right for left, right in pairwise(domains))


def test_the_realistic_warts_are_there(items: list[dict[str, Any]]) -> None:
    titles = [str(item["title"]) for item in items]
    assert 1 <= sum("&amp;" in title for title in titles) <= 3
    assert any('"' in title for title in titles)
    assert any(not title.isascii() for title in titles)
    assert any(item.get("brand") == "" for item in items)
    assert any(item["price"] is None for item in items)


def test_no_persona_is_named_in_the_text(items: list[dict[str, Any]], truth: list[PlantedItem]) -> None:
    names = {name.replace("-", " ") for item in truth for name in item.audience}
    names |= {name.replace(" ", "") for name in names}
    for item in items:
        text = f"{item['title']} {item['description']}".lower().replace("-", " ")
        assert [name for name in names if name in text] == []


def test_planted_follows_the_items_line_by_line(
    items: list[dict[str, Any]], truth: list[PlantedItem]
) -> None:
    assert [item.item_id for item in truth] == [item["item_id"] for item in items]
    assert [item.category for item in truth] == [" > ".join(item["categories"][:2]) for item in items]


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
