"""Signals end the process by an exception, so that everything is closed and tidied on the way out.

Python drops exceptions that come up inside a callback that must not fail (of a weak reference, of the garbage
collector), and HDF5 takes one that comes up while it writes for an error of its own. A signal that arrives
there would be lost or misread: it is sent again a little later.
"""

import os
import signal
import sys
import threading
from types import FrameType

from genair.io import disk
from genair_cli.status import Status

_SOON_S = 0.01


def take_signals() -> None:
    """Be the one process that signals are for; one that is to be ignored stays so."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    sys.unraisablehook = _dropped


def _stop(sent: int, frame: FrameType | None) -> None:
    if _is_callback(frame):
        _again(sent)
    elif sent == signal.SIGINT:
        raise KeyboardInterrupt
    else:
        raise SystemExit(Status.TERMINATED)


def _is_callback(frame: FrameType | None) -> bool:
    """Return whether HDF5 waits for what runs."""
    while frame is not None:
        if frame.f_code.co_filename == disk.__file__:
            return True
        frame = frame.f_back
    return False


def _dropped(dropped: "sys.UnraisableHookArgs") -> None:
    """Send the signal again behind the callback that swallowed its exception; report any other exception."""
    sent = {SystemExit: signal.SIGTERM, KeyboardInterrupt: signal.SIGINT}.get(dropped.exc_type)
    if sent is None:
        sys.__unraisablehook__(dropped)
    else:
        _again(sent)


def _again(sent: int) -> None:
    again = threading.Timer(_SOON_S, os.kill, (os.getpid(), sent))
    again.daemon = True
    again.start()
