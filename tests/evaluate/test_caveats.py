"""What a reader of the figures is told, and what nobody need be told."""

from dataclasses import replace

import numpy as np
import pytest

from genair.config import EvaluateConfig
from genair.evaluate.caveats import of_events, of_model, of_negatives, split_of
from genair.evaluate.measuring import Contender
from genair.evaluate.task import make_task
from genair.io.checkpoints import ModelFile
from genair.provenance import add_step

IDS = [f"i{n}" for n in range(1, 7)]
EXACT = EvaluateConfig()


def _said(toy_sequences, histories, times=None, split="last-two", config=EXACT):
    sequences = toy_sequences(histories, 6)
    if times is not None:
        sequences = replace(sequences, times=np.concatenate(times).astype(float))
    return list(of_events(sequences, make_task(sequences, IDS, split, config), split))


def test_targets_that_were_never_learned_are_counted(toy_sequences):
    said = _said(toy_sequences, [[1, 2, 3], [2, 3, 1], [1, 2, 6]])
    assert said == ["2 of 3 events to predict are of items without a training event"]


@pytest.mark.parametrize("times", [None, [[1, 2, 3], [1, 2, 3], [1, 2, 3]]])
def test_of_an_order_without_a_clock_nothing_is_said(toy_sequences, times):
    assert _said(toy_sequences, [[1, 3, 2], [2, 3, 1], [1, 3, 2]], times) == []


def test_events_that_are_left_out_are_counted(toy_sequences):
    histories = [[1, 3, 2], [2, 3, 1], [1, 3, 1], [2, 3, 3], [1, 3, 2]]
    (said,) = _said(toy_sequences, histories)
    assert said.startswith("2 of 5 users are left out: what they had next is in their history; --keep-seen")
    (cold,) = _said(toy_sequences, histories, config=EvaluateConfig(keep_seen=True))
    assert cold == "1 of 5 events to predict are of items without a training event"


def test_how_far_last_two_looks_ahead_is_measured(toy_sequences):
    times = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [3, 9, 10]]
    (said,) = _said(toy_sequences, [[1, 3, 2], [2, 3, 1], [1, 3, 2], [2, 3, 1]], times)
    # Training events are at 1, 4, 7 and 3; targets at 3, 6, 9 and 10: 2, 1, 0 and 0 of 4 are later.
    assert said.startswith("warning: last-two looks ahead: on average 19% of the training events are later")
    assert "--split time" in said


def test_targets_in_a_tie_are_counted(toy_sequences):
    times = [[1, 3, 3], [4, 5, 6], [7, 8, 9], [0, 9, 9]]
    said = _said(toy_sequences, [[1, 3, 2], [2, 3, 1], [1, 3, 2], [2, 3, 1]], times)
    assert said[0].startswith("warning: 50% of the events to predict have the time of the event before or")


def test_a_split_by_time_does_not_look_ahead(toy_sequences):
    times = [np.arange(5) + 3 * user for user in range(12)]
    histories = [np.roll(np.arange(1, 7), user)[:5].tolist() for user in range(12)]
    assert _said(toy_sequences, histories, times, split="time") == []
    (said,) = _said(toy_sequences, histories, times)
    assert said.startswith("warning: last-two looks ahead")


def test_who_looks_ahead_of_nothing_is_not_told_so(toy_sequences):
    assert _said(toy_sequences, [[1, 2, 3], [2, 1, 3], [3, 1, 2]], [[1, 5, 9], [2, 6, 9], [3, 7, 8]]) == []


def test_by_time_a_tie_behind_the_target_decides(toy_sequences):
    """Of 40 events the last four, of two users, are ranked: one had both at once, as others had before."""
    late = [(20, 20), (21, 21), (22, 22), (23, 24), (30, 30), (31, 32), (40, 40), (41, 42)]
    times = [[user, user + 1, user + 2, *two] for user, two in enumerate(late)]
    histories = [np.roll(np.arange(1, 7), user)[:5].tolist() for user in range(8)]
    (said,) = _said(toy_sequences, histories, times, split="time")
    assert said.startswith("warning: 50% of the events to predict have the time of the event before or")


def test_ranks_among_sampled_items_come_with_a_warning():
    (said,) = of_negatives(100)
    assert said.startswith("warning: ranks among 100 sampled items are not those in the whole catalogue")
    assert list(of_negatives(None)) == []


def _contender(config, commands=("train",)):
    steps = []
    for command in commands:
        name, _, split = command.partition(" ")
        if name == "apply":  # of a calibration to new items: nothing is learned
            steps = add_step(steps, "calibrate", {"apply": steps[-1].id}, {})
            continue
        log = "ef" if split == "elsewhere" else "ab"
        steps = add_step(steps, name, {"split": split} if split == "time" else {}, {"interactions": log})
    return Contender("m.h5", ModelFile(config, IDS, {}, steps), lambda histories: histories)


@pytest.mark.parametrize(
    ("config", "commands", "split", "sha", "words"),
    [
        ({"split": "time"}, ["train"], "time", "ab", []),
        ({"split": "last-two"}, ["calibrate", "train"], "last-two", "ab", []),
        ({}, ["train"], "last-two", "ab", []),
        ({}, ["train"], "time", "ab", ["was trained with --split last-two"]),
        ({"split": "time"}, ["train"], "last-two", "ab", ["was trained with --split time"]),
        ({"split": "time"}, ["train"], "time", "cd", ["was trained on another log"]),
        ({"split": "time"}, ["calibrate", "train"], "time", "ab", ["were calibrated by --split last-two"]),
        ({"split": "time"}, ["calibrate time", "train"], "time", "ab", []),
        ({}, ["calibrate time", "train"], "last-two", "ab", ["were calibrated by --split time"]),
        ({}, ["calibrate elsewhere", "train"], "last-two", "ab", ["were calibrated on another log"]),
        ({"split": "time"}, ["calibrate time", "apply", "train"], "time", "ab", []),
        ({}, [], "time", "cd", ["was trained with --split last-two"]),
    ],
)
def test_what_a_model_may_have_seen_is_told(config, commands, split, sha, words):
    said = list(of_model(_contender(config, commands), split, sha))
    assert len(said) == len(words)
    for one, word in zip(said, words, strict=True):
        assert one.startswith("warning: m.h5 ")
        assert word in one


def test_a_file_that_names_no_split_is_of_the_time_before_there_was_a_choice():
    assert split_of(_contender({})) == "last-two"
    assert split_of(_contender({"split": "time"})) == "time"
