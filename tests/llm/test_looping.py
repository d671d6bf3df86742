"""The repetition guard against a slow and obvious one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.llm.looping import loop_start

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=6)
MANY = settings(deadline=None, max_examples=300)


def copies_needed(period):
    """Three copies, or as many more as make twelve repeated tokens."""
    return next(copies for copies in range(3, 14) if (copies - 1) * period >= 12)


def naive(answer):
    """Try every run that the answer may end in, shortest first."""
    for period in range(1, 65):
        copies = copies_needed(period)
        if answer[-period * copies :] == answer[-period:] * copies:
            return len(answer) - period * copies + period
    return None


@given(TOKENS, TOKENS, st.integers(1, 14), st.integers(0, 5))
@MANY
def test_it_finds_what_the_obvious_search_finds(before, run, copies, more):
    answer = [*before, *run * copies, *run[:more]]
    assert loop_start(answer) == naive(answer)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=60))
@MANY
def test_it_finds_nothing_else_in_any_answer(answer):
    assert loop_start(answer) == naive(answer)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ([7] * 13, 1),
        ([7] * 12, None),
        ([1, 2, *[7] * 13], 3),
        ([1, 2, 3, 4] * 4, 4),
        ([1, 2, 3, 4] * 3, None),
        ([1, 2, 3, 4, 5, 6] * 3, 6),
        ([9, 9, *[1, 2, 3, 4, 5, 6] * 3], 8),
        ([*[1, 2, 3, 4, 5, 6] * 3, 9], None),
        ([*range(64)] * 3, 64),
        ([*range(65)] * 3, None),
        ([*range(64)] * 2, None),
        ([1, 2] * 7, 2),
        ([1, 2] * 6, None),
        ([], None),
    ],
)
def test_loops_by_hand(answer, kept):
    assert loop_start(answer) == kept


@given(TOKENS, TOKENS)
@MANY
def test_a_model_that_never_stops_is_stopped_soon_and_keeps_what_it_said_once(before, run):
    endless = [*before, *run * 20]
    for size in range(1, len(endless) + 1):
        kept = loop_start(endless[:size])
        if kept is not None:
            break
    assert kept is not None
    assert size <= len(before) + len(run) * copies_needed(len(run))
    assert 1 <= kept <= len(before) + len(run)
    assert loop_start(endless[:kept]) is None


def test_words_that_come_again_with_others_in_between_are_no_loop():
    answer = [token for number in range(40) for token in (1, 2, 3, number + 10)]
    assert loop_start(answer) is None
