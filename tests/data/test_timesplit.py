"""The split by time: nothing after a moment is learned from, or seen when an event behind it is predicted."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genair.data import SPLITS
from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import build_sequences, leave_two_out
from genair.data.timesplit import clock_of, split_by_time
from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.jsonl import encode_line

FEW = settings(deadline=None, max_examples=150)


def sequences_of(events):
    """Build sequences of (user number, item number, time) tuples."""
    rows = [
        {"user_id": f"u{user}", "item_id": f"i{item}"} | ({} if time is None else {"timestamp": time})
        for user, item, time in events
    ]
    log = read_interactions([Block(b"".join(map(encode_line, rows)), 1)], "log")
    return build_sequences(log, IdMap([f"i{n}" for n in range(9)]), name="log")


def as_dict(sequences):
    return {user: sequences.of(number).tolist() for number, user in enumerate(sequences.user_ids)}


def held_dict(held):
    return {
        user: (history, target)
        for (user, history), target in zip(
            as_dict(held.histories).items(), held.targets.tolist(), strict=True
        )
    }


# Ten events of four users at the times 0 to 9: the validation period is 8, the test period 9.
BY_HAND = [
    (0, 0, 0), (1, 1, 1), (0, 2, 2), (2, 3, 3), (1, 4, 4),
    (0, 5, 5), (2, 6, 6), (3, 7, 7), (0, 8, 8), (3, 0, 9),
]  # fmt: skip


def test_a_split_by_hand():
    split = split_by_time(sequences_of(BY_HAND))
    assert as_dict(split.train) == {"u0": [1, 3, 6], "u1": [2, 5], "u2": [4, 7], "u3": [8]}
    assert held_dict(split.valid) == {"u0": ([1, 3, 6], 9)}
    assert held_dict(split.test) == {"u3": ([8], 1)}


def test_the_validation_period_is_seen_when_testing_and_the_test_period_s_own_past_is_not():
    events = [*((9, 8, time) for time in range(16)), (0, 1, 3), (0, 2, 16), (0, 3, 18), (0, 4, 19)]
    split = split_by_time(sequences_of(events))
    assert held_dict(split.valid) == {"u0": ([2], 3)}
    assert held_dict(split.test) == {"u0": ([2, 3], 4)}, "only the first event of the period is predicted"
    assert (split.valid.repeats, split.test.repeats) == (1, 0), "user 9 has item 8 again at the time 15"
    assert held_dict(split_by_time(sequences_of(events), keep_seen=True).valid)["u9"] == ([9] * 15, 9)


def test_a_period_of_nothing_but_repeats_is_refused_unless_they_are_kept():
    sequences = sequences_of([*BY_HAND[:-1], (3, 7, 9)])
    with pytest.raises(InputError, match="had before: only --keep-seen"):
        split_by_time(sequences)
    assert held_dict(split_by_time(sequences, keep_seen=True).test) == {"u3": ([8], 8)}


def test_users_without_a_past_are_not_held():
    split = split_by_time(sequences_of([*BY_HAND[:-1], (4, 0, 9), (3, 1, 9)]))
    assert held_dict(split.test) == {"u3": ([8], 2)}
    assert as_dict(split.train)["u4"] == []


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(0, 40)), min_size=10, max_size=80),
    st.booleans(),
)
@FEW
def test_nothing_is_seen_before_its_time(events, keep_seen):
    sequences = sequences_of(events)
    try:
        split = split_by_time(sequences, keep_seen=keep_seen)
    except InputError:
        assume(False)
    ordered = sorted(time for _, _, time in events)
    valid_from, test_from = ordered[len(ordered) * 8 // 10], ordered[len(ordered) * 9 // 10]
    histories = defaultdict(list)
    for user, item, time in sorted(events, key=lambda event: event[2]):  # stable: ties in input order
        histories[f"u{user}"].append((time, item + 1))

    def before(user, moment):
        return [item for time, item in histories[user] if time < moment]

    assert as_dict(split.train) == {user: before(user, valid_from) for user in sequences.user_ids}
    assert as_dict(split.known) == {user: before(user, test_from) for user in sequences.user_ids}
    for held, begin, end in ((split.valid, valid_from, test_from), (split.test, test_from, np.inf)):
        period = {
            user: (before(user, begin), next(item for time, item in histories[user] if begin <= time))
            for user in sequences.user_ids
            if before(user, begin) and any(begin <= time < end for time, _ in histories[user])
        }
        kept = {user: (past, item) for user, (past, item) in period.items() if keep_seen or item not in past}
        assert held_dict(held) == kept
        assert held.repeats == len(period) - len(kept)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([(user, item, None) for user in range(3) for item in range(5)], "no timestamps"),
        ([(user, item, item + 1) for user in range(3) for item in range(5)], "that only count"),
        ([(user, item, 7) for user, item in enumerate(range(1))] * 9, "the same time"),
        ([(0, 1, 0), *((0, 2, 9) for _ in range(9))], "the same time"),
        ([(n, 1, n) for n in range(9)] * 2, "no user has an event before"),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_way_out(events, words):
    with pytest.raises(InputError, match=f"{words}.*--split last-two"):
        split_by_time(sequences_of(events))


def test_users_of_one_start_are_an_order_and_a_few_are_chance():
    starts = [0, 0, 0, 1, 2, 3, 4, 5]
    clock_of(sequences_of([(user, 1, start) for user, start in enumerate(starts)]))
    with pytest.raises(InputError, match="that only count"):
        clock_of(sequences_of([(user, 1, start) for user, start in enumerate([0, 0, 0, *starts])]))


def test_times_stay_beside_their_events():
    sequences = sequences_of([(0, 1, 30), (1, 2, 5), (0, 3, 10), (1, 4, 2)])
    assert sequences.times.tolist() == [10, 30, 2, 5]
    assert sequences.select(np.asarray([1, 0]), np.asarray([1, 2])).times.tolist() == [2, 10, 30]
    assert sequences_of([(0, 1, None)]).times is None


def test_both_splits_have_a_name():
    assert SPLITS.names() == ("last-two", "time")
    assert SPLITS.get("last-two") is leave_two_out
    assert SPLITS.get("time") is split_by_time
