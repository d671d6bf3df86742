"""The train stage: what may shape a model, and what its file holds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import TrainConfig
from genair.data.sequences import leave_two_out
from genair.errors import InputError
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.io.checkpoints import read_model, write_model
from genair.io.embeddings import EmbeddingTable
from genair.models.base import restore_recommender
from genair.provenance import add_step
from genair.train.idle import used_settings
from genair.train.stage import train_on, work_settings

N = 12
CPU = torch.device("cpu")
CONFIG = TrainConfig(items="text+id", dim=8, epochs=2, max_length=6, batch_size=8)
IDS = [f"i{row}" for row in range(N)]


@pytest.fixture(scope="module")
def table():
    vectors = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
    return EmbeddingTable(IDS, vectors, add_step([], "embed", {}, {"items": "ab"}))


@pytest.fixture(scope="module")
def histories():
    rng = np.random.default_rng(1)
    return [(rng.integers(N, size=7) + 1).tolist() for _ in range(20)]


def _train(table, sequences, config=CONFIG):
    return train_on(table, IDS, sequences, config, CPU, "c0ffee", [].append)


@pytest.fixture(scope="module")
def trained(table, histories, toy_sequences):
    return _train(table, toy_sequences(histories, N))


@pytest.mark.parametrize("refit", [False, True])
def test_test_events_change_nothing(refit, table, histories, toy_sequences):
    config = replace(CONFIG, refit=refit)
    other = [[*history[:-1], 1 + history[-1] % N] for history in histories]
    one, again = (_train(table, toy_sequences(events, N), config) for events in (histories, other))
    assert again.run.epochs == one.run.epochs
    for name, weight in one.model.weights.items():
        assert np.array_equal(again.model.weights[name], weight)


def test_validation_events_are_not_learned_from(table, histories, trained, toy_sequences):
    other = [[*history[:-2], 1 + history[-2] % N, history[-1]] for history in histories]
    again = _train(table, toy_sequences(other, N))
    assert [row.loss for row in again.run.epochs] == [row.loss for row in trained.run.epochs]
    assert [row.valid_ndcg for row in again.run.epochs] != [row.valid_ndcg for row in trained.run.epochs]


def test_training_events_are_learned_from(table, histories, trained, toy_sequences):
    other = [[*history[:-3], 1 + history[-3] % N, *history[-2:]] for history in histories]
    again = _train(table, toy_sequences(other, N))
    assert [row.loss for row in again.run.epochs] != [row.loss for row in trained.run.epochs]


def test_with_a_split_by_time_nothing_of_the_last_fifth_is_learned_from(table, histories, toy_sequences):
    clock = np.sort(np.random.default_rng(2).permutation(2000)[:140].reshape(20, 7), axis=1).ravel()
    config = replace(CONFIG, split="time")

    def run(change_from):
        changed = np.where(clock >= change_from, 1 + sequences.items % N, sequences.items)
        return _train(table, replace(sequences, items=changed), config)

    sequences = replace(toy_sequences(histories, N), times=clock.astype(float))
    valid_from, test_from = (np.sort(clock)[140 * tenths // 10] for tenths in (8, 9))
    whole = run(np.inf)
    assert whole.model.config["split"] == whole.model.steps[-1].settings["split"] == "time"
    assert run(test_from).run.epochs == whole.run.epochs
    losses = [row.loss for row in whole.run.epochs]
    assert [row.loss for row in run(valid_from).run.epochs] == losses
    assert [row.loss for row in run(np.sort(clock)[140 * 7 // 10]).run.epochs] != losses


def test_validation_can_keep_what_the_user_had_and_nothing_else_changes(
    table, histories, trained, toy_sequences
):
    sequences = toy_sequences(histories, N)
    kept = _train(table, sequences, replace(CONFIG, keep_seen=True))
    scorer = restore_recommender(kept.model.config, kept.model.weights, N).scorer()
    ranks = rank_targets(scorer, leave_two_out(sequences, keep_seen=True).valid, CONFIG.max_length)
    assert len(ranks) == 20
    assert kept.run.best.valid_ndcg == pytest.approx(mean_at("ndcg", ranks, 10))
    assert kept.run.best.valid_ndcg != trained.run.best.valid_ndcg
    assert [row.loss for row in kept.run.epochs] == [row.loss for row in trained.run.epochs]
    assert kept.model.config["keep_seen"] is kept.model.steps[-1].settings["keep_seen"] is True
    assert "keep_seen" not in trained.model.config


@pytest.mark.parametrize(
    ("settings", "may"),
    [({}, True), ({"warmup": 1.0}, True), ({"schedule": "linear"}, False), ({"refit": True}, False)],
)
def test_work_may_be_gone_on_with_for_other_epochs_where_these_change_no_epoch(settings, may, table):
    one, other = (
        work_settings(table, replace(CONFIG, epochs=epochs, **settings), CPU, "ab") for epochs in (2, 3)
    )
    assert (one == other) is may


def test_the_model_file_holds_what_serves_it(table, trained):
    model = trained.model
    assert model.config == used_settings(CONFIG)
    assert list(model.item_ids) == IDS
    assert np.array_equal(model.weights["items.vectors"], table.vectors)
    assert model.training["loss"].shape == (2,)
    assert model.training["valid_ndcg"].max() == trained.run.best.valid_ndcg


def test_provenance_continues_that_of_the_vectors(table, trained):
    *before, step = trained.model.steps
    assert before == list(table.steps)
    assert step.command == "train"
    assert step.settings == used_settings(CONFIG)
    assert step.inputs == {"interactions": "c0ffee"}
    assert step.previous == table.steps[-1].id
    assert {"genair", "torch", "numpy"} <= set(step.versions)


@pytest.mark.parametrize("given", [True, False])
def test_a_model_of_ids_owes_nothing_to_vectors(given, table, histories, toy_sequences):
    config = replace(CONFIG, items="id")
    model = _train(table if given else None, toy_sequences(histories, N), config).model
    assert [step.command for step in model.steps] == ["train"]
    assert "items.vectors" not in model.weights


def test_text_without_vectors_is_refused(histories, toy_sequences):
    with pytest.raises(ValueError, match="one vector per item"):
        _train(None, toy_sequences(histories, N))


def test_a_log_too_short_to_validate_on_is_an_error(table, toy_sequences):
    with pytest.raises(InputError, match="no user has 3 events"):
        _train(table, toy_sequences([[1, 2], [3, 4]], N))


def test_the_summary_names_model_metric_and_epoch(trained):
    best = trained.run.best
    wanted = f"sasrec on text+id, validation NDCG@10 {best.valid_ndcg:.4f} at epoch {best.epoch} of 2"
    assert trained.summary().startswith(wanted)


def test_the_summary_tells_of_a_refit(table, histories, toy_sequences):
    made = _train(table, toy_sequences(histories, N), replace(CONFIG, refit=True))
    assert f" of 2, refit for {made.run.best.epoch} epochs" in made.summary()
    assert made.model.config["refit"] is True


def test_the_summary_counts_validation_events_of_seen_items(table, toy_sequences):
    new, repeated = [1, 2, 3, 4, 5], [6, 7, 8, 7, 9]
    sequences = toy_sequences([new] * 3 + [repeated] * 2, N)
    assert _train(table, sequences).summary().endswith("; 2 validation events of seen items left out")
    kept = _train(table, sequences, replace(CONFIG, keep_seen=True))
    assert "left out" not in kept.summary()
    assert "left out" not in _train(table, toy_sequences([new] * 3, N)).summary()


def test_equal_runs_write_equal_files(table, histories, trained, toy_sequences, tmp_path):
    write_model(tmp_path / "one.h5", trained.model)
    write_model(tmp_path / "two.h5", _train(table, toy_sequences(histories, N)).model)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    assert read_model(tmp_path / "one.h5", "one.h5").item_ids == IDS
