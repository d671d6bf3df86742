"""One model at a task: its scores become ranks and lists, block by block."""

from dataclasses import dataclass

import numpy as np

from genair.data.sequences import Indices
from genair.evaluate.lists import best_items
from genair.evaluate.metrics import CUTOFFS
from genair.evaluate.ranking import Ranks, Scorer, ranks_among, ranks_in_catalogue, score_blocks
from genair.evaluate.task import Task
from genair.io.checkpoints import ModelFile


@dataclass(frozen=True)
class Contender:
    """A model to measure.

    Attributes:
        name: what messages call its file.
        model: its catalogue, and how it was made.
        scorer: scores its items.
    """

    name: str
    model: ModelFile
    scorer: Scorer


@dataclass(frozen=True)
class Outcome:
    """What a model made of a task.

    Attributes:
        task: in the model's indices.
        ranks: of the targets, shape (users,).
        lists: each user's best candidates, as indices (users, largest cutoff).
    """

    task: Task
    ranks: Ranks
    lists: Indices


def measure(contender: Contender, task: Task, batch_size: int | None = None) -> Outcome:
    """Rank a task's targets, and list what is best for each user.

    Args:
        contender: the model.
        task: in the model's indices.
        batch_size: users scored together; None chooses.

    Raises:
        InputError: a score is not finite.
    """
    test, longest = task.split.test, max(CUTOFFS)
    max_length = int(contender.model.config["max_length"])
    ranks = np.empty(len(test.targets))
    lists = np.empty((len(ranks), longest), dtype=np.int64)
    for block in score_blocks(contender.scorer, test, max_length, batch_size):
        lists[block.users] = best_items(block, longest)
        ranks[block.users] = (
            ranks_in_catalogue(block)
            if task.negatives is None
            else ranks_among(block, task.negatives[block.users])
        )
    return Outcome(task, ranks, lists)
