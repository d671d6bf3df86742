"""A step touches what it must, and what changes in an epoch can be put back."""

from dataclasses import replace

import pytest
import torch

from genair.config import ITEM_ENCODERS, JointConfig, TrainConfig
from genair.errors import InputError
from genair.models import BACKBONES, layout
from genair.models.base import build_recommender
from genair.models.layout import pieces
from genair.train import LOSSES
from genair.train.learner import Learner

N = 300
CONFIG = TrainConfig(items="id", dim=8, negatives=4, batch_size=8, dropout=0.3)
VECTORS = torch.randn(N, 6, generator=torch.Generator().manual_seed(0))
DRAWN = [name for name in LOSSES.names() if not LOSSES.get(name).whole]


@pytest.fixture
def learner(toy_cycles):
    train = toy_cycles(users=8, length=6, n_items=N, jumps=0.5)

    def make(**settings):
        config = replace(CONFIG, **settings)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = build_recommender(config, N, None if config.items == "id" else VECTORS)
        return Learner(model, train, config)

    return make


@pytest.mark.parametrize("loss", DRAWN)
@pytest.mark.parametrize("joint", [JointConfig(), JointConfig(alpha=1.0, items=20)])
def test_a_step_on_drawn_negatives_makes_the_vectors_of_a_few_items(learner, loss, joint):
    made = learner(loss=loss, joint=joint)
    made.epoch()
    moved = (made.model.items.ids.weight.grad != 0).any(dim=1).sum().item()
    assert 0 < moved <= 8 * 6 + 8 * 5 + 20
    full = learner()
    full.epoch()
    assert (full.model.items.ids.weight.grad != 0).any(dim=1).all()


def test_weights_that_an_epoch_s_only_step_ruined_are_an_error_though_its_loss_was_fine(learner):
    made = learner(learning_rate=1e39)
    with pytest.raises(InputError, match=r"^the loss is not finite in epoch 1: lower --learning-rate$"):
        made.epoch()


@pytest.mark.parametrize("loss", DRAWN)
@pytest.mark.parametrize("mode", ITEM_ENCODERS)
@pytest.mark.parametrize("backbone", BACKBONES.names())
def test_a_step_is_that_of_the_whole_table(learner, loss, mode, backbone, monkeypatch):
    """Up to rounding: what is left out has no gradient."""

    def run():
        with torch.random.fork_rng():
            torch.manual_seed(1)
            made = learner(loss=loss, items=mode, backbone=backbone, joint=JointConfig(weight=0.2, items=20))
            return made.epoch(), [parameter.grad for parameter in made.model.parameters()]

    part = run()
    monkeypatch.setattr(LOSSES.get(loss), "whole", True)
    torch.testing.assert_close(run(), part, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("backbone", BACKBONES.names())
def test_a_step_in_pieces_is_that_of_the_whole_batch(toy_sequences, backbone, monkeypatch):
    """Up to rounding, if nothing is dropped."""
    histories = [
        [1, 2, 3],
        [4, 5],
        [2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4],
        [7, 8, 9],
        [5, 6, 7, 8, 9, 1, 2, 3, 4],
    ]

    def run():
        config = replace(CONFIG, backbone=backbone, dropout=0.0)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = build_recommender(config, 9, None)
            made = Learner(model, toy_sequences(histories, 9), config)
            return made.epoch(), [parameter.grad for parameter in model.parameters()]

    whole = run()
    cuts = []

    def cut(lengths):
        cuts.append(pieces(lengths))
        return cuts[-1]

    monkeypatch.setattr(layout, "_WORTH", 1)
    monkeypatch.setattr(layout, "pieces", cut)
    torch.testing.assert_close(run(), whole, rtol=1e-4, atol=1e-6)
    assert len(cuts[0]) > 1


@pytest.mark.parametrize("loss", LOSSES.names())
@pytest.mark.parametrize("backbone", BACKBONES.names())
def test_what_is_random_can_be_read_and_put_back(learner, loss, backbone):
    def state(made):
        generator = getattr(getattr(made.loss, "sampler", None), "generator", None)
        return made.order.bit_generator.state, generator and generator.get_state(), torch.get_rng_state()

    with torch.random.fork_rng():
        torch.manual_seed(1)
        one, other = learner(loss=loss, backbone=backbone), learner(loss=loss, backbone=backbone)
        one.epoch()
        other.model.load_state_dict(one.model.state_dict())
        other.optimizer.load_state_dict(one.optimizer.state_dict())
        order, drawn, dropped = state(one)
        wanted = one.epoch()
        other.order.bit_generator.state = order
        if drawn is not None:
            other.loss.sampler.generator.set_state(drawn)
        torch.set_rng_state(dropped)
        assert other.epoch() == wanted


def test_passes_are_counted(learner):
    made = learner()
    made.epoch()
    made.epoch()
    assert made.epochs == 2
