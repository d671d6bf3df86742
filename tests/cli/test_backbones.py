"""A backbone from outside, as docs/backbones.md says: trained, kept in a model file, and served again."""

import json
import os
import subprocess
import sys

import pytest

from genair.models.base import Backbone, backbone_of

NAME = "moving_average:MovingAverage"
QUICK = ("--epochs", 2, "--dim", 8)
MISSPELT = """
from genair.models.base import Backbone
from genair.models.sasrec import SASRec

class Misspelt(Backbone):
    uses = frozenset({"lerning"})

    def forward(self, events, present):
        return events

class Half(SASRec):
    def forward(self, events, present):
        return events
"""


@pytest.fixture
def train(run, files, tmp_path, example_backbone):
    def call(*words):
        model = tmp_path / "model.h5"
        return model, run("train", files.vectors, "-i", files.log, "-o", model, "-f", *QUICK, *words)

    return call


@pytest.mark.parametrize("name", [NAME, "moving-average"])
def test_a_backbone_from_outside_is_trained_and_its_model_file_evaluated(run, files, train, name):
    model, result = train("--backbone", name)
    assert result.status == 0, result.err
    assert f"{name} on text+id" in result.err
    assert issubclass(backbone_of(name), Backbone)
    (row,) = run("info", model).rows
    config = json.loads(row["config"])
    assert config["backbone"] == name
    assert {"dropout"} == {"blocks", "heads", "dropout", "mask_probability"} & config.keys()
    assert run("eval", model, "-i", files.log).status == 0


def test_settings_that_it_does_not_use_are_refused(train):
    _, result = train("--backbone", NAME, "--blocks", 2)
    result.fails(2, f"--blocks changes nothing with --backbone {NAME}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such:Thing", "backbone 'no_such:Thing' cannot be imported: No module named 'no_such'"),
        ("json:dumps", "'json:dumps' is not a backbone: it does not derive from genair.models.base.Backbone"),
        ("collections:deque", "'collections:deque' is not a backbone"),
        ("genair.models.base:Backbone", "is not a backbone: it has no forward of its own"),
        ("backbones:Misspelt", "uses lerning: blocks, dropout, heads are known"),
        ("backbones:Half", "has a forward of its own and would train by the packed of SASRec: give it both"),
        ("broken:Thing", "backbone 'broken:Thing' cannot be imported: invalid syntax"),
        ("moving", "choose from sasrec, bert4rec, gru4rec, moving-average, or give module:attribute"),
    ],
)
def test_what_is_no_backbone_is_refused(train, tmp_path, tmp_path_factory, monkeypatch, name, said):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "backbones.py").write_text(MISSPELT)
    (folder / "broken.py").write_text("class :")
    monkeypatch.syspath_prepend(folder)
    _, result = train("--backbone", name)
    result.fails(2, said)
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_whose_backbone_is_not_here_says_so(run, files, train, example_backbone, monkeypatch):
    model, _ = train("--backbone", NAME)
    monkeypatch.delitem(sys.modules, "moving_average")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(example_backbone)])
    result = run("eval", model, "-i", files.log)
    result.fails(1, f"the model cannot be rebuilt: backbone '{NAME}' cannot be imported: No module named")


def test_a_model_file_whose_backbone_has_changed_says_so(run, files, train, monkeypatch):
    model, _ = train("--backbone", NAME)
    monkeypatch.setattr("moving_average.MovingAverage", backbone_of("gru4rec"))
    result = run("eval", model, "-i", files.log)
    result.fails(1, f"the model's weights do not fit its backbone '{NAME}'")


@pytest.mark.slow
def test_the_documented_way_to_name_a_class_works_in_a_process_of_its_own(files, tmp_path, example_backbone):
    words = ["train", files.vectors, "-i", files.log, "--backbone", NAME, "-o", "model.h5", *QUICK]
    environment = {**os.environ, "PYTHONPATH": str(example_backbone)}
    done = subprocess.run(
        [sys.executable, "-m", "genair_cli", *map(str, words)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
