"""Recipes: settings for a data set, in place of the defaults.

A recipe is TOML, a key an option of `genair train`: `max-length = 200`. It states what differs from the
defaults, and no more. Those that are known by name lie in genair/recipes.
"""

from typing import Any

from genair.config import TrainConfig
from genair.errors import InputError, UsageError
from genair.train import RECIPES
from genair.train.idle import idle_settings

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def load_recipe(name: str) -> dict[str, Any]:
    """Return what a recipe, known by name or a file, says: values by the names of options.

    Raises:
        UsageError: there is no such recipe.
        InputError: it is not TOML, or says what is no setting, out of its range, or changes nothing.
    """
    said = RECIPES.read(name)
    if len({key.replace("-", "_") for key in said}) < len(said):
        raise InputError("says a setting twice, with - and with _", where=name)
    values = {key.replace("-", "_"): _checked(key, value, name) for key, value in said.items()}
    try:
        decided = {key: value for key, value in values.items() if (key, value) != ("precision", "auto")}
        idle = idle_settings(TrainConfig.from_options(decided))
    except UsageError as error:
        raise InputError(error.message, where=name) from error
    for key in idle.keys() & values.keys():
        raise InputError(f"{key.replace('_', '-')} changes nothing {idle[key]}", where=name)
    return values


def _checked(key: str, value: object, where: str) -> object:
    """Return a value as the option's kind, where a whole number will do for any.

    Raises:
        InputError: there is no such option, or it is of another kind.
    """
    kinds = {name.replace("_", "-"): kind for name, kind in TrainConfig.kinds().items()}
    name = key.replace("_", "-")
    if name not in kinds:
        raise InputError(f"{key} is no setting of train: use some of {', '.join(kinds)}", where=where)
    kind = kinds[name]
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise InputError(f"{key} must be {_KINDS[kind]}, not {value!r}", where=where)
