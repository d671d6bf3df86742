"""Recipes: settings that exist, for formats that exist, and a comparison that says what differs."""

import pytest

from genair.config.importing import FilterConfig
from genair.data.importers import IMPORTERS
from genair.data.importers.recipes import RECIPES, load_recipe
from genair.data.summary import Summary
from genair.errors import UsageError


def summary_of(users, items, interactions):
    return Summary(users, items, interactions, 0, 0, 0, 0, 0, 0)


def test_all_recipes_are_there():
    assert RECIPES.names() == ("paper-beauty", "paper-fashion", "paper-yelp", "s3rec")


@pytest.mark.parametrize("name", RECIPES.names())
def test_a_recipe_sets_what_can_be_set_for_formats_that_there_are(name):
    recipe = load_recipe(name)
    assert set(recipe.formats) <= set(IMPORTERS.names())
    assert recipe.source
    for form in (*recipe.formats, "table"):
        assert FilterConfig(**recipe.settings(form)) != FilterConfig()
    for size in recipe.expected.values():
        assert size.keys() <= {"users", "items", "interactions"}
        assert size


def test_a_format_has_settings_of_its_own():
    recipe = load_recipe("s3rec")
    assert "since" not in recipe.settings("amazon")
    assert recipe.settings("yelp")["since"] == "2019-01-01"


def test_a_recipe_for_another_format_is_refused():
    with pytest.raises(UsageError, match=r"^--recipe paper-yelp is for yelp: Yelp's dump"):
        load_recipe("paper-yelp").settings("amazon")


def test_an_unknown_recipe_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="unknown recipe 'soup': choose from paper-beauty, "):
        load_recipe("soup")


def test_the_nearest_data_set_is_compared():
    recipe = load_recipe("s3rec")
    same = recipe.compare(summary_of(22363, 12101, 198502))
    assert same.data == "beauty"
    assert same.words() == ("s3rec makes beauty as expected: 22363 users, 12101 items, 198502 interactions")
    other = recipe.compare(summary_of(30431, 20000, 316354))
    assert other.data == "yelp"
    assert other.words() == (
        "s3rec makes yelp not as expected: 30431 users, 20000 items instead of 20033, 316354 interactions"
    )
