"""What a command line names as inputs and outputs, and what of it is refused before anything is opened."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from genair.errors import UsageError
from genair.io.partial import partial_of
from genair.io.special import is_special
from genair_cli.options import STDIN


def check_operands(*operands: str | None, outputs: Iterable[Path | None] = ()) -> None:
    """Refuse two operands that both are stdin, a terminal nobody meant to type into, and an output over one.

    Raises:
        UsageError: any of this is the case.
    """
    for output in outputs:
        if output is None or str(output) == STDIN:
            continue
        if any(_is_same_file(operand, output) for operand in operands):
            raise UsageError(f"{output} is an input: give the output a name of its own")
        partial = partial_of(output).resolve()
        for operand in operands:
            path = Path(str(operand)).resolve()
            if operand not in (None, STDIN) and (path == partial or partial in path.parents):
                raise UsageError(f"{operand} is where {output} is worked on: give the output another name")
    from_stdin = [operand for operand in operands if operand in (None, STDIN)]
    if len(from_stdin) > 1:
        raise UsageError("only one input can be stdin: name a file for the other")
    if None in operands and sys.stdin.isatty():
        raise UsageError("no input: name a file, or pipe one in")


def refuse_twice(outputs: Sequence[Path]) -> None:
    """Refuse outputs of which two are one file, however it is spelled; `-` is stdout.

    Raises:
        UsageError: there are two.
    """
    places = [output if str(output) == STDIN else output.resolve() for output in outputs]
    for output, place in zip(outputs, places, strict=True):
        if places.count(place) > 1 and not is_special(output):
            raise UsageError(f"two outputs are {output}: give each a name of its own")


def check_container_target(target: Path | None) -> None:
    """Refuse a target that HDF5 cannot be written to.

    Raises:
        UsageError: stdout is a terminal and no file is named, or the name is that of gzip.
    """
    refuse_terminal(target)
    if target is not None and target.suffix == ".gz":
        raise UsageError(f"HDF5 is not packed by gzip: name {target} without .gz")


def refuse_terminal(target: Path | None, what: str = "HDF5") -> None:
    """Refuse to write binary data where a person would see it.

    Raises:
        UsageError: stdout is a terminal, and no file is named.
    """
    if (target is None or str(target) == STDIN) and sys.stdout.isatty():
        raise UsageError(f"will not write {what} to a terminal: use -o FILE or a pipe")


def _is_same_file(operand: str | None, output: Path) -> bool:
    if operand in (None, STDIN):
        return False
    path = Path(str(operand))
    return path.is_file() and output.is_file() and path.samefile(output)
