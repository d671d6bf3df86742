"""Mixed precision: what is computed in 16 bits and what is not, and that it learns."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import JointConfig, TrainConfig
from genair.data.sequences import leave_two_out
from genair.errors import UsageError
from genair.models import BACKBONES
from genair.models.base import build_recommender
from genair.train import LOSSES, losses
from genair.train.learner import Learner
from genair.train.loop import train_model
from genair.train.precision import require_products, resolve_precision
from genair.train.state import restore, state_of

N = 20
CPU, CUDA, MPS = map(torch.device, ("cpu", "cuda", "mps"))
QUICK = TrainConfig(items="text+id", dim=16, epochs=6, batch_size=16, learning_rate=0.02, dropout=0.0)
VECTORS = torch.randn(N, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def split(toy_cycles):
    return leave_two_out(toy_cycles(users=40, length=8, n_items=N, jumps=0.1))


@pytest.fixture
def learner(split):
    def make(**settings):
        config = replace(QUICK, **settings)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return Learner(build_recommender(config, N, VECTORS), split.train, config)

    return make


def _train(split, **settings):
    return train_model(split, VECTORS, replace(QUICK, **settings), CPU, [].append)


def _losses(run):
    return [row.loss for row in run.epochs]


@pytest.mark.parametrize(
    ("name", "device", "has_bf16", "wanted"),
    [
        ("auto", CPU, True, "fp32"),
        ("auto", MPS, True, "fp32"),
        ("auto", CUDA, True, "bf16"),
        ("auto", CUDA, False, "fp32"),
        ("fp32", CUDA, True, "fp32"),
        ("fp16", CUDA, True, "fp16"),
        ("bf16", CPU, False, "bf16"),
    ],
)
def test_a_name_stands_for_what_the_device_does_well(monkeypatch, name, device, has_bf16, wanted):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    assert resolve_precision(name, device) == wanted


@pytest.mark.parametrize(
    ("name", "device", "said"),
    [
        ("fp16", CPU, "--precision fp16 is for CUDA cards; on cpu"),
        ("fp16", MPS, "--precision fp16 is for CUDA cards; on mps"),
        ("half", CPU, "unknown precision 'half': choose from auto, fp32, bf16, fp16"),
    ],
)
def test_what_a_device_does_not_do_well_is_refused(name, device, said):
    with pytest.raises(UsageError, match=said):
        resolve_precision(name, device)


@pytest.mark.parametrize("backbone", BACKBONES.names())
@pytest.mark.parametrize("loss", LOSSES.names())
def test_bf16_learns_as_fp32_does_in_other_figures(split, backbone, loss):
    half, full = (
        _train(split, backbone=backbone, loss=loss, negatives=8, precision=name) for name in ("bf16", "fp32")
    )
    assert _losses(half)[-1] < _losses(half)[0]
    assert _losses(half) != _losses(full)
    assert _losses(half) == pytest.approx(_losses(full), rel=0.1)


def test_two_runs_in_bf16_are_equal_to_the_byte(split):
    joint = JointConfig(weight=0.1, items=7)
    one, two = (_train(split, precision="bf16", dropout=0.2, joint=joint) for _ in range(2))
    assert one.epochs == two.epochs
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)


@pytest.mark.parametrize(("name", "inside"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_on_a_processor_only_the_adapters_products_and_the_full_softmaxs_are_in_16_bits(
    monkeypatch, learner, name, inside
):
    made = learner(precision=name, items="text", backbone="bert4rec")
    seen = {}
    made.model.backbone.blocks[0].project_in.register_forward_hook(
        lambda _module, _given, result: seen.update(backbone=result.dtype)
    )
    made.model.items.adapter.last.register_forward_hook(
        lambda _module, _given, result: seen.update(adapter=result.dtype)
    )
    plain = losses.cross_entropy

    def listening(states, table, targets, product):
        seen.update(states=states.dtype, table=table.dtype, softmax=product)
        return plain(states, table, targets, product)

    monkeypatch.setattr(losses, "cross_entropy", listening)
    made.epoch()
    every = [*made.model.parameters(), *(one.grad for one in made.model.parameters())]
    whole = dict.fromkeys(("backbone", "states", "table"), torch.float32)
    assert seen == {**whole, "adapter": inside, "softmax": inside}
    assert {one.dtype for one in every} == {torch.float32}


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"items": "id", "loss": "bce"}, True),
        ({"items": "text-init", "loss": "sampled-ce"}, True),
        ({"items": "text", "loss": "bce"}, False),
        ({"items": "id", "loss": "ce"}, False),
    ],
)
def test_bf16_is_refused_where_a_processor_has_nothing_to_compute_in_it(settings, refused):
    config = TrainConfig(precision="bf16", **settings)
    said = f"--precision bf16 changes nothing on cpu with --items {settings['items']} and --loss"
    with pytest.raises(UsageError, match=said) if refused else nullcontext():
        require_products(config, CPU)
    require_products(config, CUDA)
    require_products(replace(config, precision="fp32"), CPU)


def test_fp16_scales_its_loss_and_nothing_else_does(learner):
    scales = {name: learner(precision=name).precision.scaler.get_scale() for name in ("fp32", "bf16", "fp16")}
    assert scales == {"fp32": 1.0, "bf16": 1.0, "fp16": 65536.0}


def test_the_scale_of_fp16_goes_on(learner):
    """Where a gradient overflows, the step is left out and the scale is halved."""
    made, other = learner(precision="fp16"), learner(precision="fp16")
    made.precision.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    before = made.model.items.ids.weight.detach().clone()
    made.epoch()
    assert made.precision.scaler.get_scale() == 2.0**37
    assert torch.equal(before, made.model.items.ids.weight)
    restore(other, state_of(made))
    assert other.precision.scaler.get_scale() == 2.0**37
