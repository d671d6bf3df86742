"""Joint training: the loss is what the formula says, and it brings together what goes together."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from genair.calibrate import OBJECTIVES
from genair.config import ITEM_ENCODERS, PAPER_GRAPH, GraphConfig, JointConfig, TrainConfig
from genair.data.association import Pairs, associate
from genair.data.sequences import leave_two_out
from genair.errors import InputError, UsageError
from genair.models import BACKBONES
from genair.models.base import MASK, build_recommender, restore_recommender
from genair.train.joint import Joint, is_estimated, make_joint
from genair.train.loop import train_model
from genair.train.losses import cross_entropy

N = 80
CPU = torch.device("cpu")
QUICK = TrainConfig(dim=8, epochs=2, max_length=6, batch_size=16, learning_rate=0.01)
HISTORIES = torch.tensor([[4, 9, 1, 0], [2, 7, 0, 0], [1, 2, 3, 4]])
TARGETS = torch.tensor([[9, 1, 5, 0], [7, 8, 0, 0], [2, 3, 4, N]])


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


def _model(config, vectors):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_recommender(config, N, vectors).eval()


def _step(model):
    """Return the item table and the recommendation loss of one small batch."""
    table = model.items.table()
    present = TARGETS != 0
    return table, cross_entropy(model.states(HISTORIES, table)[present], table, TARGETS[present])


def _add(joint, loss, table):
    return joint.add_to(loss, table, joint.draw(HISTORIES, TARGETS))


def _gradients(loss, parameters):
    return torch.autograd.grad(loss, parameters, retain_graph=True)


def _gradient(loss, table):
    return _gradients(loss, [table])[0]


def _paper_loss(table, graph, gamma):
    """Return GenAIR's loss as two loops over items find it."""
    unit = functional.normalize(table[1:], dim=1)
    weights = torch.exp(-gamma * torch.from_numpy(graph.to_csr(N).toarray())).float()
    total = sum(weights[i, j] * (unit[i] - unit[j]).pow(2).sum() for i in range(N) for j in range(N))
    return -total / (N * (N - 1))


@pytest.mark.parametrize("backbone", BACKBONES.names())
@pytest.mark.parametrize("mode", ITEM_ENCODERS)
@pytest.mark.parametrize("items", [0, 30, None])
def test_the_ratio_of_gradients_at_the_first_step_is_what_was_asked_for(
    backbone, mode, items, graph, vectors
):
    model = _model(replace(QUICK, backbone=backbone, items=mode), vectors)
    table, loss = _step(model)
    total = _add(Joint(graph, N, JointConfig(weight=0.3, items=items), 0), loss, table)
    alone = _gradient(loss, table)
    added = _gradient(total, table) - alone
    assert float(added.norm() / alone.norm()) == pytest.approx(0.3, rel=1e-3)


def test_alpha_is_the_weight_of_the_papers_loss(graph, vectors):
    model = _model(QUICK, vectors)
    table, loss = _step(model)
    joint = Joint(graph, N, JointConfig(alpha=7.0, gamma=3.0, items=0), 0)
    wanted = loss + 7.0 * _paper_loss(table, graph, 3.0)
    found = _add(joint, loss, table)
    parameters = list(model.items.parameters())
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)
    for one, other in zip(*(_gradients(total, parameters) for total in (found, wanted)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))
    assert joint.alpha == 7.0


