"""The demo catalogue, read once, and measures of it that several tests share."""

import json
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genair.catalogue import PlantedItem, interactions_path, items_path, planted

Histories = list[list[int]]
Matrix = NDArray[np.float64]


@pytest.fixture(scope="session")
def items() -> list[dict[str, Any]]:
    return [json.loads(line) for line in items_path().read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def truth() -> list[PlantedItem]:
    return planted()


@pytest.fixture(scope="session")
def events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in interactions_path().read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def histories(truth: list[PlantedItem], events: list[dict[str, Any]]) -> Histories:
    place = {item.item_id: number for number, item in enumerate(truth)}
    by_user: dict[str, list[int]] = defaultdict(list)
    for event in events:
        by_user[str(event["user_id"])].append(place[str(event["item_id"])])
    return list(by_user.values())


@pytest.fixture(scope="session")
def alike(truth: list[PlantedItem]) -> Matrix:
    """Cosine between the audiences of any two items."""
    names = sorted({name for item in truth for name in item.audience})
    rows = np.array([[item.audience.get(name, 0.0) for name in names] for item in truth])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows @ rows.T)


@pytest.fixture(scope="session")
def same_category(truth: list[PlantedItem]) -> NDArray[np.bool_]:
    names = np.array([item.category for item in truth])
    return np.asarray(names[:, None] == names[None, :])
