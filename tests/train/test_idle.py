"""What a configuration leaves without effect."""

from dataclasses import asdict, replace

import pytest

from genair.config import JointConfig, TrainConfig
from genair.errors import UsageError
from genair.models import BACKBONES
from genair.train import LOSSES
from genair.train.idle import idle_settings, used_settings


def test_idle_settings_are_told_with_their_cause():
    found = idle_settings(TrainConfig(backbone="gru4rec", loss="gbce"))
    cause = "with --backbone gru4rec"
    settings = ("objective", "items", "gamma", "window", "min_count", "user_norm", "score", "max_pairs")
    joint = dict.fromkeys((f"calibrate_{name}" for name in settings), "without --calibrate-weight or --alpha")
    assert found == {"heads": cause, "mask_probability": cause, "sampler": "with --loss gbce", **joint}
    plain = TrainConfig(joint=JointConfig(alpha=1.0))
    assert set(idle_settings(plain)) == {"mask_probability", "sampler", "negatives", "gbce_t"}
    assert set(idle_settings(replace(plain, backbone="bert4rec"))) == {"sampler", "negatives", "gbce_t"}


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
