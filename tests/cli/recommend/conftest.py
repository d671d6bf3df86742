"""What the tests of `recommend` share: an untrained model of odd ids, and histories to ask it with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.io.checkpoints import ModelFile, write_model
from genair.models.base import build_recommender, weights_of

IDS = ["007", "7", " 7 ", str(2**60), "🙂", "a\u2028b", "日本語", *(f"item-{n}" for n in range(43))]
HISTORIES = [
    ("007", ["007"]),
    ("🙂", ["7", " 7 ", "7"]),
    ("a\u2028b", ["a\u2028b", "日本語", "🙂"]),
    (str(2**60), [str(2**60), *IDS[10:20]]),
    ("007", IDS[20:]),
    ("everything but one", IDS[:-1]),
]


class World:
    """An untrained model of odd ids, histories to ask it with, and what it should recommend."""

    def __init__(self, folder: Path) -> None:
        self.ids, self.last, self.histories = IDS, IDS[-1], HISTORIES
        self.lines = b"".join(self.line(user_id, *item_ids) for user_id, item_ids in HISTORIES)
        self.model = folder / "model.h5"
        self.score = self.write(self.model, TrainConfig(items="id", dim=8, max_length=4), IDS)

    @staticmethod
    def write(
        path: Path, config: TrainConfig, item_ids: list[str], vectors: np.ndarray | None = None
    ) -> Callable[[list[str]], dict[str, float]]:
        """Write an untrained model, and return what scores the items after a history of ids."""
        with torch.random.fork_rng():
            torch.manual_seed(1)
            frozen = None if vectors is None else torch.from_numpy(vectors)
            model = build_recommender(config, len(item_ids), frozen).eval()
            if model.items.ids is not None:
                torch.nn.init.normal_(model.items.ids.weight)
        write_model(path, ModelFile(config.settings(), item_ids, weights_of(model), []))
        place = {item_id: index for index, item_id in enumerate(item_ids, start=1)}

        def score(history: list[str]) -> dict[str, float]:
            padded = np.asarray([[place[item] for item in history][-config.max_length :]])
            return dict(zip(item_ids, model.scorer()(padded)[0].tolist(), strict=True))

        return score

    def best(self, history: list[str], k: int = 10, *, keep_seen: bool = False) -> list[str]:
        scores = self.score(history)
        left = [item for item in IDS if keep_seen or item not in history]
        return sorted(left, key=lambda item: -scores[item])[:k]

    @staticmethod
    def line(user_id: str, *item_ids: str, escaped: bool = False) -> bytes:
        return json.dumps({"user_id": user_id, "item_ids": item_ids}, ensure_ascii=escaped).encode() + b"\n"

    @staticmethod
    def lists(result: Any) -> list[tuple[str, list[str]]]:
        return [(row["user_id"], [item["item_id"] for item in row["items"]]) for row in result.rows]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return what the tests of `recommend` share."""
    return World(tmp_path_factory.mktemp("world"))
