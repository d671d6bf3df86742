"""Recipes: settings that make the data sets others published figures on, and how large those were.

A recipe is TOML of this package: `source`, `formats`, `[filters]` and, for one format only,
`[filters.FORMAT]`; `[expected.DATA]` has those of users, items and interactions that could be verified.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from genair.errors import UsageError
from genair.io.shelf import Shelf

if TYPE_CHECKING:
    from genair.data.summary import Summary

RECIPES = Shelf("recipe", resources.files("genair.data.importers") / "recipes")
_ANY_FORMAT = "table"


@dataclass(frozen=True)
class Comparison:
    """A log beside the data set that it should be.

    Attributes:
        recipe: the recipe's name.
        data: the data set, of those that the recipe makes the one that is nearest in size.
        expected: its size, as far as it is known.
        found: the log's size.
    """

    recipe: str
    data: str
    expected: Mapping[str, int]
    found: Mapping[str, int]

    def words(self) -> str:
        """Return in a sentence what is as expected and what is not."""
        sizes = (
            f"{self.found[name]} {name}" + ("" if self.found[name] == wanted else f" instead of {wanted}")
            for name, wanted in self.expected.items()
        )
        same = "as expected" if self.expected == self.found else "not as expected"
        return f"{self.recipe} makes {self.data} {same}: {', '.join(sizes)}"


@dataclass(frozen=True)
class Recipe:
    """Settings for some published data sets.

    Attributes:
        name: of the recipe.
        source: which dump it is for.
        formats: of that dump.
        filters: settings by name of `FilterConfig`; a format's own are in a table of its name.
        expected: by data set, its known size.
    """

    name: str
    source: str
    formats: tuple[str, ...]
    filters: Mapping[str, Any]
    expected: Mapping[str, Mapping[str, int]]

    def settings(self, form: str) -> dict[str, Any]:
        """Return settings for a format.

        Raises:
            UsageError: the recipe is for another.
        """
        if form not in (*self.formats, _ANY_FORMAT):
            raise UsageError(f"--recipe {self.name} is for {' or '.join(self.formats)}: {self.source}")
        general = {key: value for key, value in self.filters.items() if not isinstance(value, Mapping)}
        return {**general, **self.filters.get(form, {})}

    def compare(self, summary: "Summary") -> Comparison:
        """Compare a log with the nearest data set."""
        made = {"users": summary.users, "items": summary.items, "interactions": summary.interactions}

        def distance(data: str) -> float:
            return sum(abs(made[name] / wanted - 1) for name, wanted in self.expected[data].items())

        data = min(self.expected, key=distance)
        return Comparison(
            self.name, data, self.expected[data], {name: made[name] for name in self.expected[data]}
        )


def load_recipe(name: str) -> Recipe:
    """Return a recipe.

    Raises:
        UsageError: there is none of that name.
    """
    data = RECIPES.read(name)
    return Recipe(name, data["source"], tuple(data["formats"]), data["filters"], data["expected"])
