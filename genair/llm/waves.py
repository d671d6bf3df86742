"""Waves: fixed runs of consecutive records, the unit of computing, of keeping, of resuming and of sharding.

Kernels round differently when a batch has other rows, so records are computed in the same company always.
Records that failed already travel in their place and cost nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from genair.errors import InputError
from genair.provenance import digest_of
from genair.records import Failed


class Record(Protocol):
    """What travels in a wave: its outside id, the place it was read from, and its line."""

    @property
    def item_id(self) -> str:
        """Return the outside id."""

    @property
    def where(self) -> str:
        """Return `name:line`."""

    @property
    def line(self) -> object:
        """Return what was read there."""

    @property
    def identity(self) -> object:
        """Return the JSON value of all that shapes what comes of it, besides the settings."""


_FAILURES = 4096  # that nothing lies between, kept together
T = TypeVar("T", bound=Record)
R = TypeVar("R")
Wave = Sequence[T | Failed]


@dataclass(frozen=True)
class Unit(Generic[R]):
    """What came of one wave.

    Attributes:
        key: digest of the wave's records: equal keys, settings and models give equal bytes.
        outcomes: of each record its result or its failure, in the order of the input.
    """

    key: str
    outcomes: Sequence[R | Failed]


def waves_of(records: Iterable[T | Failed], size: int, stops: bool = False) -> Iterator[list[T | Failed]]:
    """Cut a stream into runs of `size` consecutive records, those that failed uncounted.

    Args:
        records: the stream.
        size: of a wave.
        stops: end with the first that failed, which will stop the work: what follows need not be read.
    """
    wave: list[T | Failed] = []
    count = 0
    for record in records:
        wave.append(record)
        failed = isinstance(record, Failed)
        count += not failed
        if failed and stops:
            break
        if count == size or (count == 0 and len(wave) == _FAILURES):
            yield wave
            wave, count = [], 0
    if wave:
        yield wave


def unit_key(wave: Wave[T]) -> str:
    """Return the digest of a wave."""
    return digest_of(
        [["failed", one.error.message] if isinstance(one, Failed) else one.identity for one in wave]
    )


def not_done(waves: Iterable[Wave[T]], done: Sequence[str]) -> Iterator[Wave[T]]:
    """Leave out the waves that were done before.

    Args:
        waves: all of them.
        done: the keys of the first ones.

    Raises:
        InputError: these are not the waves that were done.
    """
    number = 0
    for wave in waves:
        number += 1
        if number > len(done):
            yield wave
        elif unit_key(wave) != done[number - 1]:
            first = next((one.where for one in wave if not isinstance(one, Failed)), None)
            raise InputError(
                "the input changed since the work was interrupted, here or in the records that follow:"
                " bring it back, or start again with --force and without --resume",
                where=first,
            )
    if number < len(done):
        raise InputError(
            f"the input has become shorter since the work was interrupted ({number} waves, {len(done)} done):"
            " bring it back, or start again with --force and without --resume"
        )


def shard_of(waves: Iterable[Wave[T]], records: int, size: int, shard: tuple[int, int]) -> Iterator[Wave[T]]:
    """Return the waves of one shard: shards are consecutive, so that together they make the whole.

    Args:
        waves: all of them.
        records: how many records they have that did not fail.
        size: of a wave.
        shard: (i, n), the i-th of n, counted from 1.
    """
    index, count = shard
    total = max(1, -(-records // size))
    start, end = (index - 1) * total // count, index * total // count
    number = 0  # of those with a record that did not fail: others belong to the next
    for wave in waves:
        if number >= end and index < count:  # what failed at the end is the last one's
            return
        if number >= start:
            yield wave
        number += any(not isinstance(one, Failed) for one in wave)
