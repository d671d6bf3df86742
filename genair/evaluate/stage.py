"""The whole stage: what scores items and a log in, rows of metrics out."""

from typing import Any

from genair.data.sequences import Sequences, leave_two_out
from genair.evaluate.metrics import report
from genair.evaluate.ranking import Scorer, rank_targets


def evaluate(scorer: Scorer, sequences: Sequences, max_length: int, batch_size: int) -> list[dict[str, Any]]:
    """Rank the test events of a log, whose item indices follow the scorer's.

    Args:
        scorer: see `genair.evaluate.ranking`.
        sequences: whole histories.
        max_length: most recent events the scorer sees.
        batch_size: users scored together.

    Raises:
        InputError: no user has three events, or the scores are not numbers.
    """
    return list(report(rank_targets(scorer, leave_two_out(sequences).test, max_length, batch_size)))
