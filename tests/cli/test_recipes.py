"""`train --recipe`: settings from a file, beaten by the command line, recorded as they are."""

import json

import pytest

from genair.config import TrainConfig
from genair.train import RECIPES
from genair.train.idle import used_settings
from genair.train.recipes import load_recipe

QUICK = ("--epochs", 1, "--dim", 8)


@pytest.fixture
def trained(run, files, tmp_path):
    def call(*words, before=()):
        out = tmp_path / "out.h5"
        result = run(*before, "train", files.vectors, "-i", files.log, "-o", out, "-f", *words)
        assert result.status == 0, result.err
        (row,) = run("info", out).rows
        return json.loads(row["config"])

    return call


def mine(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", RECIPES.names())
def test_every_recipe_runs_and_the_model_records_its_settings(trained, name):
    options = {**load_recipe(name), "epochs": 1, "dim": 8}
    wanted = used_settings(TrainConfig.from_options(options))
    assert trained("--recipe", name, *QUICK) == json.loads(json.dumps(wanted))


def test_the_command_line_beats_a_settings_file_which_beats_the_recipe(trained, tmp_path):
    recipe = mine(tmp_path, "epochs = 1\ndim = 8\nblocks = 2\nmax-length = 9\n")
    own = tmp_path / "own.toml"
    own.write_text("[train]\nblocks = 3\nmax-length = 6\n")
    words = ("--recipe", recipe, "--max-length", 5)
    config = trained(*words, before=("--config", own))
    assert [config[name] for name in ("epochs", "dim", "blocks", "max_length")] == [1, 8, 3, 5]
    own.write_text(f"[train]\nrecipe = '{recipe}'\n")
    assert trained(before=("--config", own))["blocks"] == 2


def test_a_weight_on_the_command_line_replaces_the_recipes(trained, tmp_path):
    recipe = mine(tmp_path, "alpha = 0.5\nepochs = 1\ndim = 8\ncalibrate-items = 9\n")
    assert trained("--recipe", recipe)["joint"]["alpha"] == 0.5
    joint = trained("--recipe", recipe, "--calibrate-weight", 0.1)["joint"]
    assert (joint["weight"], joint["alpha"], joint["items"]) == (0.1, None, 9)


def test_a_weight_on_the_command_line_replaces_a_settings_file_s(trained, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("[train]\nalpha = 0.5\nepochs = 1\ndim = 8\n")
    joint = trained("--calibrate-weight", 0.1, before=("--config", own))["joint"]
    assert (joint["weight"], joint["alpha"]) == (0.1, None)
    assert trained(before=("--config", own))["joint"]["alpha"] == 0.5


def test_what_the_command_line_makes_idle_in_a_recipe_is_left_out(trained, tmp_path):
    recipe = mine(tmp_path, "heads = 2\nepochs = 1\ndim = 8\n")
    assert "heads" not in trained("--recipe", recipe, "--backbone", "gru4rec")


def test_a_recipe_may_do_without_vectors(run, files, tmp_path):
    recipe = mine(tmp_path, 'items = "id"\nepochs = 1\ndim = 8\n')
    assert run("train", "-i", files.log, "--recipe", recipe, "-o", tmp_path / "out.h5").status == 0


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [("dimm = 8", 3, "mine.toml: dimm is no setting of train"), (None, 2, "choose from beauty, ")],
)
def test_a_recipe_that_is_none_is_refused(run, files, tmp_path, text, status, said):
    name = mine(tmp_path, text) if text else "soup"
    words = ("train", files.vectors, "-i", files.log, "-o", tmp_path / "out.h5", "--recipe", name)
    run(*words).fails(status, said)
    assert not (tmp_path / "out.h5").exists()


def test_what_recipe_and_command_line_contradict_each_other_in_is_refused(run, files, tmp_path):
    words = ("train", files.vectors, "-i", files.log, "-o", tmp_path / "out.h5", "--recipe")
    run(*words, mine(tmp_path, "warmup = 5\n"), "--epochs", 3).fails(2, "--warmup must be", "not 5")
