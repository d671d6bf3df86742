"""Python literals are read as Python reads them, and nothing else is: no names, no calls, no depth."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.importers import literals
from genair.data.importers.literals import parse_literal
from genair.errors import InputError

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\\n{}[]"), max_size=8)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
ROWS = st.dictionaries(TEXT, VALUE, max_size=4)


@given(ROWS)
@settings(deadline=None, max_examples=200)
def test_what_python_writes_is_read_as_python_reads_it(row):
    line = repr(row).encode()
    assert repr(parse_literal(line, "a")) == repr(ast.literal_eval(line.decode()))


@given(st.text("{}[]():,'\"\\ab1. -\nNone\tTrue", max_size=30))
@settings(deadline=None, max_examples=300)
def test_the_quick_way_never_differs_from_the_exact_one(text):
    line = ("{'a': " + text + "}").encode()
    quick = literals._swapped(line)
    if quick is not None and not any(word in line for word in (b"null", b"true", b"false")):
        assert quick == ast.literal_eval(line.decode().strip())


def test_a_line_of_2014_goes_the_quick_way(monkeypatch):
    monkeypatch.setattr(literals, "_evaluated", lambda _: pytest.fail("the slow way"))
    line = (
        b"{'asin': '0001048791', 'salesRank': {'Books': 6334800}, 'categories': [['Books']], 'price': 9.5}\n"
    )
    assert parse_literal(line, "a")["salesRank"] == {"Books": 6334800}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (rb"{'a': 'it\'s'}", "it's"),
        (rb"{'a': '\x41\u00e9\n\\'}", "Aé\n\\"),
        (rb"{'a': 'say \"no\"'}", 'say "no"'),
        (b"{'a': \"it's\"}", "it's"),
        (b"{'a': u'no'}", None),
    ],
)
def test_escapes_mean_what_they_mean_in_python(line, value):
    if value is None:
        with pytest.raises(InputError):
            parse_literal(line, "a")
    else:
        assert parse_literal(line, "a") == {"a": value}


@pytest.mark.parametrize(
    "value", [b"1 + 1", b"-" * 9 + b"1", b"2 ** 9", b"f()", b"(1).real", b"not 1", b"[x for x in y]"]
)
def test_no_expression_gets_as_far_as_python(monkeypatch, value):
    monkeypatch.setattr(literals.ast, "literal_eval", lambda _: pytest.fail("was parsed"))
    with pytest.raises(InputError):
        parse_literal(b"{'a': \"\", 'b': " + value + b"}", "a")


@pytest.mark.parametrize(
    "line",
    [
        b"{'a': __import__('os').system('true')}",
        b"{'a': open('x')}",
        b"{'a': 1 + 1}",
        b"{'a': 2 ** 10 ** 10}",
        b"{'a': [x for x in (1,)]}",
        b"{'a': lambda: 1}",
        b"{'a': f'{1}'}",
        b"{'a': b'bytes'}",
        b"{'a': {1, 2}}",
        b"{'a': 1j}",
        b"{'a': ...}",
        b"{'a': 'torn",
        b"{1: 2}",
        b"['a']",
        b"{'a': '\\ud800'}",
        b"{'a': '\xff'}",
        b"{'a': 9" + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_plain_literal_is_refused(line):
    with pytest.raises(InputError, match=r"^a: "):
        parse_literal(line, "a")


@pytest.mark.parametrize(
    "bomb",
    [
        b"{'a': " + b"[" * 500_000,
        b"{'a': " + b"[" * 150_000 + b"'\\n'" + b"]" * 150_000 + b"}",
        b"{'a': " + b"{'b': " * 100_000 + b"1" + b"}" * 100_001,
        b"{'a': " + b"-" * 500_000 + b"1, 'b': \"\"}",
        b"{'a': " + b"1+" * 300_000 + b"1, 'b': \"\"}",
        b"{'a': " + b"(" * 300_000,
        b"{'a': " + b"not " * 300_000 + b"1, 'b': \"\"}",
        b"{'a': '" + b"\\" * 500_001,
        b"{'a': " + b"'x' " * 200_000,
        b"{'a': " + b"12 " * 300_000 + b"!",
        b"{'a': \"" + b"x" * (1 << 23) + b'\\n"}',
    ],
    ids=range(11),
)
def test_bombs_are_refused(bomb):
    with pytest.raises(InputError):
        parse_literal(bomb, "a")
