"""Training with calibration in the loss: what it does to the weights, what is told, what is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from genair.calibrate import OBJECTIVES
from genair.config import ITEM_ENCODERS, PAPER_GRAPH, JointConfig, JointGraphConfig, TrainConfig
from genair.data.association import associate
from genair.data.sequences import leave_two_out
from genair.errors import InputError, UsageError
from genair.models.base import restore_recommender
from genair.train.joint import make_joint
from genair.train.loop import train_model

N = 80
CPU = torch.device("cpu")
QUICK = TrainConfig(dim=8, epochs=2, max_length=6, batch_size=16, learning_rate=0.01)


@pytest.fixture(scope="module")
def vectors(toy_clusters):
    return torch.from_numpy(toy_clusters[0])


@pytest.fixture(scope="module")
def split(toy_clusters):
    return leave_two_out(toy_clusters[1], keep_seen=True)


@pytest.fixture(scope="module")
def graph(split):
    return associate(split.train, PAPER_GRAPH)


def _train(split, vectors, joint=None, **others):
    config = replace(QUICK, joint=joint or JointConfig(), **others)
    return train_model(split, vectors, config, CPU, [].append)


def _bytes(run):
    return {name: weight.tobytes() for name, weight in run.weights.items()}


@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_associated_items_come_nearer_than_without(mode, split, graph, vectors):
    joint = JointConfig(weight=3.0, objective="alignment", items=0)
    plain, joined = (
        _auc(_train(split, vectors, asked, items=mode, epochs=20, learning_rate=0.003), graph, mode)
        for asked in (JointConfig(), joint)
    )
    assert 1 - joined < 0.6 * (1 - plain)


@pytest.mark.parametrize("objective", OBJECTIVES.names())
def test_the_calibration_loss_falls(objective, split, vectors):
    asked = JointConfig(weight=1.0, objective=objective, items=40)
    told = _train(split, vectors, asked, epochs=4).curves()["calibration_loss"]
    assert told[-1] < told[0]


def _auc(run, graph, mode):
    """Return how often an associated pair's cosine is above another pair's."""
    model = restore_recommender(replace(QUICK, items=mode).settings(), run.weights, N)
    with torch.no_grad():
        unit = functional.normalize(model.items.table()[1:], dim=1)
    upper = np.triu_indices(N, 1)
    cosines = (unit @ unit.T).numpy()[upper]
    associated = graph.to_csr(N).toarray()[upper] > 0
    return float((cosines[associated][:, None] > cosines[~associated]).mean())


_BASE = JointConfig(alpha=3.0, items=30)
_CHANGES = {
    "weight": JointConfig(weight=0.3, items=30),
    "alpha": replace(_BASE, alpha=30.0),
    "objective": replace(_BASE, objective="alignment"),
    "gamma": replace(_BASE, gamma=0.5),
    "items": replace(_BASE, items=None),
    "graph": replace(_BASE, graph=JointGraphConfig(window=1)),
}
_GRAPHS = {
    "window": JointGraphConfig(window=2),
    "min_count": JointGraphConfig(min_count=2),
    "user_norm": JointGraphConfig(user_norm="size"),
    "score": JointGraphConfig(score="ppmi"),
    "max_pairs": JointGraphConfig(max_pairs=80),
}


@pytest.fixture(scope="module")
def joined(split, vectors):
    return _train(split, vectors, _BASE)


def test_every_setting_is_tried():
    assert _CHANGES.keys() == {field.name for field in fields(JointConfig)}
    assert _GRAPHS.keys() == {field.name for field in fields(JointGraphConfig)}


@pytest.mark.parametrize("name", _CHANGES)
def test_every_setting_changes_the_weights(name, split, vectors, joined):
    assert _bytes(_train(split, vectors, _CHANGES[name])) != _bytes(joined)


@pytest.mark.parametrize("name", _GRAPHS)
def test_every_setting_of_the_graph_changes_the_weights(name, split, vectors, joined):
    assert _bytes(_train(split, vectors, replace(_BASE, graph=_GRAPHS[name]))) != _bytes(joined)


def test_pairs_over_the_cap_are_counted(split, vectors, joined):
    assert joined.dropped == 0
    cut = replace(_BASE, graph=JointGraphConfig(max_pairs=80))
    assert _train(split, vectors, cut).dropped == len(associate(split.train, PAPER_GRAPH)) - len(
        associate(split.train, cut.graph)
    )
    assert _train(split, vectors, cut, refit=True).dropped > 0


def test_steps_with_a_single_item_train_and_are_not_counted(toy_sequences, vectors):
    split = leave_two_out(toy_sequences([[1, 1, 1, 2, 4], [3, 3, 3, 5, 6], [1, 3, 2, 7]], N))
    alone = _train(split, vectors, JointConfig(alpha=3.0), batch_size=1)
    assert np.isfinite(alone.curves()["calibration_loss"]).all()
    assert _bytes(alone) != _bytes(_train(split, vectors, batch_size=1))


def test_the_same_seed_trains_the_same_bytes_and_another_does_not(split, vectors):
    asked = JointConfig(weight=0.5, objective="contrastive", items=30)
    one, two = (_train(split, vectors, asked) for _ in range(2))
    assert _bytes(one) == _bytes(two)
    assert one.epochs == two.epochs
    assert _bytes(_train(split, vectors, asked, seed=1)) != _bytes(one)


def test_a_vanishing_weight_trains_the_bytes_of_no_joint_training(split, vectors):
    """The sample's random numbers are its own: batches, weights and dropout stay as they were."""
    plain = _train(split, vectors)
    for items in (30, None):
        assert _bytes(_train(split, vectors, JointConfig(alpha=1e-30, items=items))) == _bytes(plain)


