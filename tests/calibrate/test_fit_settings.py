"""Every setting of calibration changes the result where it applies, and nothing where it does not."""

from dataclasses import fields, replace

import numpy as np
import pytest

from genair.calibrate.fit import calibrate
from genair.config import STOP_ON, CalibrateConfig, DescentConfig, GraphConfig, SpectralConfig
from genair.data import SCORES
from genair.data.sequences import leave_two_out

GRAPH, FEW = GraphConfig(window=0, score="log"), SpectralConfig(features=50, ridge=0.1, power=0.75)
STEPS = DescentConfig(steps=15, learning_rate=5e-3, stop_on="none")
SOLVED = CalibrateConfig(dim=8, graph=GRAPH, spectral=FEW, descent=STEPS)
DESCENT = replace(SOLVED, objective="alignment")
RESIDUAL = replace(DESCENT, descent=replace(STEPS, adapter="residual"))

_CHANGES = {
    "objective": "paper",
    "dim": 9,
    "gamma": 1.0,
    "holdout": 0.3,
    "seed": 1,
    "graph": GraphConfig(window=0, score="cosine"),
    "spectral": SpectralConfig(features=40),
    "descent": replace(STEPS, steps=16),
}
_GRAPHS = {"window": 1, "min_count": 2, "user_norm": "size", "score": "jaccard", "max_pairs": 200}
_SOLUTIONS = {"features": 40, "tau": 0.0, "ridge": 1.0, "power": 1.0}
_DESCENTS = {
    "adapter": "mlp",
    "hold": 5.0,
    "steps": 16,
    "learning_rate": 1e-3,
    "batch_items": 40,
}
_STOPS = {"stop_on": "ndcg", "patience": 10}
_WATCHED = [name for name in STOP_ON if name != "none"]
_IDLE = {"solved": (SOLVED, {"descent"}), "mlp": (DESCENT, {"spectral"}), "residual": (RESIDUAL, set())}


def _vectors(config, world, valid=None):
    return calibrate(*world, config, None, valid).vectors


def test_every_setting_is_tried():
    tried = {
        CalibrateConfig: _CHANGES,
        GraphConfig: _GRAPHS,
        SpectralConfig: _SOLUTIONS,
        DescentConfig: {**_DESCENTS, **_STOPS},
    }
    of_the_stage = {"split"}  # tests/calibrate/test_stage.py
    for kind, changes in tried.items():
        assert set(changes) == {field.name for field in fields(kind)} - of_the_stage


@pytest.mark.parametrize("base", _IDLE)
@pytest.mark.parametrize("name", _CHANGES)
def test_a_setting_changes_the_result_where_it_applies_and_only_there(name, base, toy_clusters):
    config, idle = _IDLE[base]
    changed = _vectors(replace(config, **{name: _CHANGES[name]}), toy_clusters)
    assert np.array_equal(changed, _vectors(config, toy_clusters)) == (name in idle)


@pytest.mark.parametrize("base", _IDLE)
@pytest.mark.parametrize("name", _CHANGES)
def test_a_setting_is_recorded_where_it_applies_and_only_there(name, base):
    config, idle = _IDLE[base]
    changed = replace(config, **{name: _CHANGES[name]})
    assert (changed.settings() == config.settings()) == (name in idle)


def test_an_objective_of_descent_is_another_than_the_solution(toy_clusters):
    assert not np.array_equal(_vectors(DESCENT, toy_clusters), _vectors(SOLVED, toy_clusters))


@pytest.mark.parametrize("base", [SOLVED, DESCENT], ids=["solved", "mlp"])
@pytest.mark.parametrize("name", _GRAPHS)
def test_every_setting_of_the_graph_changes_the_result(name, base, toy_clusters, toy_sequences):
    vectors, clusters = toy_clusters
    histories = [clusters.of(user).tolist()[user % 4 :] for user in range(len(clusters))]  # 2 to 6 items
    world = vectors, toy_sequences(histories, 80)
    changed = _vectors(replace(base, graph=replace(GRAPH, **{name: _GRAPHS[name]})), world)
    assert not np.array_equal(changed, _vectors(base, world))


@pytest.mark.parametrize("base", [SOLVED, RESIDUAL], ids=["solved", "residual"])
@pytest.mark.parametrize("name", _SOLUTIONS)
def test_every_setting_of_the_solution_changes_the_result(name, base, toy_clusters):
    spectral = replace(FEW, **{name: _SOLUTIONS[name]})
    changed = _vectors(replace(base, spectral=spectral), toy_clusters)
    assert not np.array_equal(changed, _vectors(base, toy_clusters))


@pytest.mark.parametrize("name", _DESCENTS)
def test_every_setting_of_descent_changes_the_result(name, toy_clusters):
    descent = replace(RESIDUAL.descent, **{name: _DESCENTS[name]})
    changed = _vectors(replace(RESIDUAL, descent=descent), toy_clusters)
    assert not np.array_equal(changed, _vectors(RESIDUAL, toy_clusters))


@pytest.fixture(scope="module")
def stops(toy_clusters):
    """Where the paper's loss, which helps for a while only, stops by each score and patience."""
    valid = leave_two_out(toy_clusters[1]).valid
    descent = DescentConfig(steps=60, learning_rate=0.03)
    config = replace(DESCENT, objective="paper", holdout=0.2, descent=descent)
    return {
        (stop_on, patience): calibrate(
            *toy_clusters,
            replace(config, descent=replace(descent, stop_on=stop_on, patience=patience)),
            None,
            valid,
        )
        for stop_on in STOP_ON
        for patience in (10, 50)
    }


@pytest.mark.parametrize("stop_on", _WATCHED)
def test_what_it_stops_on_changes_the_result(stop_on, stops):
    assert not np.array_equal(stops[stop_on, 10].vectors, stops["none", 10].vectors)


@pytest.mark.parametrize("stop_on", _WATCHED)
def test_the_step_that_is_kept_is_no_worse_than_the_last(stop_on, stops):
    kept, last = stops[stop_on, 50].after, stops["none", 50].after
    assert getattr(kept, stop_on) >= getattr(last, stop_on)


def test_patience_changes_where_it_stops(stops):
    assert stops["auc", 10].stop.steps < stops["auc", 50].stop.steps
    assert not np.array_equal(stops["auc", 10].vectors, stops["auc", 50].vectors)


def test_patience_changes_nothing_where_nothing_stops(stops):
    assert np.array_equal(stops["none", 10].vectors, stops["none", 50].vectors)
    assert stops["none", 10].stop.steps == 60


@pytest.mark.parametrize("base", [SOLVED, DESCENT], ids=["solved", "mlp"])
def test_each_score_gives_a_space_of_its_own(base, toy_clusters):
    graphs = [replace(GRAPH, score=score) for score in SCORES.names()]
    spaces = {_vectors(replace(base, graph=graph), toy_clusters).tobytes() for graph in graphs}
    assert len(spaces) == len(graphs)
