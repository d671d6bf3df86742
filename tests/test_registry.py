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


OPEN = Registry("part", {"ordered": "collections:OrderedDict"}, group="genair.backbones")


def test_a_room_with_a_group_takes_parts_by_their_own_names():
    assert OPEN.get("collections:deque") is import_module("collections").deque
    assert OPEN.names() == ("ordered",)
    with pytest.raises(UsageError, match=r"unknown part 'collections:deque'"):
        PARTS.get("collections:deque")


def test_an_installed_part_goes_by_the_name_that_it_has_there(example_backbone):
    assert OPEN.get("moving-average") is import_module("moving_average").MovingAverage
    OPEN.check("moving-average")
    with pytest.raises(UsageError, match="choose from ordered, moving-average, or give module:attribute"):
        OPEN.get("moving")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no_such_module:Thing", "No module named 'no_such_module'"),
        ("collections:Thing", "no attribute 'Thing'"),
        (":Thing", "Empty module name"),
        (".:Thing", "package"),
    ],
)
def test_a_part_from_outside_that_is_not_there_is_one_line(name, why):
    OPEN.check(name)
    with pytest.raises(UsageError, match=rf"^part '{name}' cannot be imported: .*{why}"):
        OPEN.get(name)


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
