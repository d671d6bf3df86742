"""The last whole epoch of a run, kept in the folder of its work: what a killed run goes on with.

One file, replaced as a whole after each epoch, holds everything, so its parts always belong together
(`genair-checkpoint` in docs/formats.md). The work's journal tells that there is one.
"""

import json
from dataclasses import asdict

import numpy as np

from genair.errors import GenairError, InputError
from genair.io.atomic import install
from genair.io.container import Array, Container, create_container, open_container
from genair.io.partial import Partial
from genair.train.learner import Learner
from genair.train.progress import EpochRow, Progress
from genair.train.state import State, restore, state_of

KIND = "genair-checkpoint"
_NAME = "checkpoint.h5"


class Checkpoints:
    """Keeps each epoch, and gives back the last.

    Attributes:
        progress: what the work had come to when it was opened.
    """

    def __init__(self, partial: Partial) -> None:
        """Read what the work holds, if it goes on.

        Raises:
            InputError: the file is damaged.
        """
        self._partial = partial
        self._path = partial.folder / _NAME
        self._state: State | None = None
        self.progress = Progress()
        if partial.resumed:
            self._state, self.progress = self._read()

    def restore(self, learner: Learner) -> None:
        """Bring a new learner where the work was.

        Raises:
            GenairError: the backbone is no longer the same.
        """
        try:
            if self._state is not None:
                restore(learner, self._state)
                self._state = None
        except (KeyError, RuntimeError) as error:
            raise GenairError("does not fit the backbone any more", where=str(self._path)) from error

    def save(self, learner: Learner, progress: Progress) -> None:
        """Keep what a learner is after an epoch.

        Raises:
            OSError: the disk is full.
        """
        state = state_of(learner)
        fresh = self._path.with_suffix(".new")
        with create_container(fresh, KIND) as container:
            container.write_strings("values", [json.dumps(state.values)])
            container.write_strings("rows", [json.dumps(asdict(row)) for row in progress.rows])
            for group, arrays in (("learner", state.arrays), ("best", progress.weights)):
                for name, array in arrays.items():
                    container.write(f"{group}/{name}", np.asarray(array))
        install(fresh, self._path, force=True)
        self._partial.commit(f"{'refit' if progress.refitted else 'epoch'} {learner.epochs}")

    def _read(self) -> tuple[State, Progress]:
        name = str(self._path)
        try:
            with open_container(self._path, name, KIND) as container:
                (values,) = container.read_strings("values")
                rows = [EpochRow(**json.loads(row)) for row in container.read_strings("rows")]
                state = State(_arrays(container, "learner"), json.loads(values))
                return state, Progress(rows, _arrays(container, "best"))
        except (ValueError, TypeError) as error:
            raise InputError("is damaged: use --force without --resume to start again", where=name) from error


def _arrays(container: Container, group: str) -> dict[str, Array]:
    return {path.removeprefix(f"{group}/"): container.read(path) for path in container.names(group)}
