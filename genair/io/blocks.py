"""A stream in blocks of whole lines, numbered from 1: what parsers work on, one at a time.

Lines end at line feeds only. A byte order mark at the beginning is taken away.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from genair.errors import InputError

_BOM = b"\xef\xbb\xbf"
_SIZE = 1 << 22
_LONGEST = 1 << 26


@dataclass(frozen=True)
class Block:
    """Whole lines of a stream.

    Attributes:
        data: the lines with their line feeds; the stream's last line may lack its own.
        first: the number of the first line.
        marked: whether a byte order mark was taken away.
    """

    data: bytes
    first: int
    marked: bool = False

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines with their line feeds."""
        return BytesIO(self.data).readlines()

    def is_blank(self) -> bool:
        """Return whether all lines are empty, however many there are."""
        return not self.data.strip(b"\r\n")

    def line(self, number: int) -> str:
        """Return a line as text for an error, without its end; what is not UTF-8 is replaced."""
        return self.lines[number - self.first].decode("utf-8", "replace").rstrip("\r\n")


def read_blocks(
    pieces: Iterable[bytes], name: str, size: int = _SIZE, longest: int = _LONGEST
) -> Iterator[Block]:
    """Cut a stream into blocks of whole lines.

    Args:
        pieces: the bytes of the stream.
        name: what errors call it.
        size: bytes a block has, about; the last has fewer, and one with a longer line has more.
        longest: bytes a line may have: more is no text, but a trap.

    Raises:
        InputError: a line is too long.
    """
    first, begun, held = 1, [], 0
    try:
        for piece in pieces:
            begun.append(piece)
            held += len(piece)
            if held < size:
                continue
            data = b"".join(begun)
            end = data.rfind(b"\n") + 1
            if end:
                yield _block(data[:end], first)
                first += data.count(b"\n", 0, end)
            elif held > longest:
                raise InputError(f"a line of more than {longest} bytes is no text", where=f"{name}:{first}")
            begun, held = [data[end:]], len(data) - end
    except Exception:  # what came before it comes before it
        data = b"".join(begun)
        if end := data.rfind(b"\n") + 1:
            yield _block(data[:end], first)
        raise
    if rest := b"".join(begun):
        yield _block(rest, first)


def _block(data: bytes, first: int) -> Block:
    marked = first == 1 and data.startswith(_BOM)
    return Block(data[len(_BOM) :] if marked else data, first, marked)
