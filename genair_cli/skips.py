"""Records that cannot be used: the first stops the work, or all are counted, named and put aside."""

from genair.io.jsonl import encode_failed
from genair.records import Failed
from genair_cli.console import console
from genair_cli.options import OnErrorChoice
from genair_cli.status import Status
from genair_cli.streams import Outlet

_NAMED = 5


class Skips:
    """What to do with such records.

    Attributes:
        count: how many there were.
    """

    def __init__(self, on_error: OnErrorChoice, errors: Outlet | None) -> None:
        """Take whether the first stops the work, and where all go if it does not."""
        self.count = 0
        self._on_error = on_error
        self._errors = errors

    def __call__(self, failed: Failed) -> None:
        """Put a record aside; without a file for it, the first few are named.

        Raises:
            GenairError: its error, if the work is to stop.
        """
        if self._on_error is OnErrorChoice.FAIL:
            raise failed.error
        self.count += 1
        if self._errors is not None:
            self._errors.write(encode_failed(failed))
            return
        tell = console.note if self.count <= _NAMED else console.detail
        tell(f"skipped {failed.error}")

    @property
    def status(self) -> Status:
        """Return what the process should tell."""
        return Status.SOME_FAILED if self.count else Status.DONE
