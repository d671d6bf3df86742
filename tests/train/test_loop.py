"""The training loop: it learns, stops in time, hands out its best epoch, and repeats itself to the byte."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from genair.catalogue import interactions_path
from genair.config import ITEM_ENCODERS, JointConfig, TrainConfig
from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import build_sequences, leave_two_out
from genair.errors import InputError, UsageError
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import rank_targets
from genair.io.blocks import read_blocks
from genair.models import BACKBONES
from genair.models.base import build_recommender, restore_recommender, weights_of
from genair.train import LOSSES
from genair.train.learner import Learner
from genair.train.loop import train_model

N = 20
CPU = torch.device("cpu")
QUICK = TrainConfig(items="id", dim=8, epochs=3, max_length=10, batch_size=16, learning_rate=0.01)
VECTORS = torch.randn(N, 6, generator=torch.Generator().manual_seed(0))


def _train(split, config, vectors=VECTORS):
    told = []
    run = train_model(split, vectors, config, CPU, told.append)
    assert told == list(run.epochs)
    return run


def _bytes(run):
    return {name: weight.tobytes() for name, weight in run.weights.items()}


@pytest.fixture(scope="module")
def split(toy_cycles):
    return leave_two_out(toy_cycles(users=40, length=8, n_items=N, jumps=0.3))


@pytest.fixture(scope="module")
def quick(split):
    return _train(split, QUICK)


@pytest.mark.parametrize("mode", ITEM_ENCODERS)
def test_a_planted_order_is_learned_and_beats_popularity(mode, toy_cycles):
    _learns(replace(QUICK, items=mode), toy_cycles)


@pytest.mark.parametrize("loss", LOSSES.names())
def test_every_loss_learns_a_planted_order(loss, toy_cycles):
    _learns(replace(QUICK, loss=loss, negatives=8, epochs=30, dropout=0.0), toy_cycles)


@pytest.mark.parametrize("backbone", BACKBONES.names())
def test_every_backbone_learns_a_planted_order(backbone, toy_cycles):
    """Masked events are fewer than events to come: a backbone that guesses them takes longer."""
    epochs = 10 if BACKBONES.get(backbone).causal else 80
    _learns(replace(QUICK, backbone=backbone, epochs=epochs, dropout=0.0), toy_cycles)


def _learns(config, toy_cycles):
    split = leave_two_out(toy_cycles(users=80, length=9, n_items=N, jumps=0.1))
    config = replace(config, dim=16, epochs=max(8, config.epochs), patience=99)
    run = _train(split, config)
    model = restore_recommender(config.settings(), run.weights, N)
    learned = mean_at("ndcg", rank_targets(model.scorer(), split.test, 10), 10)
    assert run.epochs[-1].loss < 0.8 * run.epochs[0].loss
    assert learned > _popularity(split) + 0.25


def _popularity(split):
    counts = np.bincount(split.train.items, minlength=N + 1).astype(float)
    gains = []
    for user, target in enumerate(split.test.targets):
        others = np.setdiff1d(np.arange(1, N + 1), [*split.test.histories.of(user), target])
        above, level = (counts[others] > counts[target]).sum(), (counts[others] == counts[target]).sum()
        rank = 1 + above + level / 2
        gains.append(1 / np.log2(1 + rank) if rank <= 10 else 0.0)
    return float(np.mean(gains))


def test_the_best_epochs_weights_are_returned_and_not_the_lasts(split):
    config = replace(QUICK, epochs=40, patience=3, learning_rate=0.03)
    run = _train(split, config)
    model = restore_recommender(config.settings(), run.weights, N)
    again = mean_at("ndcg", rank_targets(model.scorer(), split.valid, config.max_length), 10)
    assert run.best.epoch < run.epochs[-1].epoch
    assert run.epochs[-1].valid_ndcg != run.best.valid_ndcg
    assert again == pytest.approx(run.best.valid_ndcg, abs=1e-9)
    assert run.best.valid_ndcg == max(row.valid_ndcg for row in run.epochs)


@pytest.mark.parametrize("patience", [1, 4])
def test_training_stops_when_patience_is_over(patience, split):
    run = _train(split, replace(QUICK, epochs=60, patience=patience, learning_rate=0.03))
    assert len(run.epochs) == run.best.epoch + patience < 60


def test_epochs_are_the_most_that_are_run(split):
    run = _train(split, replace(QUICK, epochs=2, patience=50))
    assert [row.epoch for row in run.epochs] == [1, 2]


def test_the_first_epoch_is_a_best_even_without_a_hit(toy_sequences):
    """After item 1 comes one of many items in training, but item 40, never seen, in validation."""
    histories = [[1, 1, 40, 2]] * 3 + [[1, item] for item in range(2, 31)] * 3
    config = replace(QUICK, learning_rate=0.03, batch_size=4, epochs=5, patience=2)
    run = _train(leave_two_out(toy_sequences(histories, 40)), config)
    assert [row.best for row in run.epochs] == [True, False, False]
    assert run.best.valid_ndcg == 0


def test_an_equal_epoch_is_not_better(split):
    run = _train(split, replace(QUICK, learning_rate=1e-12, epochs=9, patience=3))
    assert [row.best for row in run.epochs] == [True, False, False, False]


REFIT = replace(QUICK, epochs=12, patience=2, learning_rate=0.05, refit=True)


@pytest.mark.parametrize(
    "settings", [{}, {"backbone": "bert4rec"}, {"joint": JointConfig(weight=0.2, items=8)}]
)
def test_a_refit_learns_all_but_test_for_as_many_epochs_as_were_best(settings, split):
    config, told = replace(REFIT, **settings), []
    run = train_model(split, VECTORS, config, CPU, told.append)
    plain = train_model(split, VECTORS, replace(config, refit=False), CPU, [].append)
    assert run.epochs == plain.epochs
    assert run.best == plain.best
    assert run.refitted == run.best.epoch > 1
    again = told[len(run.epochs) :]
    assert [(row.epoch, row.refit, row.valid_ndcg, row.best) for row in again] == [
        (epoch, True, None, False) for epoch in range(1, run.refitted + 1)
    ]
    known = replace(split, train=split.known)
    by_hand = train_model(known, VECTORS, replace(config, refit=False, patience=20), CPU, [].append)
    assert [row.loss for row in again] == [row.loss for row in by_hand.epochs[: run.refitted]]
    assert _bytes(run) != _bytes(plain)


def test_a_refit_s_weights_are_its_last_epoch_s(split):
    run = train_model(split, None, REFIT, CPU, [].append)
    with torch.random.fork_rng():
        torch.manual_seed(REFIT.seed)
        learner = Learner(build_recommender(REFIT, N, None), split.known, REFIT)
        for _ in range(run.best.epoch):
            learner.epoch()
    assert _bytes(run) == {name: weight.tobytes() for name, weight in weights_of(learner.model).items()}


def test_curves_are_the_rows(quick):
    curves = quick.curves()
    assert curves["loss"].tolist() == [row.loss for row in quick.epochs]
    assert curves["valid_ndcg"].tolist() == [row.valid_ndcg for row in quick.epochs]
    assert f"{quick.best.valid_ndcg:.4f}" in quick.best.words()


def test_two_runs_are_equal_to_the_byte(split, quick):
    again = _train(split, QUICK)
    assert _bytes(again) == _bytes(quick)
    assert again.epochs == quick.epochs


@pytest.mark.parametrize("name", LOSSES.names())
@pytest.mark.parametrize("joint", [JointConfig(), JointConfig(weight=0.1, items=7)])
def test_two_runs_of_every_loss_are_equal_to_the_byte(name, joint, split):
    config = replace(QUICK, items="text+id", loss=name, negatives=6, joint=joint)
    one, two = (_train(split, config) for _ in range(2))
    assert _bytes(one) == _bytes(two)
    assert one.epochs == two.epochs


def test_a_run_neither_uses_nor_moves_the_callers_random_numbers(split, quick):
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert _bytes(_train(split, QUICK)) == _bytes(quick)
    assert torch.equal(torch.get_rng_state(), state)


_CHANGES = {
    "backbone": "gru4rec",
    "items": "text",
    "loss": "bce",
    "dim": 16,
    "blocks": 2,
    "heads": 2,
    "dropout": 0.0,
    "max_length": 3,
    "batch_size": 7,
    "learning_rate": 0.02,
    "schedule": "linear",
    "warmup": 0.5,
    "epochs": 4,
    "precision": "bf16",
    "seed": 1,
    "joint": JointConfig(alpha=1.0),
}
_OF_OTHER_PARTS = {
    "sampler": replace(QUICK, loss="sampled-ce", sampler="popularity"),
    "negatives": replace(QUICK, loss="sampled-ce", negatives=5),
    "gbce_t": replace(QUICK, loss="gbce", negatives=5, gbce_t=0.2),
    "mask_probability": replace(QUICK, backbone="bert4rec", mask_probability=0.5),
}
_REFUSED = {"backbone": "none", "loss": "none", "schedule": "none"}


def test_every_setting_is_tried():
    tried = {*_CHANGES, *_OF_OTHER_PARTS, *_REFUSED, "patience", "split", "keep_seen", "refit"}
    assert tried == {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize("name", _CHANGES)
def test_every_setting_changes_the_run(name, split, quick):
    changed = _train(split, replace(QUICK, **{name: _CHANGES[name]}))
    assert [row.loss for row in changed.epochs] != [row.loss for row in quick.epochs]


@pytest.mark.parametrize("name", _OF_OTHER_PARTS)
def test_every_setting_of_other_parts_changes_a_run_of_theirs(name, split):
    config = _OF_OTHER_PARTS[name]
    default = next(field.default for field in fields(TrainConfig) if field.name == name)
    changed, plain = (_train(split, one) for one in (config, replace(config, **{name: default})))
    assert [row.loss for row in changed.epochs] != [row.loss for row in plain.epochs]


@pytest.mark.parametrize("name", _REFUSED)
def test_unknown_parts_are_refused(name, split):
    with pytest.raises(UsageError, match=f"unknown {name}"):
        _train(split, replace(QUICK, **{name: _REFUSED[name]}))


def test_text_follows_the_vectors(split):
    config = replace(QUICK, items="text")
    assert _train(split, config, VECTORS).epochs != _train(split, config, VECTORS.flip(0)).epochs


def test_frozen_vectors_stay_as_they_were(split):
    run = _train(split, replace(QUICK, items="text+id"))
    assert np.array_equal(run.weights["items.vectors"], VECTORS.numpy())


@pytest.mark.parametrize("rate", [1e20, 1e38])
@pytest.mark.parametrize("batch_size", [4, 1000])
def test_a_run_that_diverges_is_an_error_that_names_the_epoch_and_the_learning_rate(batch_size, rate, split):
    with pytest.raises(InputError, match=r"^the loss is not finite in epoch 1: lower --learning-rate$"):
        _train(split, replace(QUICK, learning_rate=rate, batch_size=batch_size))


def test_a_run_whose_last_step_diverges_is_an_error_of_that_epoch(split):
    with pytest.raises(InputError, match=r"^the loss is not finite in epoch 1: lower --learning-rate$"):
        _train(split, replace(QUICK, learning_rate=1e20, batch_size=1000, epochs=1))


def test_users_with_one_training_event_alone_are_an_error(toy_sequences):
    split = leave_two_out(toy_sequences([[1, 2, 3], [4, 5, 6]], N))
    with pytest.raises(InputError, match="two training events"):
        _train(split, QUICK)


def test_one_user_with_two_training_events_is_enough(toy_sequences):
    run = _train(leave_two_out(toy_sequences([[1, 2, 3, N]], N)), QUICK)
    assert all(np.isfinite(weight).all() for weight in run.weights.values())


def test_short_histories_are_learned_from_though_never_measured(toy_sequences, split):
    train = split.train
    histories = [train.of(user).tolist() for user in range(len(train))]
    more = replace(split, train=toy_sequences([*histories, [1, 9], [2, 9]], N))
    assert _bytes(_train(more, QUICK)) != _bytes(_train(split, QUICK))


def test_two_runs_on_a_whole_catalogue_give_the_same_bytes(request):
    """Large enough for torch to split sums over threads, where an unordered sum would show."""
    threads = torch.get_num_threads()
    request.addfinalizer(lambda: torch.set_num_threads(threads))
    torch.set_num_threads(2)
    with interactions_path().open("rb") as stream:
        log = read_interactions(read_blocks(stream, "log"), "log")
    split = leave_two_out(build_sequences(log, IdMap(sorted(log.item_ids)), name="log"))
    config = TrainConfig(items="id", epochs=1)
    one, two = (_train(split, config, None) for _ in range(2))
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
