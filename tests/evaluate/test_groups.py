"""Groups by training events: nobody is in none, equals stay together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genair.config import EvaluateConfig
from genair.errors import UsageError
from genair.evaluate.groups import make_groups, threshold

COUNTS = st.lists(st.integers(0, 20), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("counts", "quantile", "wanted"),
    [
        ([1, 2, 3, 4, 5], 0.8, 5),
        ([5, 3, 1, 2, 4], 0.8, 5),
        ([1, 2, 3, 4, 5], 0.6, 4),
        ([0, 0, 0, 0, 9], 0.5, 1),
        ([7, 7, 7], 0.8, 8),
        ([4], 0.5, 5),
        (list(range(100)), 0.8, 80),
    ],
)
def test_thresholds_by_hand(counts, quantile, wanted):
    assert threshold(np.asarray(counts), quantile) == wanted


@given(COUNTS, st.sampled_from([0.1, 0.25, 0.5, 0.8, 0.9]))
def test_a_threshold_is_the_least_that_the_share_is_below(counts, quantile):
    found = threshold(np.asarray(counts), quantile)
    assert sum(count < found for count in counts) >= quantile * len(counts) - 1e-9
    assert sum(count < found - 1 for count in counts) < quantile * len(counts) + 1e-9


def _groups(**settings):
    events = np.asarray([9, 1, 5, 0, 2])
    return make_groups(
        events,
        np.arange(1, 6),
        np.asarray([1, 5, 4, 1]),
        np.asarray([2, 30, 2, 7]),
        EvaluateConfig(**settings),
    )


def test_groups_by_hand_the_first_and_the_last_item_and_user_too():
    groups = _groups()
    assert (groups.tail_below, groups.short_below) == (6, 31)
    assert groups.item_events.tolist() == [9, 2, 0, 9]
    masks = {name: np.flatnonzero(mask).tolist() for name, mask in groups.masks().items()}
    assert masks == {
        "all": [0, 1, 2, 3],
        "tail": [1, 2],
        "popular": [0, 3],
        "short": [0, 1, 2, 3],
        "long": [],
    }


@pytest.mark.parametrize(
    ("settings", "name", "members"),
    [
        ({"tail_below": 1}, "tail", [2]),
        ({"tail_below": 9}, "popular", [0, 3]),
        ({"tail_below": 10}, "popular", []),
        ({"tail_quantile": 0.2}, "tail", [2]),
        ({"short_below": 3}, "short", [0, 2]),
        ({"short_quantile": 0.5}, "long", [1, 3]),
        ({"short_quantile": 0.75}, "long", [1]),
    ],
)
def test_thresholds_and_quantiles_can_be_told(settings, name, members):
    assert np.flatnonzero(_groups(**settings).masks()[name]).tolist() == members


def test_items_that_the_log_does_not_name_do_not_move_the_quantile():
    events = np.asarray([3, 0, 0, 0, 0, 0, 2, 1])
    groups = make_groups(
        events, np.asarray([1, 7, 8]), np.asarray([1]), np.asarray([1]), EvaluateConfig(tail_quantile=0.5)
    )
    assert groups.tail_below == 3


@given(COUNTS, COUNTS)
def test_every_user_is_in_one_group_of_each_pair(items, users):
    n = min(len(items), len(users))
    groups = make_groups(
        np.asarray(items),
        np.arange(1, len(items) + 1),
        np.arange(1, n + 1),
        np.asarray(users[:n]),
        EvaluateConfig(),
    )
    masks = groups.masks()
    assert masks["all"].all()
    assert (masks["tail"] != masks["popular"]).all()
    assert (masks["short"] != masks["long"]).all()


@pytest.mark.parametrize(
    "settings",
    [{"tail_quantile": 0.0}, {"short_quantile": 1.0}, {"tail_below": 0}, {"short_below": -1},
     {"negatives": 0}, {"seed": -1}, {"tail_quantile": float("nan")}],
)  # fmt: skip
def test_settings_outside_their_range_are_refused_by_their_option(settings):
    option = f"--{next(iter(settings)).replace('_', '-')}"
    with pytest.raises(UsageError, match=option):
        EvaluateConfig(**settings)
