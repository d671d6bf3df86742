"""What a reader of the figures should know: where a split looks ahead, and what a model may have seen."""

from collections.abc import Iterable, Iterator

import numpy as np

from genair.data.sequences import Sequences
from genair.data.timesplit import clock_of
from genair.errors import InputError
from genair.evaluate.measuring import Contender
from genair.evaluate.task import Task, rows_of
from genair.provenance import Step, is_calibration

_FEW = 0.01
LAST_TWO = "last-two"


def split_of(contender: Contender) -> str:
    """Return the split by which a model was trained; files from before there was a choice do not name it."""
    return str(contender.model.config.get("split", LAST_TWO))


def keeps_seen(contender: Contender) -> bool:
    """Return whether a model was validated on events of items that the user had before, too."""
    return bool(contender.model.config.get("keep_seen", False))


def of_negatives(negatives: int | None) -> Iterator[str]:
    """Yield what ranks among sampled items are not."""
    if negatives is not None:
        yield (
            f"warning: ranks among {negatives} sampled items are not those in the whole catalogue, and may"
            " put models in another order: compare them with figures made so only"
        )


def of_events(sequences: Sequences, task: Task, split: str) -> Iterator[str]:
    """Yield what is to be known of the events that are ranked."""
    test = task.split.test
    if test.repeats:
        yield (
            f"{test.repeats} of {test.repeats + len(test.targets)} users are left out: what they had next is"
            " in their history; --keep-seen ranks such items, too"
        )
    cold = int(np.sum(task.groups.item_events == 0))
    if cold:
        yield f"{cold} of {len(test.targets)} events to predict are of items without a training event"
    try:
        times = clock_of(sequences)
    except InputError:  # no times, or they only count
        return
    rows = rows_of(sequences, test.histories.user_ids)
    at = sequences.offsets[rows] + test.histories.lengths()
    after = np.minimum(at + 1, sequences.offsets[rows + 1] - 1)  # itself, where it is the last
    tied = float(np.mean((times[at] == times[at - 1]) | ((after > at) & (times[at] == times[after]))))
    if tied > _FEW:
        yield (
            f"warning: {tied:.0%} of the events to predict have the time of the event before or after:"
            " the order of the log's lines decides which is predicted"
        )
    if split == LAST_TWO and task.split.train.times is not None:
        learned = np.sort(task.split.train.times)
        later = 1 - float(np.searchsorted(learned, times[at], side="right").mean()) / len(learned)
        if later > _FEW:
            yield (
                f"warning: last-two looks ahead: on average {later:.0%} of the training events are later"
                " than the event to predict; --split time does not"
            )


def of_model(contender: Contender, split: str, log_sha256: str) -> Iterator[str]:
    """Yield what a model may have learned from that it should not have.

    Args:
        contender: the model.
        split: by which it is measured.
        log_sha256: digest of the log that it is measured on.
    """
    trained = split_of(contender)
    if trained != split:
        yield (
            f"warning: {contender.name} was trained with --split {trained}:"
            f" it may have learned from events that --split {split} ranks"
        )
    for step in contender.model.steps:
        if step.command == "train" and step.inputs.get("interactions") != log_sha256:
            yield (
                f"warning: {contender.name} was trained on another log:"
                " it may have learned from events that are ranked"
            )
    yield from of_vectors(contender.name, contender.model.steps, split, log_sha256)


def of_vectors(name: str, steps: Iterable[Step], split: str, log_sha256: str) -> Iterator[str]:
    """Yield what item vectors may know that they should not: calibration learns from events, too.

    Args:
        name: what has the vectors.
        steps: how they were made.
        split: by which a model is trained on them, or measured.
        log_sha256: digest of the log.
    """
    for step in steps:
        if not is_calibration(step):
            continue
        if step.inputs.get("interactions") != log_sha256:
            yield (
                f"warning: {name} has vectors that were calibrated on another log:"
                " they may know of events that are held out"
            )
        calibrated = step.settings.get("split", LAST_TWO)
        if calibrated != split:
            yield (
                f"warning: {name} has vectors that were calibrated by --split {calibrated}:"
                f" they may know of events that --split {split} holds out"
            )


def of_two(contender: Contender, against: Contender) -> Iterator[str]:
    """Yield what makes two models' ranks hard to compare."""
    refitted, other = (bool(one.model.config.get("refit")) for one in (contender, against))
    if refitted != other:
        more, less = (contender, against) if refitted else (against, contender)
        yield (
            f"warning: {more.name} learned from validation events, too (--refit), {less.name} did not:"
            " that is a part of their difference"
        )
    mine, its = set(contender.model.item_ids), set(against.model.item_ids)
    if mine != its:
        yield (
            f"warning: {contender.name} ranks among {len(mine)} items, {against.name} among {len(its)},"
            " which are not the same"
        )