def test_without_joint_training_nothing_is_told_of_it(split, vectors):
    run = _train(split, vectors)
    assert run.curves().keys() == {"loss", "valid_ndcg"}
    assert "alpha" not in run.best.words()
    assert "joint" not in QUICK.settings()


def test_joint_training_tells_its_weight_and_its_loss(joined):
    curves = joined.curves()
    assert curves["alpha"].tolist() == [3.0, 3.0]
    assert curves["calibration_loss"].tolist() == [row.calibration_loss for row in joined.epochs]
    assert all(-4 < loss < 0 for loss in curves["calibration_loss"])
    ratios = [row.gradient_ratio for row in joined.epochs]
    np.testing.assert_array_equal(curves["gradient_ratio"], np.asarray(ratios, dtype=float))
    assert ratios[0] > 0
    assert f", alpha 3, gradient ratio {ratios[0]:.3g}" in joined.epochs[0].words()


def test_the_loss_told_is_that_of_recommendation(split, vectors, joined):
    plain = _train(split, vectors)
    assert joined.epochs[0].loss == pytest.approx(plain.epochs[0].loss, abs=0.5)


def test_validation_and_test_events_do_not_enter(toy_clusters, toy_sequences, vectors):
    _, log = toy_clusters
    histories = [log.of(user).tolist() for user in range(len(log))]
    others = [[*history[:-2], *(1 + (item + 7) % N for item in history[-2:])] for history in histories]
    one, other = (
        _train(leave_two_out(toy_sequences(events, N)), vectors, JointConfig(weight=1.0), epochs=1)
        for events in (histories, others)
    )
    assert one.best.valid_ndcg != other.best.valid_ndcg
    assert _bytes(one) == _bytes(other)


def test_without_associated_items_joint_training_is_an_error_and_plain_training_is_not(
    toy_sequences, vectors
):
    split = leave_two_out(toy_sequences([[1, 1, 2, 4], [3, 3, 5, 6]], N))
    with pytest.raises(InputError, match="no two items are associated in the training events"):
        _train(split, vectors, JointConfig(weight=0.1))
    assert _train(split, vectors).best.epoch


def test_a_weight_that_overflows_is_an_error(split, vectors):
    with pytest.raises(
        InputError, match=r"not finite in epoch 1: calibration weighs too much: lower --alpha$"
    ):
        _train(split, vectors, JointConfig(alpha=1e39), epochs=1)


def test_an_unknown_objective_is_refused(split):
    config = replace(QUICK, joint=JointConfig(alpha=1.0, objective="peace"))
    with pytest.raises(UsageError, match="unknown objective 'peace'"):
        make_joint(split.train, config)


@pytest.mark.parametrize(
    "joint",
    [JointConfig(), _BASE, JointConfig(weight=0.2, graph=JointGraphConfig(window=3, user_norm="size"))],
)
def test_settings_come_back_from_json(joint):
    config = replace(QUICK, joint=joint)
    assert TrainConfig.from_settings(json.loads(json.dumps(config.settings()))) == config


def test_a_model_from_before_joint_training_is_read(split, vectors, joined):
    settings = {key: value for key, value in QUICK.settings().items() if key != "joint"}
    old = restore_recommender(settings, joined.weights, N)
    new = restore_recommender(replace(QUICK, joint=_BASE).settings(), joined.weights, N)
    with torch.no_grad():
        assert torch.equal(old.items.table(), new.items.table())
