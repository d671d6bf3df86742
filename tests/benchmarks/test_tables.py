"""What pages say of results is what lies in benchmarks/results."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    path for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")) if "<!-- table:" in path.read_text()
]


@pytest.fixture(scope="module")
def filled():
    return runpy.run_path(str(ROOT / "benchmarks" / "table.py"))["filled"]


def test_some_page_shows_results():
    assert ROOT / "docs" / "results.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_tables_are_those_of_the_results(page, filled):
    text = page.read_text()
    assert filled(text) == text, f"python benchmarks/table.py {page.relative_to(ROOT)}"


def test_a_changed_figure_is_seen(filled):
    page = (ROOT / "docs" / "results.md").read_text()
    changed = page.replace(" → ", " → 1", 1)
    assert changed != page
    assert filled(changed) == page
