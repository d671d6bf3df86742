"""Codes: the same string has the same one, whatever came between."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.codes import Codes

COLUMNS = st.lists(st.lists(st.sampled_from(["b", "a", "é", "Z", " a", "10", "9"])), min_size=1, max_size=5)


def coded(columns):
    codes = Codes()
    return codes, pl.concat([codes.of(pl.Series(column, dtype=pl.String)) for column in columns])


@given(COLUMNS)
@settings(deadline=None, max_examples=80)
def test_strings_in_order_of_appearance(columns):
    codes, column = coded(columns)
    strings, index = codes.by_appearance(column)
    rows = [string for column in columns for string in column]
    assert strings == list(dict.fromkeys(rows))
    assert [strings[one] for one in index] == rows


@given(COLUMNS)
@settings(deadline=None, max_examples=80)
def test_strings_in_the_order_of_their_bytes(columns):
    codes, column = coded(columns)
    strings, ranks = codes.ranked()
    rows = [string for column in columns for string in column]
    assert strings.to_list() == sorted(set(rows), key=str.encode)
    assert strings.gather(ranks.gather(column)).to_list() == rows
