"""What every model is asked: the same events, groups and candidates, whatever the order of its catalogue."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config import EvaluateConfig
from genair.data.sequences import leave_two_out
from genair.errors import InputError, UsageError
from genair.evaluate.task import make_task, reindexed

CONFIG = EvaluateConfig(negatives=2)
HISTORIES = [[1, 2, 3, 4], [5, 1, 6], [6, 5, 4, 3], [2], [4, 6, 5]]
IDS = ["e", "a", "f", "b", "d", "c"]


@pytest.fixture
def sequences(toy_sequences):
    return toy_sequences(HISTORIES, 6)


def test_events_are_those_of_training_only(sequences):
    task = make_task(sequences, IDS, "last-two", CONFIG)
    assert task.events.tolist() == [1, 2, 0, 1, 2, 1]
    assert task.groups.item_events.tolist() == [1, 1, 0, 2], "of items 4, 6, 3 and 5"
    assert task.groups.user_events.tolist() == [2, 1, 2, 1]


def test_negatives_are_not_in_the_whole_history_not_even_behind_the_target(toy_sequences):
    histories = [[1, 2, 3, 4], [4, 3, 2, 1], [5, 6, 5, 4]]
    clock = np.asarray([0, 1, 8, 9, 2, 3, 8.5, 9.5, 0.5, 1.5, 2.5, 9.2])
    sequences = replace(toy_sequences(histories, 6), times=clock)
    task = make_task(sequences, IDS, "time", CONFIG)
    ranked = dict(zip(task.split.test.histories.user_ids, task.negatives.tolist(), strict=True))
    for user, negatives in ranked.items():
        assert not set(negatives) & set(histories[int(user[1:])])


def test_candidates_are_what_the_history_leaves(sequences):
    exact = make_task(sequences, IDS, "last-two", EvaluateConfig())
    assert exact.candidates().tolist() == [3, 4, 3, 4]
    assert make_task(sequences, IDS, "last-two", CONFIG).candidates().tolist() == [3, 3, 3, 3]


def test_events_of_items_that_the_user_had_are_asked_for_among_all_items_or_not_at_all(toy_sequences):
    sequences = toy_sequences([[1, 2, 3, 1], [5, 5, 6], [4, 1, 6, 6]], 6)
    new, every = (
        make_task(sequences, IDS, "last-two", EvaluateConfig(keep_seen=keep_seen))
        for keep_seen in (False, True)
    )
    assert new.split.test.histories.user_ids == ["u1"]
    assert new.candidates().tolist() == [5]
    assert new.groups.user_events.tolist() == [1]
    assert every.split.test.targets.tolist() == [1, 6, 6]
    assert every.candidates().tolist() == [6, 6, 6]


def test_unknown_splits_are_refused(sequences):
    with pytest.raises(UsageError, match="unknown split 'random': choose from last-two, time"):
        make_task(sequences, IDS, "random", CONFIG)


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(9)))
def test_in_another_catalogue_the_task_is_the_same(toy_sequences, order):
    sequences, ids = toy_sequences(HISTORIES, 6), [*IDS]
    others = [[*IDS, "new", "newer", "newest"][place] for place in order]
    one = make_task(sequences, ids, "last-two", CONFIG)
    other = make_task(reindexed(sequences, ids, others, name="o"), others, "last-two", CONFIG)
    assert _names(one.negatives, ids) == _names(other.negatives, others)
    assert _names(one.split.test.targets, ids) == _names(other.split.test.targets, others)
    assert _names(one.split.train.items, ids) == _names(other.split.train.items, others)
    assert (
        dict(zip(ids, one.events.tolist(), strict=True)).items()
        <= dict(zip(others, other.events.tolist(), strict=True)).items()
    )
    for name, mask in one.groups.masks().items():
        assert mask.tolist() == other.groups.masks()[name].tolist()


def _names(indices, ids):
    return [ids[index - 1] for index in indices.ravel().tolist()]


def test_items_that_the_other_lacks_are_named(sequences):
    with pytest.raises(InputError, match=r"^b\.h5: does not know 2 items of the log, the first is 'f'"):
        reindexed(sequences, IDS, ["a", "e", "d", "c", "x"], name="b.h5")


def test_items_that_no_event_names_need_not_be_known(toy_sequences):
    sequences = toy_sequences([[1, 2, 1, 4]], 4)
    found = reindexed(sequences, ["a", "b", "never", "d"], ["d", "b", "a"], name="o")
    assert found.items.tolist() == [3, 2, 3, 1]
    assert found.n_items == 3
    assert leave_two_out(found, keep_seen=True).test.targets.tolist() == [1]
