"""A finished calibration for new items: old rows stay, new ones go through the adapter, in the same space."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from genair.calibrate.apply import apply_table
from genair.calibrate.fit import map_rows
from genair.calibrate.stage import calibrate_table
from genair.config import CalibrateConfig, DescentConfig, GraphConfig, SpectralConfig
from genair.errors import InputError
from genair.io.embeddings import EmbeddingTable
from genair.provenance import add_step

N, NEW = 15, 4
EMBED = add_step([], "embed", {"dim": 5}, {"items": "ab"})
SOLVED = CalibrateConfig(
    dim=8, holdout=0, graph=GraphConfig(window=0, score="log"), spectral=SpectralConfig(features=20)
)
STEPS = DescentConfig(steps=5, stop_on="none")
KINDS = {
    "spectral": SOLVED,
    "mlp": replace(SOLVED, objective="alignment", descent=STEPS),
    "residual": replace(SOLVED, objective="alignment", descent=replace(STEPS, adapter="residual")),
}


def _table(ids, steps, seed=0, dim=5):
    vectors = np.random.default_rng(seed).normal(size=(len(ids), dim)).astype(np.float32)
    return EmbeddingTable(ids, vectors, steps)


def _like(origin, name):
    """Return the steps of vectors made like those of some steps."""
    return add_step(origin, "embed", {"like": origin[-1].id}, {"items": name})


@pytest.fixture(scope="module")
def train(toy_sequences):
    rng = np.random.default_rng(1)
    return toy_sequences([(rng.permutation(N)[:6] + 1).tolist() for _ in range(12)], N)


@pytest.fixture(scope="module", params=KINDS)
def done(request, train):
    """Return a calibration."""
    table = _table([f"i{row}" for row in range(N)], EMBED)
    return calibrate_table(table, train, KINDS[request.param], "c0ffee")


@pytest.fixture
def new():
    return _table(["z", "007", "7", "日本語"], _like(EMBED, "cd"), seed=5)


def _apply(done, new):
    return apply_table(getattr(done, "table", done), new, name="cal.h5", new_name="new.h5")


def test_the_old_rows_come_first_and_stay_as_they_are(done, new):
    merged = _apply(done, new)
    assert merged.vectors[:N].tobytes() == done.table.vectors.tobytes()
    assert merged.vectors.shape == (N + NEW, 8)


def test_the_new_rows_are_what_the_adapter_makes_of_the_new_vectors(done, new):
    wanted = map_rows(done.result.adapter, new.vectors)
    assert _apply(done, new).vectors[N:].tobytes() == wanted.tobytes()


def test_ids_keep_their_order_the_old_before_the_new(done, new):
    assert _apply(done, new).item_ids == [*done.table.item_ids, "z", "007", "7", "日本語"]


def test_an_old_item_under_a_new_name_gets_its_old_vector(done):
    again = EmbeddingTable(["twin"], _table(list("abcdefghijklmno"), []).vectors[3:4], _like(EMBED, "cd"))
    found = _apply(done, again).vectors
    np.testing.assert_allclose(found[N], found[3], atol=1e-5)


def test_new_items_are_associated_with_nothing(done, new):
    extras = _apply(done, new).extras
    parts = [extras[f"association/{part}"] for part in ("scores", "indices", "indptr")]
    assert (np.diff(parts[2]) >= 0).all()
    assert parts[2][-1] == len(parts[1])
    graph = sparse.csr_array(tuple(parts), shape=(N + NEW, N + NEW)).toarray()
    assert np.array_equal(graph[:N, :N], done.result.graph.to_csr(N).toarray())
    assert not graph[N:].any()
    assert not graph[:, N:].any()


def test_the_adapter_and_the_diagnostics_stay(done, new):
    extras = _apply(done, new).extras
    assert extras.keys() == done.table.extras.keys()
    for name, value in done.table.extras.items():
        assert name == "association/indptr" or np.array_equal(extras[name], value, equal_nan=True)


def test_the_given_tables_are_left_alone(done, new):
    before = {name: value.tobytes() for name, value in done.table.extras.items()}
    _apply(done, new)
    assert {name: value.tobytes() for name, value in done.table.extras.items()} == before


def test_provenance_is_that_of_both_and_one_step(done, new):
    steps = _apply(done, new).steps
    assert [step.id for step in steps[:-1]] == [*(s.id for s in done.table.steps), new.steps[-1].id]
    assert steps[-1].command == "calibrate"
    assert steps[-1].settings == {"apply": done.table.steps[-1].id}
    assert steps[-1].previous == new.steps[-1].id


def test_more_items_can_follow(done, new):
    merged = _apply(done, new)
    third = _table(["late"], _like(EMBED, "ef"), seed=6)
    found = _apply(merged, third)
    assert found.item_ids == [*merged.item_ids, "late"]
    assert found.vectors[: N + NEW].tobytes() == merged.vectors.tobytes()
    assert found.vectors[N + NEW :].tobytes() == map_rows(done.result.adapter, third.vectors).tobytes()
    assert len(found.extras["association/indptr"]) == N + NEW + 2
    assert found.steps[-1].settings == {"apply": merged.steps[-1].id}


def test_items_may_come_one_by_one_or_together(done, new):
    one = EmbeddingTable(new.item_ids[:1], new.vectors[:1], new.steps)
    rest = EmbeddingTable(new.item_ids[1:], new.vectors[1:], new.steps)
    both = _apply(_apply(done, one), rest)
    np.testing.assert_allclose(both.vectors, _apply(done, new).vectors, atol=1e-5)
    assert both.item_ids == _apply(done, new).item_ids


def test_an_item_that_is_calibrated_already_is_an_error_that_names_it(done):
    new = _table(["z", "i14", "i03", "i3"], _like(EMBED, "cd"))
    with pytest.raises(InputError, match="2 items are calibrated already, the first is 'i14'") as caught:
        _apply(done, new)
    assert caught.value.where == "new.h5"


def test_vectors_of_another_space_are_an_error_that_says_how_to_make_them(done):
    other = add_step([], "embed", {"dim": 5}, {"items": "other"})
    with pytest.raises(InputError, match=f"{EMBED[-1].id} is not among its steps.*genair embed --like"):
        _apply(done, _table(["z"], _like(other, "cd")))


def test_a_table_without_an_adapter_is_an_error(done, new):
    extras = {name: value for name, value in done.table.extras.items() if not name.startswith("adapter")}
    bare = EmbeddingTable(done.table.item_ids, done.table.vectors, done.table.steps, extras)
    with pytest.raises(InputError, match="has no adapter: give the file that `genair calibrate`") as caught:
        _apply(bare, new)
    assert caught.value.where == "cal.h5"


def test_an_adapter_with_a_part_missing_is_an_error(done, new):
    first = min(name for name in done.table.extras if name.startswith("adapter"))
    extras = {name: value for name, value in done.table.extras.items() if name != first}
    broken = EmbeddingTable(done.table.item_ids, done.table.vectors, done.table.steps, extras)
    with pytest.raises(InputError, match="is damaged: it is no adapter"):
        _apply(broken, new)


def test_a_table_without_a_step_of_calibration_is_an_error(done, new):
    unsaid = EmbeddingTable(done.table.item_ids, done.table.vectors, EMBED, done.table.extras)
    with pytest.raises(InputError, match="does not say how it was calibrated"):
        _apply(unsaid, new)


def test_a_space_calibrated_twice_takes_no_vectors_that_were_not_calibrated_once(train):
    """Of equal size, they would go through the second adapter, which never saw such vectors."""
    first = calibrate_table(
        _table([f"i{row}" for row in range(N)], EMBED), train, replace(SOLVED, dim=5), "c0ffee"
    )
    second = calibrate_table(first.table, train, SOLVED, "c0ffee")
    new = _table(["z"], _like(EMBED, "cd"))
    assert _apply(first, new).vectors.shape == (N + 1, 5)
    with pytest.raises(InputError, match=f"{first.table.steps[-1].id} is not among its steps"):
        _apply(second, new)


def test_a_space_calibrated_once_takes_no_vectors_that_were_calibrated_already(done):
    """Of equal size, they would go through the adapter a second time."""
    steps = add_step(_like(EMBED, "cd"), "calibrate", {"dim": 5}, {"interactions": "c0ffee"})
    with pytest.raises(InputError, match=f"another space, {steps[-1].id} calibrated them already"):
        _apply(done, _table(["z"], steps))


def test_vectors_of_a_size_that_the_adapter_does_not_take_are_an_error(done):
    with pytest.raises(InputError, match=r"its vectors have 6 numbers, the adapter of cal\.h5 takes 5"):
        _apply(done, _table(["z"], _like(EMBED, "cd"), dim=6))


def test_a_row_that_is_no_number_is_laid_to_the_files_not_to_settings(done, new):
    extras = {
        name: np.full_like(value, np.nan) if name.startswith("adapter") else value
        for name, value in done.table.extras.items()
    }
    broken = EmbeddingTable(done.table.item_ids, done.table.vectors, done.table.steps, extras)
    with pytest.raises(InputError, match=r"zero or not finite: cal\.h5 or new\.h5 is damaged"):
        _apply(broken, new)
