"""The histories of a log, or of a random share of its users, which makes a trial."""

import numpy as np

from genair.data.sequences import Sequences
from genair_cli.logs import read_log
from genair_cli.options import OnErrorChoice


def read_histories(log: str, share: float, item_ids: list[str] | None = None) -> Sequences:
    """Return whole histories of a share of the users.

    Args:
        log: a click log.
        share: of the users.
        item_ids: the catalogue, whole for any share; None takes the items that the log names, sorted.
    """
    sequences = read_log(log, item_ids, OnErrorChoice.FAIL).sequences
    if share >= 1:
        return sequences
    users = np.flatnonzero(np.random.default_rng(0).random(len(sequences)) < share)
    return sequences.select(users, sequences.lengths()[users])
