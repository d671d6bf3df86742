"""Outside ids and inside indices are one to one, and 0 is nobody's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.data.ids import IdMap
from genair.errors import InputError

ID = st.text(min_size=1, max_size=6) | st.integers(0, 2**60).map(str)
IDS = st.lists(ID, unique=True, max_size=30)
ODD = ["007", "7", " 7 ", str(2**60), "7.0", "None", "é", "e\u0301", "item_id"]


@given(IDS, IDS)
@settings(deadline=None, max_examples=50)
def test_known_ids_map_one_to_one_and_unknown_ones_to_0(known, asked):
    ids = IdMap(known)
    indices = ids.indices_of(known)
    assert indices.tolist() == list(range(1, len(known) + 1))
    assert [ids.item_ids[index - 1] for index in indices] == known
    assert [bool(index) for index in ids.indices_of(asked)] == [item_id in known for item_id in asked]


def test_the_last_item_has_the_last_index():
    ids = IdMap(ODD)
    assert len(ids) == len(ODD)
    assert ids.index_of(ODD[-1]) == len(ODD)
    assert ids.rows_for([ODD[-1]]).tolist() == [len(ODD) - 1]


def test_ids_that_look_alike_stay_apart():
    assert IdMap(ODD).indices_of(ODD).tolist() == list(range(1, len(ODD) + 1))


@pytest.mark.parametrize("unknown", ["", "7 ", "07", "1152921504606846977", "0", "1"])
def test_an_unknown_id_is_0(unknown):
    assert IdMap(ODD).index_of(unknown) == 0


def test_indices_are_int64_even_of_nothing():
    assert IdMap([]).indices_of([]).dtype == np.int64
    assert IdMap([]).indices_of(["a"]).tolist() == [0]


@given(st.permutations(ODD))
@settings(deadline=None, max_examples=20)
def test_rows_join_a_table_to_another_order(wanted):
    rows = IdMap(ODD).rows_for(wanted)
    assert [ODD[row] for row in rows] == wanted


def test_an_id_that_comes_twice_is_refused():
    with pytest.raises(InputError, match="not unique"):
        IdMap(["a", "b", "a"])


def test_missing_ids_are_listed_to_five_and_counted():
    with pytest.raises(InputError) as caught:
        IdMap(["a"], "a.h5").rows_for(["x1", "a", "x2", "x3", "x4", "x5", "x6"])
    shown = "'x1', 'x2', 'x3', 'x4', 'x5', ..."
    assert str(caught.value) == f"6 item ids are not in a.h5: {shown}"
    assert IdMap([]).lacks(list("abcde")).endswith("'a', 'b', 'c', 'd', 'e'")
