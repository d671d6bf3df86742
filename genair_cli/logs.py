"""Reading a click log against the items of a file, and what there is to say about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genair.data.ids import IdMap
from genair.data.interactions import read_interactions
from genair.data.sequences import MIN_EVENTS, Sequences, build_sequences
from genair.data.summary import words_on_ties
from genair_cli.console import console
from genair_cli.options import OnErrorChoice
from genair_cli.status import Status
from genair_cli.streams import name_of, rows_in


@dataclass(frozen=True)
class Log:
    """A click log whose items are known.

    Attributes:
        item_ids: the catalogue; item_ids[i] is item index i + 1 of the sequences.
        sequences: every user's history.
        sha256: digest of the file.
    """

    item_ids: Sequence[str]
    sequences: Sequences
    sha256: str

    @property
    def status(self) -> Status:
        """Return what the process should tell: whether events were dropped."""
        return Status.SOME_FAILED if self.sequences.unknown else Status.DONE


def read_log(
    operand: str, item_ids: Sequence[str] | None, on_error: OnErrorChoice, catalogue: str | None = None
) -> Log:
    """Read a log and say on stderr what its reader should know.

    Args:
        operand: a file, or `-`.
        item_ids: the catalogue; None takes the items the log names, sorted.
        on_error: whether events of unknown items stop the work or are dropped.
        catalogue: the file that `item_ids` are from, `-` or None if it came through a pipe.

    Raises:
        InputError: a line breaks the schema, or names an item that is not in `item_ids`.
    """
    with rows_in(operand) as source:
        log = read_interactions(source.blocks, source.name)
        skip = on_error is OnErrorChoice.SKIP
        known = sorted(log.item_ids) if item_ids is None else item_ids
        sequences = build_sequences(
            log, IdMap(known, name_of(catalogue)), name=source.name, skip_unknown=skip
        )
        _comment(sequences, source.name)
        return Log(known, sequences, source.reader.sha256)


def _comment(sequences: Sequences, name: str) -> None:
    lengths = sequences.lengths()
    short = int(np.sum(lengths < MIN_EVENTS))
    if sequences.unknown:
        console.note(f"{name}: {sequences.unknown} events dropped, their items have no vector")
    if words := words_on_ties(sequences.ties):
        console.note(f"{name}: warning: {words}")
    if short:
        console.detail(
            f"{name}: {short} users have fewer than {MIN_EVENTS} events: --split last-two only trains on them"
        )
