"""What a configuration leaves without effect."""

from dataclasses import asdict

import pytest

from genair.config import TrainConfig
from genair.errors import UsageError
from genair.models import BACKBONES
from genair.train import LOSSES
from genair.train.idle import idle_settings, used_settings


def test_idle_settings_are_told_with_their_cause():
    found = idle_settings(TrainConfig(backbone="gru4rec", loss="gbce"))
    cause = "--backbone gru4rec"
    assert found == {"heads": cause, "mask_probability": cause, "sampler": "--loss gbce"}
    assert set(idle_settings(TrainConfig())) == {"mask_probability", "sampler", "negatives", "gbce_t"}
    assert set(idle_settings(TrainConfig(backbone="bert4rec"))) == {"sampler", "negatives", "gbce_t"}


@pytest.mark.parametrize("backbone", BACKBONES.names())
@pytest.mark.parametrize("loss", LOSSES.names())
def test_what_is_recorded_brings_back_all_that_matters(backbone, loss):
    config = TrainConfig(backbone, loss=loss, dim=32, seed=3)
    used = used_settings(config)
    assert asdict(TrainConfig.from_settings(used)) == asdict(config)
    assert used.keys().isdisjoint(idle_settings(config))
    assert used["dim"] == 32


@pytest.mark.parametrize("setting", ["backbone", "loss"])
def test_an_unknown_part_is_refused(setting):
    with pytest.raises(UsageError, match=f"unknown {setting}"):
        idle_settings(TrainConfig(**{setting: "none"}))
