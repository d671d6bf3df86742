"""Checkpoints: a run that stops anywhere and goes on is the run that never stopped, to the byte."""

from dataclasses import replace

import pytest
import torch

from genair.config import JointConfig, TrainConfig
from genair.data.sequences import leave_two_out
from genair.errors import GenairError, InputError, UsageError
from genair.io.container import open_container
from genair.io.partial import open_partial
from genair.models import BACKBONES
from genair.train import LOSSES, SCHEDULES
from genair.train.checkpoint import Checkpoints
from genair.train.loop import train_model

N, EPOCHS = 20, 4
CPU = torch.device("cpu")
QUICK = TrainConfig(
    items="id", dim=8, epochs=EPOCHS, max_length=10, batch_size=16, learning_rate=0.02, negatives=8
)
VECTORS = torch.randn(N, 6, generator=torch.Generator().manual_seed(0))


class StopError(Exception):
    """What ends a run before its end."""


@pytest.fixture(scope="module")
def split(toy_cycles):
    return leave_two_out(toy_cycles(users=40, length=8, n_items=N, jumps=0.3))


def _quiet(_row):
    """Hear of an epoch."""


def _go_on(target, split, config, stop_after=None, device=CPU):
    """Train, or go on, until so many epochs are done; return what was told and what was trained."""
    told = []

    def tell(row):
        told.append(row)
        if row.epoch == stop_after:
            raise StopError

    with open_partial(target, {}, (), resume=True, force=False) as partial:
        return told, train_model(split, VECTORS, config, device, tell, Checkpoints(partial))


def _weights(run):
    return {name: weight.tobytes() for name, weight in run.weights.items()}


def _same_in_parts(tmp_path, split, config):
    whole = train_model(split, VECTORS, config, CPU, _quiet)
    target = tmp_path / "model.h5"
    for epoch in range(1, len(whole.epochs)):
        with pytest.raises(StopError):
            _go_on(target, split, config, stop_after=epoch)
        torch.rand(7)  # whatever happens between the parts
    told, run = _go_on(target, split, config)
    assert [row.epoch for row in told] == [len(whole.epochs)]
    assert run.epochs == whole.epochs
    assert run.best == whole.best
    assert _weights(run) == _weights(whole)
    assert not target.with_name("model.h5.partial").exists()


def test_a_run_can_be_given_more_epochs_on_its_way_and_not_fewer_than_are_done(tmp_path, split):
    target, longer = tmp_path / "model.h5", replace(QUICK, epochs=EPOCHS + 2)
    with pytest.raises(StopError):
        _go_on(target, split, QUICK, stop_after=2)
    with pytest.raises(UsageError, match=r"^--epochs 1 is less than the 2 that are done$"):
        _go_on(target, split, replace(QUICK, epochs=1))
    _, run = _go_on(target, split, longer)
    assert len(run.epochs) == EPOCHS + 2
    assert _weights(run) == _weights(train_model(split, VECTORS, longer, CPU, _quiet))


@pytest.mark.parametrize("backbone", BACKBONES.names())
@pytest.mark.parametrize("items", ["id", "text+id"])
def test_every_backbone_goes_on_as_if_nothing_had_happened(tmp_path, split, backbone, items):
    _same_in_parts(tmp_path, split, replace(QUICK, backbone=backbone, items=items))


@pytest.mark.parametrize("loss", LOSSES.names())
def test_every_loss_goes_on_with_its_draws(tmp_path, split, loss):
    _same_in_parts(tmp_path, split, replace(QUICK, loss=loss))


@pytest.mark.parametrize("joint", [JointConfig(weight=0.2, items=8), JointConfig(alpha=0.1, items=0)])
def test_joint_training_goes_on_with_its_weight_and_its_draws(tmp_path, split, joint):
    _same_in_parts(tmp_path, split, replace(QUICK, items="text", joint=joint))


@pytest.mark.parametrize("schedule", SCHEDULES.names())
@pytest.mark.parametrize("warmup", [0, 1.5])
def test_every_schedule_goes_on_at_its_rate(tmp_path, split, schedule, warmup):
    _same_in_parts(tmp_path, split, replace(QUICK, schedule=schedule, warmup=warmup))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_every_precision_goes_on(tmp_path, split, precision):
    _same_in_parts(tmp_path, split, replace(QUICK, items="text+id", precision=precision))


def test_early_stopping_counts_the_epochs_before(tmp_path, split):
    still = replace(QUICK, learning_rate=1e-12, patience=2)  # nothing gets better after the first
    _same_in_parts(tmp_path, split, still)
    with pytest.raises(StopError):
        _go_on(tmp_path / "other.h5", split, still, stop_after=3)
    told, run = _go_on(tmp_path / "other.h5", split, still)
    assert not told
    assert len(run.epochs) == 3


def test_a_refit_goes_on_wherever_it_was(tmp_path, split):
    config = replace(QUICK, epochs=6, patience=2, refit=True, joint=JointConfig(weight=0.2, items=8))
    whole = train_model(split, VECTORS, config, CPU, _quiet)
    assert whole.refitted > 1
    told = []

    def tell(row):
        told.append(row)
        raise StopError

    while True:
        try:
            with open_partial(tmp_path / "m.h5", {}, (), resume=True, force=False) as partial:
                run = train_model(split, VECTORS, config, CPU, tell, Checkpoints(partial))
            break
        except StopError:
            torch.rand(7)
    assert [row.epoch for row in told] == [*range(1, len(whole.epochs) + 1), *range(1, whole.refitted + 1)]
    assert run == replace(whole, weights=run.weights)
    assert _weights(run) == _weights(whole)


def test_the_best_epoch_survives_worse_ones(tmp_path, split):
    wild = replace(QUICK, learning_rate=0.5, epochs=6, seed=1)
    whole = train_model(split, VECTORS, wild, CPU, _quiet)
    assert whole.best.epoch < len(whole.epochs), "a run whose last epoch is its best shows nothing"
    with pytest.raises(StopError):
        _go_on(tmp_path / "m.h5", split, wild, stop_after=len(whole.epochs) - 1)
    assert _weights(_go_on(tmp_path / "m.h5", split, wild)[1]) == _weights(whole)


def test_a_damaged_checkpoint_is_named(tmp_path, split):
    with pytest.raises(StopError):
        _go_on(tmp_path / "m.h5", split, QUICK, stop_after=1)
    path = tmp_path / "m.h5.partial" / "checkpoint.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    with pytest.raises(InputError) as failure:
        _go_on(tmp_path / "m.h5", split, QUICK)
    assert failure.value.where == str(path)


def test_a_checkpoint_of_another_shape_is_refused(tmp_path, split):
    with pytest.raises(StopError):
        _go_on(tmp_path / "m.h5", split, QUICK, stop_after=1)
    with pytest.raises(GenairError, match="backbone"):
        _go_on(tmp_path / "m.h5", split, replace(QUICK, dim=16))


def test_item_vectors_are_not_kept_a_second_time(tmp_path, split):
    with pytest.raises(StopError):
        _go_on(tmp_path / "m.h5", split, replace(QUICK, items="text"), stop_after=1)
    path = tmp_path / "m.h5.partial" / "checkpoint.h5"
    with open_container(path, str(path), "genair-checkpoint") as container:
        names = container.names()
    assert any(name.startswith("learner/optimizer/") for name in names)
    assert not [name for name in names if name.endswith("items.vectors")]
