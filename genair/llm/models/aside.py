"""A function in a process of its own: llama.cpp ends the process at some damaged files.

The function is named as in a registry (`module:name`), its arguments and its result are JSON values or a
dataclass of them. `python -m genair.llm.models.aside` is the other process.
"""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from importlib import import_module
from typing import Any

from genair import errors
from genair.errors import GenairError

_RAISED = 10  # exit code of the other process when the function raised a GenairError


class CrashedError(GenairError):
    """The other process died."""


def aside(function: str, *arguments: object, timeout_s: float | None = None) -> Any:  # noqa: ANN401
    """Return what a function returns.

    Args:
        function: `module:name`.
        arguments: JSON values.
        timeout_s: when to give up.

    Raises:
        CrashedError: the process died, or gave no answer in time; the message says of what.
        GenairError: whatever the function raised.
    """
    command = [sys.executable, "-P", "-m", __name__, function, json.dumps(arguments)]
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CrashedError(f"no answer in {timeout_s:.0f} s") from error
    if done.returncode == _RAISED:
        kind, message, where = json.loads(done.stdout)
        raise getattr(errors, kind, GenairError)(message, where=where)
    if done.returncode != 0:
        raise CrashedError(f"{_death(done.returncode)}: {_last_words(done.stderr)}")
    return json.loads(done.stdout)


def _death(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit status {code}"


def _last_words(stderr: bytes) -> str:
    """Return the last line a process wrote, without the folders of its source files."""
    lines = stderr.decode("utf-8", "replace").strip().split("\n")
    return re.sub(r"^\S*/", "", lines[-1]) or "no reason given"


def _main(function: str, arguments: str) -> int:
    """Be the other process."""
    module, _, name = function.partition(":")
    code = 0
    with redirect_stdout(sys.stderr):  # nobody but us writes to stdout
        try:
            answer = getattr(import_module(module), name)(*json.loads(arguments))
        except GenairError as error:
            code, answer = _RAISED, [type(error).__name__, error.message, error.where]
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        answer = dataclasses.asdict(answer)
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
