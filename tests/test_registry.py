"""Names to parts, imported only when asked for."""

from importlib import import_module

import pytest

from genair.errors import UsageError
from genair.registry import Registry

PARTS = Registry("part", {"ordered": "collections:OrderedDict", "absent": "genair.no_such_module:Thing"})


def test_names_come_in_the_order_they_were_listed_without_any_import():
    assert PARTS.names() == ("ordered", "absent")
    with pytest.raises(ModuleNotFoundError):
        PARTS.get("absent")


def test_a_name_gives_its_part():
    assert PARTS.get("ordered") is import_module("collections").OrderedDict


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"^unknown part 'other': choose from ordered, absent$"):
        PARTS.get("other")


def test_later_changes_to_the_listing_do_not_reach_in():
    entries = {"a": "collections:deque"}
    registry = Registry("part", entries)
    entries["b"] = "collections:Counter"
    assert registry.names() == ("a",)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("genair.llm", "BACKENDS"),
        ("genair.data", "SCORES"),
        ("genair.calibrate", "OBJECTIVES"),
        ("genair.models", "BACKBONES"),
        ("genair.train", "LOSSES"),
        ("genair.train", "SAMPLERS"),
    ],
)
def test_every_room_lists_parts_that_exist(module, name):
    registry = getattr(import_module(module), name)
    assert registry.names()
    for part in registry.names():
        if part != "llamacpp":  # needs its extra
            assert callable(registry.get(part))
