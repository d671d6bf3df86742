"""Histories in time order, and a split that loses nothing and leaks nothing."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import Held, build_sequences, leave_two_out, training_part
from genair.errors import InputError
from genair.io.blocks import Block
from genair.io.jsonl import encode_line

CATALOGUE = [f"item{number}" for number in range(6)]
LOG = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, len(CATALOGUE) - 1), st.integers(0, 4)),
    min_size=1,
    max_size=40,
)
FEW = settings(deadline=None, max_examples=70)


def sequences_of(events, *, catalogue=CATALOGUE, **kwargs):
    """Build sequences from (user number, item number, time) tuples."""
    rows = [
        {"user_id": f"u{user}", "item_id": f"item{item}"} | ({} if time is None else {"timestamp": time})
        for user, item, time in events
    ]
    log = read_interactions([Block(b"".join(map(encode_line, rows)), 1)], "log")
    return build_sequences(log, IdMap(catalogue), name="log", **kwargs)


def expected_histories(events):
    """Return {user id: item indices}, ordered by time and, in a tie, by input."""
    found = defaultdict(list)
    for position, (user, item, time) in enumerate(events):
        found[f"u{user}"].append((time, position, item + 1))
    return {user: [item for _, _, item in sorted(history)] for user, history in found.items()}


def as_dict(sequences):
    return {user: sequences.of(number).tolist() for number, user in enumerate(sequences.user_ids)}


@given(LOG)
@FEW
def test_events_are_in_time_order_and_ties_in_input_order(events):
    sequences = sequences_of(events)
    assert as_dict(sequences) == expected_histories(events)
    assert sequences.lengths().sum() == len(events)
    assert sequences.n_items == len(CATALOGUE)


@given(LOG)
@FEW
def test_the_share_of_ties_is_that_of_neighbours_with_equal_times(events):
    times = defaultdict(list)
    for user, _, time in events:
        times[user].append(time)
    pairs = [pair for own in map(sorted, times.values()) for pair in pairwise(own)]
    share = sum(one == two for one, two in pairs) / max(1, len(pairs))
    assert sequences_of(events).ties == pytest.approx(share)


def test_without_times_the_input_order_counts_and_nothing_ties():
    sequences = sequences_of([(0, 3, None), (1, 0, None), (0, 1, None), (0, 1, None), (0, 2, None)])
    assert as_dict(sequences) == {"u0": [4, 2, 2, 3], "u1": [1]}
    assert sequences.ties == 0.0


@given(LOG)
@FEW
def test_the_split_loses_no_event_and_leaks_none(events):
    histories = expected_histories(events)
    if all(len(history) < 3 for history in histories.values()):
        with pytest.raises(InputError, match="no user has 3 events"):
            leave_two_out(sequences_of(events))
        return
    split = leave_two_out(sequences_of(events), keep_seen=True)
    train, valid, test = (
        as_dict(part) for part in (split.train, split.valid.histories, split.test.histories)
    )
    long = {user: history for user, history in histories.items() if len(history) >= 3}
    assert train == {user: history[:-2] if user in long else history for user, history in histories.items()}
    assert valid == {user: history[:-2] for user, history in long.items()}
    assert as_dict(split.known) == {
        user: history[:-1] if user in long else history for user, history in histories.items()
    }
    assert test == {user: history[:-1] for user, history in long.items()}
    assert split.valid.targets.tolist() == [history[-2] for history in long.values()]
    assert split.test.targets.tolist() == [history[-1] for history in long.values()]
    assert split.valid.repeats == split.test.repeats == 0


@given(LOG)
@FEW
def test_events_of_items_that_the_user_had_are_counted_and_not_held(events):
    histories = [(user, own) for user, own in expected_histories(events).items() if len(own) >= 3]
    assume(histories)
    wanted = [
        {user: (own[:end], own[end]) for user, own in histories if own[end] not in own[:end]}
        for end in (-2, -1)
    ]
    if not all(wanted):
        with pytest.raises(InputError, match="every event to predict is of an item that its user had before"):
            leave_two_out(sequences_of(events))
        return
    split = leave_two_out(sequences_of(events))
    for held, new in zip((split.valid, split.test), wanted, strict=True):
        past = as_dict(held.histories)
        assert dict(zip(past, zip(past.values(), held.targets.tolist(), strict=True), strict=True)) == new
        assert held.repeats == len(histories) - len(new)


def test_some_of_what_is_held_can_be_selected(toy_sequences):
    held = Held(toy_sequences([[1, 2], [3], [2, 4, 2]], 4), np.asarray([3, 1, 4]), keep_seen=True)
    some = held.select(np.asarray([2, 0]))
    assert as_dict(some.histories) == {"u2": [2, 4, 2], "u0": [1, 2]}
    assert some.targets.tolist() == [4, 3]
    assert some.keep_seen
    assert some.are_repeats().tolist() == [True, False]


@given(LOG)
@FEW
def test_the_training_part_is_the_split_s(events):
    sequences = sequences_of(events)
    if sequences.lengths().max() >= 3:
        assert as_dict(training_part(sequences)) == as_dict(leave_two_out(sequences, keep_seen=True).train)
    else:
        assert as_dict(training_part(sequences)) == as_dict(sequences)


@given(LOG, st.sets(st.integers(0, len(CATALOGUE) - 1), min_size=1))
@FEW
def test_unknown_items_are_counted_and_dropped_when_asked(events, kept):
    catalogue = [CATALOGUE[number] for number in sorted(kept)]
    known = [(user, item, time) for user, item, time in events if item in kept]
    if not known:
        with pytest.raises(InputError, match=r"^log: none of its items"):
            sequences_of(events, catalogue=catalogue, skip_unknown=True)
        return
    sequences = sequences_of(events, catalogue=catalogue, skip_unknown=True)
    assert sequences.unknown == len(events) - len(known)
    place = {number + 1: index for index, number in enumerate(sorted(kept), start=1)}
    expected = {user: [place[item] for item in own] for user, own in expected_histories(known).items()}
    found = as_dict(sequences.known_only())
    assert {user: own for user, own in found.items() if own} == expected
    assert found.keys() == expected_histories(events).keys()


@given(LOG, st.sets(st.integers(0, len(CATALOGUE) - 1), min_size=1))
@FEW
def test_who_knows_fewer_items_learns_from_no_event_that_is_held_from_others(events, kept):
    def without_unknown(sequences, names):
        return {
            user: [names[item - 1] for item in own if names[item - 1] in wanted]
            for user, own in as_dict(sequences).items()
        }

    some = [CATALOGUE[number] for number in sorted(kept)]
    wanted = set(some)
    try:
        whole = leave_two_out(sequences_of(events), keep_seen=True)
        part = leave_two_out(sequences_of(events, catalogue=some, skip_unknown=True), keep_seen=True)
    except InputError:
        return
    assert without_unknown(part.train, some) == without_unknown(whole.train, CATALOGUE)
    assert without_unknown(part.known, some) == without_unknown(whole.known, CATALOGUE)
    for name in ("valid", "test"):
        ours, theirs = getattr(part, name), getattr(whole, name)
        asked = dict(zip(ours.histories.user_ids, ours.targets.tolist(), strict=True))
        events_of = dict(zip(theirs.histories.user_ids, theirs.targets.tolist(), strict=True))
        assert all(some[item - 1] == CATALOGUE[events_of[user] - 1] for user, item in asked.items())
        assert ours.histories.lengths().min() > 0


def test_unknown_items_are_an_error_that_says_how_to_drop_them():
    with pytest.raises(InputError) as caught:
        sequences_of([(0, 0, 1), (0, 5, 2), (1, 4, 3)], catalogue=CATALOGUE[:4])
    assert str(caught.value).startswith("log: 2 item ids are not in the catalogue: 'item5', 'item4'")
    assert "--on-error skip" in str(caught.value)


def test_selecting_takes_the_first_events(toy_sequences):
    sequences = toy_sequences([[1, 2, 3], [4], [5, 6]], 6)
    chosen = sequences.select(np.array([2, 0]), np.array([1, 0]))
    assert as_dict(chosen) == {"u2": [5], "u0": []}
    assert chosen.n_items == 6
