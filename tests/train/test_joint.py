"""What joint training adds to a step: the loss of the formula, of the right items, with the wanted weight."""

from dataclasses import replace
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from torch.nn import functional

from genair.calibrate import OBJECTIVES
from genair.config import ITEM_ENCODERS, PAPER_GRAPH, JointConfig, TrainConfig
from genair.data.association import Pairs, associate
from genair.data.sequences import leave_two_out
from genair.models import BACKBONES
from genair.models.base import MASK, build_recommender
from genair.train.joint import Joint, is_estimated
from genair.train.losses import cross_entropy

N = 80
QUICK = TrainConfig(dim=8, max_length=6)
HISTORIES = torch.tensor([[4, 9, 1, 0], [2, 7, 0, 0], [1, 2, 3, 4]])
TARGETS = torch.tensor([[9, 1, 5, 0], [7, 8, 0, 0], [2, 3, 4, N]])


@pytest.fixture(scope="module")
def vectors(toy_clusters):
    return torch.from_numpy(toy_clusters[0])


@pytest.fixture(scope="module")
def graph(toy_clusters):
    return associate(leave_two_out(toy_clusters[1], keep_seen=True).train, PAPER_GRAPH)


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


def _paper_loss(table, graph, gamma, own=range(1, N + 1)):
    """Return GenAIR's loss of some items as two loops over them find it."""
    unit = functional.normalize(table, dim=1)
    weights = torch.exp(-gamma * torch.from_numpy(graph.to_csr(N).toarray())).float()
    total = sum(weights[i - 1, j - 1] * (unit[i] - unit[j]).pow(2).sum() for i in own for j in own)
    return -total / (len(own) * (len(own) - 1))


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
    table = torch.cat([torch.zeros(1, 4), torch.eye(4).repeat(N // 4, 1) + 0.1 * noise]).requires_grad_()
    joint = Joint(graph, N, JointConfig(alpha=1.0, gamma=9.0, items=20), 0)
    found = np.asarray([_add(joint, 0 * table.sum(), table).item() for _ in range(300)])
    error = found.std() / np.sqrt(len(found))
    assert 0 < error < 0.01
    assert found.mean() == pytest.approx(_paper_loss(table, graph, 9.0).item(), abs=4 * error)


def test_a_step_calibrates_its_own_items_each_once_and_the_pairs_among_them(graph, vectors):
    table, _ = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(alpha=1.0, gamma=9.0), 0)
    masked = torch.where(HISTORIES == 1, MASK, HISTORIES)
    sample, own = joint.draw(masked, TARGETS), [1, 2, 3, 4, 5, 7, 8, 9, N]
    assert sample.items.tolist() == own
    wanted, other = (_paper_loss(table, graph, gamma, own).item() for gamma in (9.0, 0.5))
    assert abs(wanted - other) > 1e-3  # some of these items are associated
    assert joint.add_to(0 * table.sum(), table, sample).item() == pytest.approx(wanted, rel=1e-5)


def test_a_step_with_a_single_item_has_nothing_to_calibrate(graph):
    joint = Joint(graph, N, JointConfig(alpha=1.0), 0)
    assert joint.draw(torch.tensor([[5, 5, 0]]), torch.tensor([5])) is None


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
    told = joint.end_epoch()
    assert np.isfinite([told["alpha"], told["calibration_loss"]]).all()


def test_a_weight_that_could_not_be_measured_is_measured_at_the_next_step(graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(weight=0.3, items=0), 0)
    joint.add_to(loss, table, joint.draw()._replace(objective=lambda unit, _: 0 * unit.sum()))
    joint.steps = 2  # when none is due
    assert joint.alpha == 0
    _add(joint, loss, table)
    assert joint.alpha > 0


def test_an_epoch_tells_the_mean_of_its_own_losses(graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(alpha=2.0, items=20), 0)
    for _ in range(2):
        added = [(_add(joint, loss, table) - loss).item() / 2 for _ in range(3)]
        assert joint.end_epoch() == {
            "alpha": 2.0,
            "calibration_loss": pytest.approx(np.mean(added), abs=1e-5),
            "gradient_ratio": ANY,
        }


@pytest.mark.parametrize("asked", [{"weight": 0.3}, {"alpha": 2.0}])
def test_an_epoch_tells_the_ratio_that_was_measured_in_it(asked, graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    joint = Joint(graph, N, JointConfig(items=0, **asked), 0)
    added = _gradient(_add(joint, loss, table) - loss, table).norm()
    ratio = (added / _gradient(loss, table).norm()).item()
    assert joint.end_epoch()["gradient_ratio"] == pytest.approx(ratio, rel=1e-4)
    assert asked.get("weight", ratio) == pytest.approx(ratio, rel=1e-4)
    for _ in range(2):  # at the second step recommendation pulls four times as hard, at the third none looks
        _add(joint, 4 * loss, table)
    half_way = 2 if "weight" in asked else 1
    assert joint.end_epoch()["gradient_ratio"] == pytest.approx(ratio * half_way / 4, rel=1e-4)
    joint.steps = 4
    _add(joint, loss, table)
    assert joint.end_epoch()["gradient_ratio"] is None


def test_another_seed_samples_other_items(graph, vectors):
    table, loss = _step(_model(QUICK, vectors))
    one, two, three = (
        _add(Joint(graph, N, JointConfig(alpha=1.0, items=30), seed), loss, table).item()
        for seed in (0, 0, 1)
    )
    assert one == two != three
