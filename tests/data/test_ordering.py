"""Order by digits: the one that comparing gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genair.data.ordering import order_by

WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.integers(2**53, 2**53 + 3)
BROKEN = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.5, -1.5, 5e-324])


@st.composite
def keys(draw):
    rows = draw(st.integers(1, 40))
    kinds = draw(st.lists(st.sampled_from([(np.int64, WHOLE), (np.float64, BROKEN)]), min_size=1, max_size=3))
    return [draw(arrays.arrays(kind, rows, elements=elements)) for kind, elements in kinds]


@given(keys())
@settings(deadline=None, max_examples=300)
def test_the_order_is_that_of_comparing(columns):
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert order_by(*columns).tolist() == sorted(range(len(rows)), key=rows.__getitem__)


@pytest.mark.parametrize("step", [0, 1, 2**15, 2**16, 2**40])
def test_many_rows_of_which_many_are_equal(step):
    rng = np.random.default_rng(0)
    users, times = rng.integers(50, size=20_000), rng.integers(200, size=20_000) * step - 2**41
    assert order_by(users, times).tolist() == np.lexsort((times, users)).tolist()
