"""The calibrate stage: what goes into it, what must not, and what its table holds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from genair.calibrate.stage import calibrate_table
from genair.config import CalibrateConfig, DescentConfig, GraphConfig, SpectralConfig
from genair.errors import GenairError, InputError
from genair.io.embeddings import EmbeddingTable, read_table, write_table
from genair.provenance import add_step

N = 15
SOLVED = CalibrateConfig(
    dim=8, graph=GraphConfig(window=0, score="log"), spectral=SpectralConfig(features=20)
)
DESCENT = replace(SOLVED, objective="alignment", descent=DescentConfig(steps=10, stop_on="auc_matched"))
KINDS = {"spectral": SOLVED, "mlp": DESCENT}


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


@pytest.fixture(scope="module", params=KINDS)
def config(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def calibrated(table, histories, config, toy_sequences):
    return calibrate_table(table, toy_sequences(histories, N), config, "c0ffee")


def test_test_events_change_nothing(table, histories, calibrated, config, toy_sequences):
    other = [[*history[:-1], 1 + history[0] % N] for history in histories]
    again = calibrate_table(table, toy_sequences(other, N), config, "c0ffee")
    assert again.table.vectors.tobytes() == calibrated.table.vectors.tobytes()
    assert again.result.after == calibrated.result.after


def test_validation_events_are_measured_on_and_not_learned_from(
    table, histories, calibrated, config, toy_sequences
):
    other = [[*history[:-2], 1 + history[0] % N, history[-1]] for history in histories]
    again = calibrate_table(table, toy_sequences(other, N), config, "c0ffee")
    assert again.table.vectors.tobytes() == calibrated.table.vectors.tobytes()
    assert again.result.after.ndcg != calibrated.result.after.ndcg
    assert replace(again.result.after, ndcg=0.0) == replace(calibrated.result.after, ndcg=0.0)


def test_the_last_training_event_does_change_it(table, histories, calibrated, config, toy_sequences):
    other = [[*history[:-3], 1 + history[-3] % N, *history[-2:]] for history in histories]
    again = calibrate_table(table, toy_sequences(other, N), config, "c0ffee")
    assert not np.array_equal(again.table.vectors, calibrated.table.vectors)


def test_by_a_split_by_time_nothing_of_the_last_fifth_is_learned_from(
    table, histories, config, toy_sequences
):
    clock = np.sort(np.random.default_rng(2).permutation(999)[: 12 * 6].reshape(12, 6), axis=1).ravel()
    sequences = replace(toy_sequences(histories, N), times=clock.astype(float))
    valid_from, test_from = (np.sort(clock)[12 * 6 * tenths // 10] for tenths in (8, 9))

    def run(change_from):
        changed = np.where(clock >= change_from, 1 + sequences.items % N, sequences.items)
        return calibrate_table(table, replace(sequences, items=changed), replace(config, split="time"), "ab")

    whole = run(np.inf)
    assert whole.table.steps[-1].settings["split"] == "time"
    assert run(test_from).result.after == whole.result.after
    later = run(valid_from)
    assert later.table.vectors.tobytes() == whole.table.vectors.tobytes()
    assert later.result.after.ndcg != whole.result.after.ndcg
    earlier = run(np.sort(clock)[12 * 6 * 7 // 10]).result.graph
    assert earlier.rows.tolist() != whole.result.graph.rows.tolist()


def test_a_log_without_a_clock_cannot_be_split_by_time(table, histories, toy_sequences):
    with pytest.raises(InputError, match="no timestamps to be split by"):
        calibrate_table(table, toy_sequences(histories, N), replace(SOLVED, split="time"), "ab")


def test_histories_of_two_events_are_learned_from(table, toy_sequences):
    alone = replace(SOLVED, holdout=0)
    found = calibrate_table(table, toy_sequences([[3, 15]], N), alone, "c0ffee").result.graph
    assert (found.rows.tolist(), found.columns.tolist()) == ([2], [14])


def test_the_table_keeps_its_ids_and_order(table, calibrated):
    assert calibrated.table.item_ids == table.item_ids
    assert calibrated.table.vectors.shape == (N, 8)


def test_provenance_gains_one_step(table, calibrated, config):
    *before, step = calibrated.table.steps
    assert before == list(table.steps)
    assert step.command == "calibrate"
    assert step.settings == config.settings()
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


def test_the_adapter_is_in_the_table_under_its_kind(calibrated):
    adapter = calibrated.result.adapter
    found = {name: value for name, value in calibrated.table.extras.items() if name.startswith("adapter/")}
    assert found.keys() == {f"adapter/{adapter.kind}/{name}" for name in adapter.state_dict()}
    for name, value in adapter.state_dict().items():
        assert np.array_equal(found[f"adapter/{adapter.kind}/{name}"], value.numpy())


def test_the_table_survives_a_file(calibrated, tmp_path):
    write_table(tmp_path / "calibrated.h5", calibrated.table)
    again = read_table(tmp_path / "calibrated.h5", "calibrated.h5")
    assert again.item_ids == list(calibrated.table.item_ids)
    assert np.array_equal(again.vectors, calibrated.table.vectors)
    assert again.steps == list(calibrated.table.steps)


def test_equal_inputs_give_equal_files(table, histories, calibrated, config, toy_sequences, tmp_path):
    again = calibrate_table(table, toy_sequences(histories, N), config, "c0ffee")
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


def test_what_it_stops_on_is_what_validation_events_say(table, histories, toy_sequences):
    """The one way in which they count: through the step that is kept."""
    other = [[*history[:-2], 1 + history[0] % N, history[-1]] for history in histories]
    descent = DescentConfig(steps=60, learning_rate=0.03, stop_on="ndcg", patience=20)
    config = replace(DESCENT, objective="paper", gamma=4.0, descent=descent)
    one, two = (
        calibrate_table(table, toy_sequences(events, N), config, "ab").result for events in (histories, other)
    )
    assert one.stop != two.stop
    assert not np.array_equal(one.vectors, two.vectors)


def test_without_validation_events_there_is_none_to_stop_on(table, toy_sequences):
    config = replace(DESCENT, descent=DescentConfig(stop_on="ndcg"))
    with pytest.raises(
        InputError, match="no validation event to stop on: take --stop-on auc_matched or none"
    ):
        calibrate_table(table, toy_sequences([[1, 2], [3, 4]] * 9, N), config, "ab")


def test_events_of_items_that_the_user_had_are_no_validation_events(table, toy_sequences):
    """As there is no other event here, calibration goes on without any."""
    histories = [[1 + (user + place) % N for place in (0, 1, 2, 0, 1)] for user in range(N)]
    result = calibrate_table(table, toy_sequences(histories, N), CalibrateConfig(dim=4), "ab").result
    assert np.isnan(result.after.ndcg)
    assert result.after.auc > 0


def test_validation_events_count_where_there_are_no_test_events(table, toy_sequences):
    """Each user's last event is of an item that it had, the one before it of a new one."""
    histories = [[1 + (user + place) % N for place in (0, 1, 2, 3, 0)] for user in range(N)]
    result = calibrate_table(table, toy_sequences(histories, N), CalibrateConfig(dim=4), "ab").result
    assert 0 <= result.after.ndcg <= 1


