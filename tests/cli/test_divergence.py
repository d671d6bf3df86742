"""A run that leaves the finite numbers: what it says, and what of it can be kept."""

import re

import pytest

FRAGILE = """
import torch
from genair.models.gru4rec import GRU4Rec

class Fragile(GRU4Rec):
    def __init__(self, config):
        super().__init__(config)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, events, present):
        self.passes += self.training
        broken = self.training and self.passes > 20
        return super().forward(events, present) * (torch.nan if broken else 1.0)
"""
SAID = re.compile(r"the loss is not finite in epoch (\d+): lower --learning-rate")


@pytest.fixture
def train(run, files, tmp_path, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "fragile.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(folder)

    def call(*words, output="model.h5"):
        given = (
            "-i",
            files.log,
            "--items",
            "id",
            "--dim",
            8,
            "--patience",
            99,
            "--backbone",
            "fragile:Fragile",
        )
        return run("train", *given, "-o", tmp_path / output, *words)

    return call


def test_what_came_before_can_become_a_model(train, tmp_path):
    result = train("--epochs", 99)
    done = int(SAID.search(result.err)[1]) - 1
    assert done >= 2
    advice = f"--resume --epochs {done} makes a model of what came before"
    result.fails(3, advice)
    train("--epochs", 99, "--resume").fails(3, advice)
    train("--epochs", done - 1, "--resume").fails(
        2, f"--epochs {done - 1} is less than the {done} that are done"
    )
    assert not (tmp_path / "model.h5").exists()
    assert train("--epochs", done, "--resume").status == 0
    assert train("--epochs", done, output="whole.h5").status == 0
    assert (tmp_path / "model.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.h5", "whole.h5"]


@pytest.mark.parametrize("words", [("--schedule", "linear"), ("--refit",), ("--warmup", 98)])
def test_epochs_that_depend_on_how_many_are_to_come_are_not_kept(train, tmp_path, words):
    result = train("--epochs", 99, *words)
    result.fails(3)
    assert SAID.search(result.err)
    assert "--resume" not in result.err
    assert list(tmp_path.iterdir()) == []
