"""SIGTERM ends the process by an exception, so that everything is closed and tidied on the way out.

Python drops exceptions that come up inside a callback that must not fail (of a weak reference, of the garbage
collector). A signal that arrives there would be lost, and the process would go on: it is sent again.
"""

import os
import signal
import sys
import threading
from types import FrameType

from genair_cli.status import Status

_SOON_S = 0.01


def take_signals() -> None:
    """Be the one process that signals are for."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.unraisablehook = _dropped


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(Status.TERMINATED)


def _dropped(dropped: "sys.UnraisableHookArgs") -> None:
    """Send the signal again behind the callback that swallowed its exception; report any other exception."""
    sent = {SystemExit: signal.SIGTERM, KeyboardInterrupt: signal.SIGINT}.get(dropped.exc_type)
    if sent is None:
        sys.__unraisablehook__(dropped)
        return
    again = threading.Timer(_SOON_S, os.kill, (os.getpid(), sent))
    again.daemon = True
    again.start()