def test_samples_have_the_whole_catalogues_loss_on_average(graph):
    """In this table the graph matters: items of one cluster are near, and only these are associated."""
    noise = torch.randn(N, 4, generator=torch.Generator().manual_seed(0))
    table = torch.cat([torch.zeros(1, 4), torch.eye(4).repeat(N // 4, 1) + 0.1 * noise])
    joint = Joint(graph, N, JointConfig(alpha=1.0, gamma=9.0, items=20), 0)
    found = np.asarray([_add(joint, torch.zeros(()), table).item() for _ in range(300)])
    error = found.std() / np.sqrt(len(found))
    assert 0 < error < 0.01
    assert found.mean() == pytest.approx(_paper_loss(table, graph, 9.0).item(), abs=4 * error)


def test_a_step_calibrates_its_own_items_each_once_and_the_pairs_among_them(graph, vectors):
    table, _ = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(alpha=1.0, gamma=9.0), 0)
    masked = torch.where(HISTORIES == 1, MASK, HISTORIES)
    sample = joint.draw(masked, TARGETS)
    own = [1, 2, 3, 4, 5, 7, 8, 9, N]
    assert sample.items.tolist() == own
    unit = functional.normalize(table[own], dim=1)
    weights = torch.exp(-9.0 * torch.from_numpy(graph.to_csr(N).toarray())).float()
    total = sum(
        weights[own[i] - 1, own[j] - 1] * (unit[i] - unit[j]).pow(2).sum() for i in range(9) for j in range(9)
    )
    assert (weights[[[i - 1] for i in own], [i - 1 for i in own]] < 1).any()
    assert _add(joint, torch.zeros(()), table).item() == pytest.approx(-total.item() / (9 * 8), rel=1e-5)


def test_a_step_with_a_single_item_calibrates_nothing(graph, vectors, split):
    assert (
        Joint(graph, N, JointConfig(alpha=1.0), 0).draw(torch.tensor([[5, 5, 0]]), torch.tensor([5])) is None
    )
    one = _train(split, vectors, JointConfig(alpha=3.0), max_length=1, batch_size=1, epochs=1)
    assert np.isfinite(one.curves()["calibration_loss"]).all()


def test_the_weight_is_measured_anew_now_and_then_and_follows_half_way(graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(weight=0.3, items=0), 0)
    _add(joint, loss, table)
    first = joint.alpha
    for _ in range(2):  # at the third step nothing is measured
        _add(joint, 4 * loss, table)
        assert joint.alpha == pytest.approx(2 * first, rel=1e-5)
    assert [step for step in range(151) if is_estimated(step)] == [0, 1, 3, 7, 15, 31, 50, 100, 150]


@pytest.mark.parametrize("objective", OBJECTIVES.names())
@pytest.mark.parametrize("items", [2, 30, None])
def test_a_sample_without_a_pair_is_no_harm(objective, items, vectors):
    one = Pairs(np.asarray([3]), np.asarray([5]), np.ones(1))
    table, loss = _step(_model(QUICK, vectors))
    joint = Joint(one, N, JointConfig(weight=0.1, objective=objective, items=items), 1)
    assert torch.isfinite(_gradient(_add(joint, loss, table), table)).all()
    assert np.isfinite(list(joint.end_epoch().values())).all()


def test_an_epoch_tells_the_mean_of_its_own_losses(graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(alpha=2.0, items=20), 0)
    for _ in range(2):
        added = [(_add(joint, loss, table) - loss).item() / 2 for _ in range(3)]
        assert joint.end_epoch() == {
            "alpha": 2.0,
            "calibration_loss": pytest.approx(np.mean(added), abs=1e-5),
        }


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
    "graph": replace(_BASE, graph=GraphConfig(window=1)),
}


@pytest.fixture(scope="module")
def joined(split, vectors):
    return _train(split, vectors, _BASE)


def test_every_setting_is_tried():
    assert _CHANGES.keys() == {field.name for field in fields(JointConfig)}


@pytest.mark.parametrize("name", _CHANGES)
def test_every_setting_changes_the_weights(name, split, vectors, joined):
    assert _bytes(_train(split, vectors, _CHANGES[name])) != _bytes(joined)


def test_the_same_seed_trains_the_same_bytes_and_another_does_not(split, vectors):
    asked = JointConfig(weight=0.5, objective="contrastive", items=30)
    one, two = (_train(split, vectors, asked) for _ in range(2))
    assert _bytes(one) == _bytes(two)
    assert one.epochs == two.epochs
    assert _bytes(_train(split, vectors, asked, seed=1)) != _bytes(one)


def test_another_seed_samples_other_items(graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    one, two, three = (
        _add(Joint(graph, N, JointConfig(alpha=1.0, items=30), seed), loss, table).item()
        for seed in (0, 0, 1)
    )
    assert one == two != three


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
    assert joined.best.words().endswith(", alpha 3")


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
    [JointConfig(), _BASE, JointConfig(weight=0.2, graph=GraphConfig(window=3, user_norm="size"))],
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
