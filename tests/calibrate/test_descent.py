"""Descent: which step is kept, what a step sees, and where a residual adapter begins."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.calibrate.descent import Stop, descend
from genair.calibrate.fit import map_rows
from genair.calibrate.spectral import solve
from genair.config import CalibrateConfig, DescentConfig, GraphConfig, SpectralConfig
from genair.data.association import associate
from genair.errors import InputError, UsageError

BASE = CalibrateConfig("alignment", dim=8, spectral=SpectralConfig(features=30, ridge=0.1, power=0.75))
FAST = DescentConfig(steps=100, learning_rate=5e-3, stop_on="none")
NAN = float("nan")


@pytest.fixture(scope="module")
def world(toy_clusters):
    vectors, train = toy_clusters
    return torch.from_numpy(vectors), associate(train, GraphConfig(window=0, score="log"))


@pytest.fixture
def fit(world):
    """Return (vectors, stop) of descent with some settings; `watch` and `objective` are no settings."""
    vectors, graph = world

    def call(watch=None, objective="alignment", told=None, **settings):
        config = replace(BASE, objective=objective, descent=replace(FAST, **settings))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            adapter, stop = descend(vectors, graph, config, watch, told)
        return map_rows(adapter, vectors.numpy()), stop

    return call


def _worth(*values):
    """Make a watch that finds these, one a look."""
    found = iter(values)
    return lambda _: next(found)


def _rising():
    count = itertools.count()
    return lambda _: next(count)


def test_the_best_step_is_kept(fit):
    found, stop = fit(_worth(0, 1, 2, 9, 3, 8, 7), steps=60)  # at 0, 10, 20, 30, ...
    assert stop == Stop(30, 60)
    assert found.tobytes() == fit(steps=30)[0].tobytes()


def test_of_equal_steps_the_first_is_kept(fit):
    assert fit(_worth(0, 4, 4, 4), steps=30)[1] == Stop(10, 30)


def test_the_start_is_kept_where_nothing_is_better(fit):
    start = []

    def watch(unit):
        start.append(unit.numpy().copy())
        return -len(start)

    found, stop = fit(watch, steps=20)
    assert stop == Stop(0, 20)
    np.testing.assert_allclose(found, start[0], atol=1e-6)


@pytest.mark.parametrize(
    ("patience", "best", "steps"), [(1, 3, 4), (5, 15, 20), (10, 30, 40), (25, 30, 55), (50, 30, 80)]
)
def test_it_stops_after_so_many_steps_without_gain(patience, best, steps, fit):
    watch = _worth(0, 1, 2, 9, *[3] * 9)  # at every tenth step, or as often as patience asks for
    told = []
    assert fit(watch, told=told.append, patience=patience)[1] == Stop(best, steps)
    assert len(told) == steps


@pytest.mark.parametrize("steps", [1, 7, 10, 17, 20])
def test_the_last_step_is_looked_at(steps, fit):
    found, stop = fit(_rising(), steps=steps)
    assert stop == Stop(steps, steps)
    assert found.tobytes() == fit(steps=steps)[0].tobytes()


def test_no_step_is_looked_at_twice(fit):
    seen = []

    def watch(unit):
        seen.append(unit.numpy().tobytes())
        return len(seen)

    fit(watch, steps=20)
    assert len(seen) == len(set(seen)) == 3


def test_without_a_watch_all_steps_are_taken(fit):
    told = []
    assert fit(told=told.append, steps=23, patience=1)[1] == Stop(23, 23)
    assert len(told) == 23


def test_what_is_watched_is_the_unit_vectors_of_all_items(fit):
    seen = []

    def watch(unit):
        seen.append(unit.numpy().copy())
        return len(seen)

    found, _ = fit(watch, steps=10, batch_items=20)
    assert seen[0].shape == (80, 8)
    np.testing.assert_allclose(np.linalg.norm(seen[0], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(seen[-1], found, atol=1e-6)


@pytest.mark.parametrize(("learning_rate", "steps"), [(1e20, 5), (1e20, 1), (1e20, 10)])
@pytest.mark.parametrize("watched", [True, False])
def test_a_loss_or_a_vector_that_is_no_number_is_laid_to_the_learning_rate(
    learning_rate, steps, watched, fit
):
    watch = (lambda unit: unit.sum().item()) if watched else None
    said = "--learning-rate" if watched or steps > 1 else "a calibrated vector is zero or not finite"
    with pytest.raises(InputError, match=said):
        fit(watch, learning_rate=learning_rate, steps=steps)


def test_an_unknown_objective_is_an_error(fit):
    with pytest.raises(UsageError, match="unknown objective"):
        fit(objective="peace")


def _losses(fit, draws, **settings):
    """Return the losses of one space, drawn again and again: with this step nothing moves."""
    told = []
    fit(told=told.append, objective="paper", learning_rate=1e-30, steps=draws, **settings)
    return np.asarray(told)


def test_the_papers_loss_of_a_sample_is_on_average_that_of_the_catalogue(fit):
    (whole,) = _losses(fit, 1)
    drawn = _losses(fit, 800, batch_items=10)
    error = drawn.std() / len(drawn) ** 0.5
    assert drawn.mean() == pytest.approx(whole, abs=4 * error)
    assert 0 < error < 0.01 * abs(whole)


def test_every_step_draws_a_sample_of_its_own(fit):
    assert len(set(_losses(fit, 20, batch_items=10))) == 20
    assert len(set(_losses(fit, 20))) == 1


def test_the_samples_are_the_seeds(fit):
    assert np.array_equal(_losses(fit, 20, batch_items=10), _losses(fit, 20, batch_items=10))


def test_a_sample_of_items_changes_the_result(fit):
    assert not np.allclose(fit(steps=5, batch_items=40)[0], fit(steps=5)[0], atol=1e-3)


def test_two_items_are_a_sample(fit):
    assert np.isfinite(fit(steps=5, batch_items=2)[0]).all()


@pytest.mark.parametrize("batch_items", [80, 81])
def test_a_sample_of_all_items_is_the_catalogue(batch_items, fit):
    assert fit(steps=5, batch_items=batch_items)[0].tobytes() == fit(steps=5)[0].tobytes()


@pytest.mark.parametrize("adapter", ["mlp", "residual"])
def test_sampled_steps_bring_associated_items_together(adapter, fit, world):
    _, graph = world
    apart = []
    for learning_rate in (1e-30, 5e-3):  # the first moves nothing
        found, _ = fit(adapter=adapter, batch_items=40, learning_rate=learning_rate)
        near = (found[graph.rows] * found[graph.columns]).sum(axis=1).mean()
        apart.append(near - (found @ found.T).mean())
    assert apart[1] > apart[0] + 0.04


@pytest.fixture(scope="module")
def solution(world):
    vectors, graph = world
    adapter = solve(vectors, graph, BASE.dim, BASE.gamma, BASE.seed, BASE.spectral)
    return map_rows(adapter, vectors.numpy())


def test_a_residual_adapter_starts_at_the_solution_in_closed_form(fit, solution):
    found, stop = fit(_worth(1, 0), adapter="residual", steps=10)
    assert stop.best == 0
    np.testing.assert_allclose(found, solution, atol=1e-5)


def test_a_residual_adapter_leaves_its_start(fit, solution):
    assert np.abs(fit(adapter="residual", steps=50)[0] - solution).max() > 0.1


def test_the_harder_it_is_held_the_nearer_it_stays(fit, solution):
    away = [
        np.linalg.norm(fit(adapter="residual", steps=50, hold=hold)[0] - solution)
        for hold in (0.0, 1.0, 10.0, 1000.0)
    ]
    assert away[0] > 1.1 * away[1] > 1.1 * 1.1 * away[2] > away[3]


def test_a_sample_is_held_too(fit, solution):
    free, held = (
        np.linalg.norm(fit(adapter="residual", steps=30, batch_items=30, hold=hold)[0] - solution)
        for hold in (0.0, 100.0)
    )
    assert held < free / 2


def test_being_held_costs_nothing_at_the_start(fit):
    free, held = [], []
    fit(told=free.append, adapter="residual", steps=2)
    fit(told=held.append, adapter="residual", steps=2, hold=3.0)
    assert held[0] == free[0]
    assert held[1] > free[1]
