"""The best of each row, against sorting all of it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genair.evaluate.top import top_k

INF = torch.inf


def by_sorting(scores, k):
    """Return the k best columns of each row: higher scores first, of equal scores the lower column."""
    return [sorted(range(len(row)), key=lambda at: (-row[at], at))[:k] for row in scores.tolist()]


@pytest.mark.parametrize(
    ("row", "k", "wanted"),
    [
        ([1, 3, 2], 2, [1, 2]),
        ([1, 3, 2], 3, [1, 2, 0]),
        ([1, 3, 2], 9, [1, 2, 0]),
        ([5, 5, 5, 5], 2, [0, 1]),
        ([1, 5, 4, 4, 4], 2, [1, 2]),
        ([1, 5, 4, 4, 4], 4, [1, 2, 3, 4]),
        ([4, 4, -INF, 5], 2, [3, 0]),
        ([0, -0.0, 0], 1, [0]),
        ([7], 1, [0]),
    ],
)
def test_by_hand(row, k, wanted):
    values, columns = top_k(torch.tensor([row], dtype=torch.float32), k)
    assert columns.tolist() == [wanted]
    assert values.tolist() == [[row[column] for column in wanted]]


LEVEL = st.sampled_from([-INF, -1, 0, 1, 2]) | st.floats(-2, 2, width=32)


@given(arrays(np.float32, (3, 12), elements=LEVEL), st.integers(1, 14))
@settings(deadline=None, max_examples=200)
def test_equal_scores_go_by_the_catalogue(scores, k):
    values, columns = top_k(torch.from_numpy(scores.copy()), k)
    wanted = by_sorting(scores, k)
    hidden = torch.from_numpy(scores).gather(1, torch.tensor(wanted)) == -INF
    np.testing.assert_array_equal(values, np.take_along_axis(scores, np.asarray(wanted), axis=1))
    assert torch.equal(columns.masked_fill(hidden, 0), torch.tensor(wanted).masked_fill(hidden, 0))


def test_many_equal_scores_in_wide_rows():
    scores = torch.randint(0, 40, (50, 3000), generator=torch.Generator().manual_seed(0)).float()
    assert top_k(scores, 100)[1].tolist() == by_sorting(scores, 100)


def test_what_is_no_number_comes_first_and_so_cannot_hide():
    scores = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    scores[1, 49] = torch.nan
    assert top_k(scores, 3)[0].isnan().any(dim=1).tolist() == [False, True]
