"""What every backbone promises; new ones are tested by their line in the registry, the documented one too."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genair.config import ITEM_ENCODERS, TrainConfig
from genair.data.padding import pad_histories
from genair.data.sequences import leave_two_out
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.io.checkpoints import read_model, write_model
from genair.io.embeddings import EmbeddingTable
from genair.models import BACKBONES
from genair.models.base import build_recommender, restore_recommender, weights_of
from genair.train.learner import Learner
from genair.train.loop import train_model
from genair.train.stage import train_on

N = 12
CPU = torch.device("cpu")
EXAMPLE = "moving_average:MovingAverage"
EVERY = (*BACKBONES.names(), EXAMPLE)
LEARNED = [[3, 12, 7, 1, 12], [5, 2, 12], [8, 4, 6, 10, 11, 9], [2, 1], [12, 5, 3, 7]]


@pytest.fixture(autouse=True, scope="module")
def _example(example_backbone):
    """The example of the documentation can be imported."""


def _config(name, **settings):
    return TrainConfig(**{"backbone": name, "items": "id", "dim": 16, "max_length": 8, **settings})


def _vectors():
    return torch.randn(N, 6, generator=torch.Generator().manual_seed(0))


def _model(config, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_recommender(config, N, None if config.items == "id" else _vectors()).eval()


@torch.no_grad()
def _scores(model, histories, padding=0):
    """Score histories as one batch, padded to the longest and `padding` more."""
    length = max(map(len, histories)) + padding
    batch = torch.tensor([[*history, *[0] * (length - len(history))] for history in histories])
    return model.scores(batch, model.items.table())


def _overfit(config, sequences, epochs=120):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = Learner(_model(config), sequences, replace(config, learning_rate=0.01, batch_size=8))
        for _ in range(epochs):
            learner.epoch()
    return learner.model.eval()


@pytest.mark.parametrize("name", EVERY)
def test_a_later_event_changes_earlier_states_only_if_that_is_declared(name):
    model = _model(_config(name, blocks=2, heads=2))
    with torch.no_grad():
        table = model.items.table() * 50
        history = torch.tensor([[3, 9, 12, 1, 7, 5]])
        states = model.states(history, table)
        for place in range(1, 6):
            other = history.clone()
            other[0, place] = 2
            found = model.states(other, table)
            earlier = torch.allclose(found[:, :place], states[:, :place], rtol=0, atol=1e-6)
            assert earlier == model.backbone.causal
            assert not torch.allclose(found[:, place], states[:, place], atol=1e-3)


@pytest.mark.parametrize("name", EVERY)
def test_every_earlier_event_can_change_what_comes_next(name):
    model = _model(_config(name, blocks=2))
    history = [3, 9, 12, 1, 7, 5]
    scores = _scores(model, [history])
    for place in range(6):
        other = [2 if place == at else item for at, item in enumerate(history)]
        assert not torch.equal(_scores(model, [other]), scores)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_gradients_reach_every_parameter(name, mode, toy_sequences):
    learner = Learner(_model(_config(name, items=mode, blocks=2)), toy_sequences(LEARNED, N), _config(name))
    learner.epoch()
    for key, parameter in learner.model.named_parameters():
        assert parameter.grad is not None, key
        assert (parameter.grad != 0).any(), key


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("setting", ["blocks", "heads", "dropout"])
def test_the_settings_that_it_uses_are_those_that_it_declares(name, setting, toy_sequences):
    plain = _config(name, dropout=0.1)
    losses = []
    for config in (plain, replace(plain, **{setting: 0.3 if setting == "dropout" else 2})):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            learner = Learner(build_recommender(config, N, None), toy_sequences(LEARNED, N), config)
            losses.append(learner.epoch())
    assert (losses[0] != losses[1]) == (setting in BACKBONES.get(name).uses)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("padding", [1, 5])
def test_the_amount_of_padding_does_not_matter(name, padding):
    model = _model(_config(name))
    alone = _scores(model, [[4, 12, 6]])
    torch.testing.assert_close(_scores(model, [[4, 12, 6]], padding), alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_packed_events_have_the_states_of_padded_ones(name):
    model = _model(_config(name))
    table = model.items.table()
    histories = torch.zeros(5, 6, dtype=torch.int64)
    for row, length in enumerate([1, 2, 2, 5, 6]):
        histories[row, :length] = torch.arange(row + 1, row + 1 + length)
    found, wanted = model.packed_states(histories, table), model.states(histories, table)[histories != 0]
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_batch_mates_do_not_matter(name):
    model = _model(_config(name))
    together = _scores(model, LEARNED)
    for user, history in enumerate(LEARNED):
        torch.testing.assert_close(together[user], _scores(model, [history])[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_what_the_padding_row_holds_does_not_matter(name):
    model = _model(_config(name))
    batch = torch.tensor([[4, 12, 6, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        table = model.items.table()
        wanted = model.scores(batch, table)
        table[0] = 9
        torch.testing.assert_close(model.scores(batch, table), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_room_that_a_history_does_not_need_does_not_matter(name):
    long, short = _model(_config(name, max_length=30)), _model(_config(name, max_length=8), seed=1)
    sizes = {key: weight.shape for key, weight in weights_of(short).items()}
    cut = {key: weight[tuple(map(slice, sizes[key]))] for key, weight in weights_of(long).items()}
    again = restore_recommender(_config(name, max_length=8).settings(), cut, N)
    torch.testing.assert_close(_scores(again, LEARNED), _scores(long, LEARNED), rtol=0, atol=1e-6)
    assert not torch.allclose(_scores(short, LEARNED), _scores(long, LEARNED), atol=1e-4)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_five_users_are_soon_known_by_heart(name, mode, toy_sequences):
    model = _overfit(_config(name, items=mode, dropout=0.0), toy_sequences(LEARNED, N))
    for history in LEARNED:
        scores = _scores(model, [history[:-1]])
        assert scores.argmax().item() + 1 == history[-1]
    assert (model.items.table()[0] == 0).all()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_the_last_item_can_be_ranked_first(name, mode, toy_sequences):
    model = _overfit(_config(name, items=mode), toy_sequences([[3, N], [5, N]], N))
    assert _scores(model, [[3], [5]]).argmax(dim=1).tolist() == [N - 1, N - 1]


@pytest.mark.parametrize("name", EVERY)
def test_the_last_item_in_a_history_counts(name):
    model = _model(_config(name))
    assert not torch.allclose(_scores(model, [[3, N]]), _scores(model, [[3, N - 1]]), atol=1e-3)


@pytest.mark.parametrize("name", EVERY)
def test_a_history_of_one_event_is_scored(name):
    model = _model(_config(name))
    one, other = _scores(model, [[N]]), _scores(model, [[1]])
    assert torch.isfinite(one).all()
    assert not torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("name", EVERY)
def test_a_full_history_is_scored(name, toy_cycles):
    model, full = _model(_config(name)), toy_cycles(users=3, length=20, n_items=N)
    padded = pad_histories(full, np.arange(3), 8)
    assert padded.shape == (3, 8)
    assert torch.isfinite(_scores(model, padded.tolist())).all()


@pytest.mark.parametrize("name", EVERY)
def test_dropout_is_off_in_evaluation_and_on_in_training(name):
    model = _model(_config(name, dropout=0.5))
    assert torch.equal(_scores(model, LEARNED), _scores(model, LEARNED))
    calm = _scores(model, LEARNED)
    model.train()
    assert not torch.allclose(_scores(model, LEARNED), calm, atol=1e-3)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_a_model_file_gives_the_same_scores(name, mode, toy_cycles, tmp_path):
    config = _config(name, items=mode, epochs=2)
    ids = [f"i{row}" for row in range(N)]
    table = EmbeddingTable(ids, _vectors().numpy(), [])
    log = toy_cycles(users=10, length=7, n_items=N)
    made = train_on(table, ids, log, config, CPU, "ab", [].append)
    trained = made.model
    write_model(tmp_path / "model.h5", trained)
    read = read_model(tmp_path / "model.h5", "model.h5")
    one = restore_recommender(trained.config, trained.weights, N)
    other = restore_recommender(read.config, read.weights, len(read.item_ids))
    assert torch.equal(_scores(other, LEARNED), _scores(one, LEARNED))
    ranks = rank_targets(other.scorer(), leave_two_out(log).valid, config.max_length)
    assert mean_at("ndcg", ranks, 10) == made.run.best.valid_ndcg  # of the model that was trained


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_trains_the_same_bytes(name, toy_cycles):
    split = leave_two_out(toy_cycles(users=30, length=8, n_items=N, jumps=0.2))

    def trained(seed):
        found = train_model(
            split, _vectors(), _config(name, items="text+id", epochs=2, seed=seed), CPU, [].append
        )
        return {key: weight.tobytes() for key, weight in found.weights.items()}

    assert trained(3) == trained(3)
    assert trained(3) != trained(4)
