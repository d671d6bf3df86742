"""The solution in closed form, against a dense eigenproblem, and what must not matter to it."""

import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import linalg

from genair.calibrate.fit import map_rows
from genair.calibrate.spectral import solve
from genair.config import SpectralConfig
from genair.data.association import Pairs
from genair.errors import InputError

N, Z, GAMMA = 60, 5, 4.0


def _vectors(items=N, dim=Z, seed=0):
    return np.random.default_rng(seed).normal(size=(items, dim)).astype(np.float32)


def _graph(items=N, pairs=150, seed=1):
    rng = np.random.default_rng(seed)
    ends = np.unique(np.sort(rng.integers(0, items, (pairs, 2)), axis=1), axis=0)
    ends = ends[ends[:, 0] < ends[:, 1]]
    return Pairs(ends[:, 0], ends[:, 1], rng.uniform(0.1, 1, len(ends)))


def _pair(*ends):
    found = np.asarray(ends, dtype=np.int64)
    return Pairs(found[:, 0], found[:, 1], np.ones(len(found)))


def _solve(vectors, pairs, dim=8, seed=0, **settings):
    config = SpectralConfig(**{"features": 12, "ridge": 0.1, "power": 0.75, **settings})
    return solve(torch.from_numpy(vectors), pairs, dim, GAMMA, seed, config)


def _directions(adapter):
    return adapter.output.detach().numpy().astype(np.float64)


def _eigenproblem(adapter, vectors, pairs, ridge):
    """Return (F, M, C + ridge t p / n I) of the module's words; H alone is taken from the adapter."""
    wide = vectors.astype(np.float64)
    deviation = wide.std(axis=0)
    x = (wide - wide.mean(axis=0)) / (deviation + 1e-3 * deviation.max())
    rows = np.concatenate([x, np.maximum(x @ adapter.hidden.numpy().astype(np.float64), 0)], axis=1)
    rows -= rows.mean(axis=0)
    pull = np.zeros((len(wide), len(wide)))
    for i, j, score in zip(pairs.rows, pairs.columns, pairs.scores, strict=True):
        pull[i, j] = pull[j, i] = 1 - math.exp(-GAMMA * score)
    degrees = pull.sum(axis=1) + 10 * pull.sum(axis=1).mean()
    agreement = rows.T @ (pull / np.sqrt(np.outer(degrees, degrees))) @ rows / len(wide)
    spread = rows.T @ rows / len(wide)
    cost = spread + ridge * np.trace(spread) / len(rows) * np.eye(len(spread))
    return rows, agreement, cost


