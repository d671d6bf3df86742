"""Recipes: the shipped ones say what they should, and no file says nonsense."""

from pathlib import Path

import pytest

from genair.config import TrainConfig
from genair.errors import InputError, UsageError
from genair.train import RECIPES
from genair.train.recipes import load_recipe

DEFAULTS = TrainConfig().options()


@pytest.fixture
def recipe(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def test_all_recipes_are_there():
    papers = ("paper-beauty", "paper-fashion", "paper-yelp")
    assert RECIPES.names() == ("beauty", "gift-cards", "ml-100k", *papers, "yelp")


@pytest.mark.parametrize("name", RECIPES.names())
def test_a_recipe_states_differences_from_the_defaults_and_nothing_else(name):
    stated = load_recipe(name)
    assert stated
    assert [key for key, value in stated.items() if value == DEFAULTS[key]] == []
    made = TrainConfig.from_options(stated).options()
    assert made == {**DEFAULTS, **stated}


@pytest.mark.parametrize("name", ["paper-yelp", "paper-beauty", "paper-fashion"])
def test_the_papers_settings_are_the_papers(name):
    config = TrainConfig.from_options(load_recipe(name))
    assert (config.backbone, config.items, config.loss) == ("sasrec", "text", "bce")
    assert (config.dim, config.blocks, config.heads, config.dropout) == (128, 2, 1, 0.5)
    assert (config.max_length, config.batch_size, config.learning_rate) == (200, 128, 1e-3)
    assert (config.epochs, config.patience) == (50, 20)
    assert config.joint.alpha == (None if name == "paper-fashion" else 1e-4)
    assert (config.joint.objective, config.joint.gamma) == ("paper", 4)


def test_keys_are_those_of_options_in_either_spelling(recipe):
    found = load_recipe(recipe("max-length = 7\nlearning_rate = 1\nkeep-seen = true\nalpha = 2\n"))
    assert found == {"max_length": 7, "learning_rate": 1.0, "keep_seen": True, "alpha": 2.0}
    assert type(found["learning_rate"]) is type(found["alpha"]) is float


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dim = ", "not TOML"),
        ("dimm = 8", "dimm is no setting of train: use some of backbone, items, "),
        ("output = 'x'", "output is no setting of train"),
        ("max-length = 3\nmax_length = 4", "says a setting twice"),
        ("[joint]\nalpha = 1", "joint is no setting of train"),
        ("dim = 8.0", "dim must be a whole number, not 8.0"),
        ("dim = '8'", "dim must be a whole number, not '8'"),
        ("dim = true", "dim must be a whole number, not True"),
        ("dropout = '0.5'", "dropout must be a number, not '0.5'"),
        ("alpha = true", "alpha must be a number, not True"),
        ("alpha = 1\ncalibrate-items = 9.0", "calibrate-items must be a whole number, not 9.0"),
        ("loss = 1", "loss must be text, not 1"),
        ("keep-seen = 1", "keep-seen must be true or false, not 1"),
        ("dim = 0", "--dim must be 1 to 2147483647, not 0"),
        ("warmup = 300", "--warmup must be 0 or more and below --epochs 200"),
        ("alpha = 1\ncalibrate-weight = 1", "--calibrate-weight and --alpha set the same weight"),
        ("backbone = 'none'", "unknown backbone 'none'"),
        ("schedule = 'none'", "unknown schedule 'none'"),
        ("loss = 'sampled-ce'\nsampler = 'none'", "unknown sampler 'none'"),
        ("split = 'none'", "unknown split 'none'"),
        ("alpha = 1\ncalibrate-objective = 'none'", "unknown objective 'none'"),
        ("negatives = 9", "negatives changes nothing with --loss ce"),
        ("mask-probability = 0.6", "mask-probability changes nothing with --backbone sasrec"),
        ("calibrate-items = 9", "calibrate-items changes nothing without --calibrate-weight or --alpha"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_file_and_the_key(recipe, text, said):
    name = recipe(text)
    with pytest.raises(InputError) as failure:
        load_recipe(name)
    assert failure.value.where == name
    assert said in failure.value.message


def test_what_is_left_to_the_card_is_a_setting_too(recipe):
    assert load_recipe(recipe("precision = 'auto'")) == {"precision": "auto"}


def test_the_page_shows_a_recipe_that_is_one_and_names_all_that_there_are(recipe):
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    assert load_recipe(recipe(page.split("```toml\n")[1].split("```")[0]))
    table = page.split("| recipe | for |")[1].split("\n\n")[0]
    assert all(f"`{name}`" in table for name in RECIPES.names())


def test_an_unknown_recipe_is_refused_with_those_that_there_are():
    with pytest.raises(
        UsageError, match=r"unknown recipe 'soup': choose from beauty, .*yelp, or name a TOML"
    ):
        load_recipe("soup")
