"""The list of rules, and the page that explains them."""

import re
from pathlib import Path

import pytest

from genair.check import rules
from genair.check.findings import Level

PAGE = (Path(__file__).parents[2] / "docs" / "checking.md").read_text("utf-8")
LISTS = (rules.OF_LINES, rules.OF_ITEMS, rules.OF_LINES_OF_LOGS, rules.OF_EVENTS, rules.OF_FILES)


def documented():
    """Return the level of each code in the page's tables."""
    rows = [line.split("|")[1:3] for line in PAGE.split("\n") if line.startswith("| `")]
    return {code: level.strip() for names, level in rows for code in re.findall(r"`([a-z0-9-]+)`", names)}


def test_every_code_is_explained_with_its_level_and_no_other():
    levels = {rule.code: str(rule.level) for one in LISTS for rule in one} | {rules.UNREADABLE: "error"}
    told = {code: level for code, level in documented().items() if code not in set(Level)}
    assert told == levels


@pytest.mark.parametrize("one", LISTS)
def test_a_list_tells_errors_first_then_warnings_then_notes(one):
    order = [list(Level).index(rule.level) for rule in one]
    assert order == sorted(order)
    assert len({rule.code for rule in one}) == len(one)