@pytest.fixture(scope="module")
def collapsing(toy_sequences):
    """Make a table, sequences and settings whose paper's loss gives up all but one direction."""
    vectors = np.random.default_rng(0).normal(size=(16, 12)).astype(np.float32)
    halves = [list(range(1, 9)) * 2, list(range(9, 17)) * 2]
    descent = DescentConfig(steps=150, learning_rate=0.02, stop_on="none")
    config = replace(DESCENT, objective="paper", holdout=0, descent=descent)
    return EmbeddingTable([f"i{n}" for n in range(16)], vectors, []), toy_sequences(halves * 5, 16), config


def test_a_space_that_collapsed_is_an_error_that_tells_by_how_much(collapsing):
    with pytest.raises(GenairError, match=r"effective rank 10\.1 became 1\.\d, less than 2\.7") as caught:
        calibrate_table(*collapsing, "ab").require_rank()
    assert type(caught.value) is GenairError  # neither the input nor the settings are wrong as such
    assert "--allow-collapse" in str(caught.value)


def test_a_space_that_collapsed_is_there_for_whoever_wants_it(collapsing):
    found = calibrate_table(*collapsing, "ab")
    assert found.result.after.effective_rank < found.result.least_rank
    assert found.table.vectors.shape == (16, 8)


def test_a_space_that_did_not_collapse_has_the_rank(calibrated):
    calibrated.require_rank()