@pytest.mark.parametrize("power", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("ridge", [1e-3, 0.1, 5.0])
def test_it_is_the_solution_of_the_dense_eigenproblem(ridge, power):
    vectors, pairs = _vectors(), _graph()
    adapter = _solve(vectors, pairs, ridge=ridge, power=power)
    rows, agreement, cost = _eigenproblem(adapter, vectors, pairs, ridge)
    values, wanted = linalg.eigh(agreement, cost)
    values, wanted = values[:-9:-1], wanted[:, :-9:-1]
    wanted = wanted * np.maximum(values / values[0], 0.01) ** power
    found = _directions(adapter)
    signs = np.sign((found * wanted).sum(axis=0))
    np.testing.assert_allclose(found, wanted * signs, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
    with torch.no_grad():
        mapped = adapter(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(mapped, rows @ (wanted * signs), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("behind", [0, 1, 4])
def test_no_direction_is_better_than_the_one_found(behind):
    """Nor than the next one found, of those that differ from the found ones before it."""
    vectors, pairs = _vectors(), _graph()
    adapter = _solve(vectors, pairs, power=0.0)
    _, agreement, cost = _eigenproblem(adapter, vectors, pairs, 0.1)
    found = _directions(adapter)
    far = np.random.default_rng(0).normal(size=(2000, len(cost)))
    near = found[:, behind] + 0.05 * np.linalg.norm(found[:, behind]) * far
    others = np.concatenate([far, near]).T
    before = found[:, :behind]
    others -= before @ (before.T @ cost @ others)

    def worth(directions):
        return (directions * (agreement @ directions)).sum(axis=0) / (directions * (cost @ directions)).sum(
            axis=0
        )

    best = worth(found[:, behind : behind + 1]).item()
    tried = worth(others)
    assert tried.max() < best + 1e-5
    assert tried.max() > best - 0.05  # what is tried comes near it


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 5.0])
def test_spread_and_cost_of_weight_are_one_for_every_direction(ridge):
    vectors, pairs = _vectors(), _graph()
    adapter = _solve(vectors, pairs, ridge=ridge, power=0.0)
    _, _, cost = _eigenproblem(adapter, vectors, pairs, ridge)
    found = _directions(adapter)
    np.testing.assert_allclose(found.T @ cost @ found, np.eye(8), atol=1e-3)


def test_the_more_weight_costs_the_less_the_pairs_learned_from_agree():
    vectors, pairs = _vectors(), _graph()
    agreements = []
    for ridge in (1e-3, 0.1, 10.0):
        mapped = map_rows(_solve(vectors, pairs, features=40, ridge=ridge), vectors)
        agreements.append(float((mapped[pairs.rows] * mapped[pairs.columns]).sum(axis=1).mean()))
    assert agreements[0] > agreements[1] > agreements[2]


@torch.no_grad()
@pytest.mark.parametrize(("features", "linear"), [(0, True), (12, False)])
def test_without_random_features_the_map_is_linear(features, linear):
    vectors = _vectors()
    adapter = _solve(vectors, _graph(), dim=4, features=features)
    one, other = torch.from_numpy(vectors[:20]), torch.from_numpy(vectors[20:40])
    between = (adapter(one) + adapter(other)) / 2
    assert torch.allclose(adapter((one + other) / 2), between, atol=1e-4) == linear


def test_directions_count_by_a_power_of_what_they_are_worth():
    vectors, pairs = _vectors(), _graph()
    flat, once, thrice = (_directions(_solve(vectors, pairs, power=p)) for p in (0.0, 1.0, 3.0))
    ratio = np.linalg.norm(once, axis=0) / np.linalg.norm(flat, axis=0)
    assert (np.diff(ratio) < 0).all()
    assert 0 < ratio[-1] < ratio[0] <= 1
    np.testing.assert_allclose(thrice, flat * ratio**3, rtol=1e-3, atol=1e-6)


def test_with_all_directions_products_of_vectors_are_what_the_features_tell_of_the_graph():
    """Power 1/2: F B F^T with B the fit of A / its best by features, less what is negative in it."""
    vectors, pairs = _vectors(), _graph()
    adapter = _solve(vectors, pairs, dim=17, power=0.5)
    rows, agreement, cost = _eigenproblem(adapter, vectors, pairs, 0.1)
    values, directions = linalg.eigh(agreement, cost)
    fit = np.linalg.solve(cost, np.linalg.solve(cost, agreement).T) / values[-1]
    values = values / values[-1]
    low = directions[:, values < 0.01]
    lifted = fit + (low * (0.01 - values[values < 0.01])) @ low.T
    with torch.no_grad():
        mapped = adapter(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(mapped @ mapped.T, rows @ lifted @ rows.T, rtol=1e-2, atol=1e-3)


def test_of_a_tau_so_high_that_degrees_no_longer_count_directions_still_count_by_their_worth():
    vectors, pairs = _vectors(), _graph()
    high, higher = (_directions(_solve(vectors, pairs, power=0.75, tau=tau)) for tau in (1e9, 1e12))
    lengths = np.linalg.norm(high, axis=0)
    assert lengths[-1] < 0.9 * lengths[0]
    np.testing.assert_allclose(np.linalg.norm(higher, axis=0), lengths, rtol=1e-3)


def test_where_behaviour_agrees_with_no_direction_all_count_alike():
    """Two items that all users have are both ends of the only direction."""
    vectors, pairs = _vectors(2), _pair((0, 1))
    flat, scaled = (_directions(_solve(vectors, pairs, power=p)) for p in (0.0, 0.75))
    np.testing.assert_allclose(scaled, flat * 0.01**0.75, rtol=1e-5)
    assert np.abs(scaled).max() > 0


def test_equal_items_get_equal_vectors():
    vectors = np.concatenate([_vectors(30), _vectors(30)])
    found = map_rows(_solve(vectors, _graph()), vectors)
    np.testing.assert_allclose(found[:30], found[30:], atol=1e-6)


def test_items_without_behaviour_get_vectors_of_their_own():
    vectors = _vectors()
    found = map_rows(_solve(vectors, _pair((0, 1), (1, 2))), vectors)
    assert np.isfinite(found).all()
    assert len(np.unique(found.round(4), axis=0)) == N


@pytest.mark.parametrize(
    ("items", "dim", "features", "kept"), [(60, 8, 12, 8), (60, 99, 12, 17), (60, 99, 0, 5), (7, 99, 12, 6)]
)
def test_there_are_no_more_directions_than_asked_for_features_or_items(items, dim, features, kept):
    adapter = _solve(_vectors(items), _graph(items), dim=dim, features=features)
    assert adapter.output.shape == (Z + min(features, items), kept)  # at most one an item


def test_fewer_directions_are_the_first_of_more():
    few, more = (_directions(_solve(_vectors(), _graph(), dim=dim)) for dim in (3, 8))
    np.testing.assert_allclose(few, more[:, :3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [{"features": 12}, {"features": 0}])
def test_the_same_input_gives_the_same_bytes(config):
    one, other = (_directions(_solve(_vectors(), _graph(), **config)).tobytes() for _ in range(2))
    assert one == other


_THREADS = """
import hashlib, sys
import numpy as np
import torch
from genair.calibrate.fit import map_rows
from genair.calibrate.spectral import solve
from genair.config import SpectralConfig
from genair.data.association import Pairs
from genair.errors import InputError

rng = np.random.default_rng(0)
vectors = rng.normal(size=(5000, 40)).astype(np.float32)
rows = rng.integers(0, 4900, 20000)
pairs = Pairs(rows, rows + rng.integers(1, 100, 20000), rng.uniform(0.1, 1, 20000))
found = map_rows(solve(torch.from_numpy(vectors), pairs, 32, 4.0, 0, SpectralConfig(features=150)), vectors)
print(torch.get_num_threads(), hashlib.sha256(found.tobytes()).hexdigest())
"""


def test_the_number_of_threads_does_not_change_a_byte():
    said = {}
    for threads in ("1", "2"):
        numbers = {f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL")}
        words = [sys.executable, "-c", _THREADS]
        done = subprocess.run(words, env=os.environ | numbers, capture_output=True, text=True, check=True)
        count, said[threads] = done.stdout.split()
        assert count == threads
    assert len(said["1"]) == len(hashlib.sha256().hexdigest())
    assert said["1"] == said["2"]


def test_the_last_items_behaviour_counts():
    vectors = _vectors()
    near, far = (map_rows(_solve(vectors, _pair((0, 1), (n, N - 1)), features=40), vectors) for n in (5, 9))
    assert near[N - 1] @ near[5] > far[N - 1] @ far[5]
    assert near[N - 1] @ near[9] < far[N - 1] @ far[9]


def test_two_items_are_enough():
    vectors = _vectors(2)
    found = map_rows(_solve(vectors, _pair((0, 1))), vectors)
    assert found.shape == (2, 1)
    assert np.abs(found).tolist() == [[1], [1]]


def test_items_differ_along_every_direction_however_few_they_are():
    vectors = _vectors(6)
    pairs = _pair(
        *((one, other) for one in range(6) for other in range(one))
    )  # all pull: every value is below 0
    adapter = _solve(vectors, pairs, dim=5)
    with torch.no_grad():
        columns = adapter(torch.from_numpy(vectors)).numpy().std(axis=0)
    assert columns.shape == (5,)
    assert columns.min() > 1e-3  # roundings are 1e-6


def test_equal_vectors_give_numbers():
    adapter = _solve(np.full((5, Z), 0.25, np.float32), _pair((0, 1)))
    assert np.isfinite(_directions(adapter)).all()


@pytest.mark.parametrize("factor", [1e-3, 250.0])
def test_the_scale_of_the_vectors_does_not_matter(factor):
    vectors, pairs = _vectors(), _graph()
    wanted = map_rows(_solve(vectors, pairs), vectors)
    scaled = (factor * vectors).astype(np.float32)
    np.testing.assert_allclose(map_rows(_solve(scaled, pairs), scaled), wanted, atol=1e-3)


@pytest.mark.parametrize(("features", "same"), [(0, True), (12, False)])
def test_the_order_of_columns_matters_to_random_features_only(features, same):
    vectors, pairs = _vectors(), _graph()
    turned = np.ascontiguousarray(vectors[:, ::-1])
    one = map_rows(_solve(vectors, pairs, features=features), vectors)
    other = map_rows(_solve(turned, pairs, features=features), turned)
    assert np.allclose(one @ one.T, other @ other.T, atol=1e-3) == same


def test_the_seed_chooses_the_random_features_and_nothing_else():
    vectors, pairs = _vectors(), _graph()
    one, other = (_directions(_solve(vectors, pairs, seed=seed)) for seed in (0, 1))
    assert not np.allclose(one, other)
    one, other = (_directions(_solve(vectors, pairs, seed=seed, features=0)) for seed in (0, 1))
    assert one.tobytes() == other.tobytes()


def test_a_ridge_below_the_roundings_of_vectors_along_few_directions_is_an_error():
    """Features of two numbers are no 400 directions in float32."""
    with pytest.raises(InputError, match="--ridge is too small for these vectors"):
        _solve(_vectors(1500, 2), _graph(1500), ridge=1e-9, features=400)
