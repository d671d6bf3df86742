"""The calibrate stage: what goes into it, what must not, and what its table holds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from genair.calibrate.stage import calibrate_table
from genair.config import CalibrateConfig
from genair.io.embeddings import EmbeddingTable, read_table, write_table
from genair.provenance import add_step

CONFIG = CalibrateConfig(dim=8, steps=10)
N = 15


@pytest.fixture(scope="module")
def table():
    vectors = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
    return EmbeddingTable(
        [f"i{row}" for row in range(N)], vectors, add_step([], "embed", {}, {"items": "ab"})
    )


@pytest.fixture(scope="module")
def histories():
    rng = np.random.default_rng(1)
    return [(rng.permutation(N)[:6] + 1).tolist() for _ in range(12)]


@pytest.fixture(scope="module")
def calibrated(table, histories, toy_sequences):
    return calibrate_table(table, toy_sequences(histories, N), CONFIG, "c0ffee")


def test_test_events_change_nothing(table, histories, calibrated, toy_sequences):
    other = [[*history[:-1], 1 + history[0] % N] for history in histories]
    again = calibrate_table(table, toy_sequences(other, N), CONFIG, "c0ffee")
    assert again.table.vectors.tobytes() == calibrated.table.vectors.tobytes()
    assert again.result.after == calibrated.result.after


def test_validation_events_are_measured_on_and_not_learned_from(table, histories, calibrated, toy_sequences):
    other = [[*history[:-2], 1 + history[0] % N, history[-1]] for history in histories]
    again = calibrate_table(table, toy_sequences(other, N), CONFIG, "c0ffee")
    assert again.table.vectors.tobytes() == calibrated.table.vectors.tobytes()
    assert again.result.after.ndcg != calibrated.result.after.ndcg
    assert replace(again.result.after, ndcg=0.0) == replace(calibrated.result.after, ndcg=0.0)


def test_the_last_training_event_does_change_it(table, histories, calibrated, toy_sequences):
    other = [[*history[:-3], 1 + history[-3] % N, *history[-2:]] for history in histories]
    again = calibrate_table(table, toy_sequences(other, N), CONFIG, "c0ffee")
    assert not np.array_equal(again.table.vectors, calibrated.table.vectors)


def test_histories_of_two_events_are_learned_from(table, toy_sequences):
    config = replace(CONFIG, holdout=0)
    found = calibrate_table(table, toy_sequences([[3, 15]], N), config, "c0ffee").result.graph
    assert (found.rows.tolist(), found.columns.tolist()) == ([2], [14])


def test_the_table_keeps_its_ids_and_order(table, calibrated):
    assert calibrated.table.item_ids == table.item_ids
    assert calibrated.table.vectors.shape == (N, 8)


def test_provenance_gains_one_step(table, calibrated):
    *before, step = calibrated.table.steps
    assert before == list(table.steps)
    assert step.command == "calibrate"
    assert step.settings == CONFIG.settings()
    assert step.inputs == {"interactions": "c0ffee"}
    assert step.previous == table.steps[-1].id
    assert {"genair", "torch", "numpy"} <= set(step.versions)


def test_the_evidence_is_in_the_table(calibrated):
    extras = calibrated.table.extras
    parts = (extras["association/scores"], extras["association/indices"], extras["association/indptr"])
    graph = sparse.csr_array(parts, shape=(N, N))
    wanted = calibrated.result.graph.to_csr(N)
    assert np.array_equal(graph.toarray(), wanted.toarray())
    assert extras["diagnostics/before/auc"] == calibrated.result.before.auc
    assert extras["diagnostics/after/effective_rank"] == calibrated.result.after.effective_rank
    assert extras["adapter/last.weight"].shape == (8, 16)


def test_the_table_survives_a_file(calibrated, tmp_path):
    write_table(tmp_path / "calibrated.h5", calibrated.table)
    again = read_table(tmp_path / "calibrated.h5", "calibrated.h5")
    assert again.item_ids == list(calibrated.table.item_ids)
    assert np.array_equal(again.vectors, calibrated.table.vectors)
    assert again.steps == list(calibrated.table.steps)


def test_equal_inputs_give_equal_files(table, histories, calibrated, toy_sequences, tmp_path):
    again = calibrate_table(table, toy_sequences(histories, N), CONFIG, "c0ffee")
    write_table(tmp_path / "one.h5", calibrated.table)
    write_table(tmp_path / "two.h5", again.table)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_the_comparison_shows_each_measure_before_and_after(calibrated):
    rows = list(calibrated.comparison())
    assert [title for title, _, _ in rows] == [
        "held-out pairs, AUC",
        "  against equally popular",
        "held-out pairs, Spearman",
        "effective rank",
        "mean cosine",
        "neighbours kept",
        "validation NDCG@10, untrained",
    ]
    assert rows[3][1:] == (
        f"{calibrated.result.before.effective_rank:.3f}",
        f"{calibrated.result.after.effective_rank:.3f}",
    )
