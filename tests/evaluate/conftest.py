"""A model trained on a log that is planted, and what the evaluate stage finds of it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from genair.config import EvaluateConfig, TrainConfig
from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import Sequences, build_sequences
from genair.evaluate.measuring import Contender
from genair.evaluate.stage import Evaluation, evaluate
from genair.io.blocks import Block
from genair.io.checkpoints import ModelFile
from genair.io.embeddings import EmbeddingTable
from genair.io.jsonl import encode_line
from genair.models.base import restore_recommender
from genair.train.stage import train_on

N = 60
CPU = torch.device("cpu")
CONFIG = TrainConfig(items="text+id", dim=16, epochs=8, batch_size=16, max_length=8, learning_rate=0.01)
EXACT = EvaluateConfig()


@pytest.fixture(scope="session")
def n_items() -> int:
    """Return the size of the catalogue."""
    return N


@pytest.fixture(scope="session")
def train_config() -> TrainConfig:
    """Return what the model is trained with."""
    return CONFIG


@pytest.fixture(scope="session")
def rows() -> list[dict]:
    """Return a log of users who walk round the catalogue, never all of it, and skip items now and then."""
    rng = np.random.default_rng(0)
    made = []
    for user, start in enumerate(rng.integers(N, size=50)):
        places = (start + np.cumsum(np.where(rng.random(8) < 0.2, rng.integers(2, 8, size=8), 1))) % N
        made += [
            {"user_id": f"u{user}", "item_id": f"i{place}", "timestamp": step}
            for step, place in enumerate(places)
        ]
    return made


@pytest.fixture(scope="session")
def sequences_of() -> Callable[..., Sequences]:
    """Build sequences from rows of a log, by the ids of a catalogue."""

    def build(rows: list[dict], item_ids: list[str]) -> Sequences:
        log = read_interactions([Block(b"".join(map(encode_line, rows)), 1)], "log")
        return build_sequences(log, IdMap(item_ids), name="log")

    return build


@pytest.fixture(scope="session")
def model(rows: list[dict], sequences_of: Callable[..., Sequences]) -> ModelFile:
    """Return a model that has learned the order that is planted in the log."""
    ids = [f"i{row}" for row in np.random.default_rng(1).permutation(N)]
    vectors = np.random.default_rng(2).normal(size=(N, 12)).astype(np.float32)
    table = EmbeddingTable(ids, vectors, [])
    return train_on(table, ids, sequences_of(rows, ids), CONFIG, CPU, "ab", [].append).model


@pytest.fixture(scope="session")
def contender_of() -> Callable[..., Contender]:
    """Restore a model to be measured."""

    def restore(model: ModelFile, name: str = "model.h5") -> Contender:
        restored = restore_recommender(model.config, model.weights, len(model.item_ids))
        return Contender(name, model, restored.scorer())

    return restore


@pytest.fixture(scope="session")
def evaluation_of(
    contender_of: Callable[..., Contender], sequences_of: Callable[..., Sequences]
) -> Callable[..., Evaluation]:
    """Measure a model on rows of a log."""

    def measure(
        model: ModelFile, rows: list[dict], config: EvaluateConfig = EXACT, **more: object
    ) -> Evaluation:
        sequences = sequences_of(rows, model.item_ids)
        return evaluate(contender_of(model), sequences, "ab", config, **more)

    return measure


@pytest.fixture(scope="session")
def figures_of(evaluation_of: Callable[..., Evaluation]) -> Callable[..., list[dict]]:
    """Measure a model on rows of a log, and return the figures alone."""

    def measure(
        model: ModelFile, rows: list[dict], batch_size: int | None = None, config: EvaluateConfig = EXACT
    ) -> list[dict]:
        return evaluation_of(model, rows, config, batch_size=batch_size).rows

    return measure
