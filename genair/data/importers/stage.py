"""From dumps to the files that every stage reads: events are read and narrowed, then items, both are written.

Events come by user in the order of the bytes of their ids, each user's by time, equal times in the order of
the input; items in the order of the item table. So equal inputs and settings give equal bytes.
"""

from collections.abc import Callable, Iterator
from io import BytesIO

import polars as pl

from genair.config.importing import FilterConfig
from genair.data.clock import ClockReader
from genair.data.events import Events, EventsBuilder
from genair.data.filters import Sieve
from genair.data.importers.base import Importer
from genair.data.importers.catalogue import Catalogue, collecting
from genair.data.importers.checking import check
from genair.data.importers.report import Report, report_on
from genair.errors import GenairError, InputError
from genair.io.dumps import Dump
from genair.records import Failed

Write = Callable[[bytes], object]
Skip = Callable[[Failed], None]
_SLICE = 500_000


def import_dumps(
    importer: Importer,
    log: Dump,
    table: Dump | None,
    config: FilterConfig,
    write_items: Write,
    write_interactions: Write,
    skip: Skip,
    tick: Callable[[int], None],
) -> Report:
    """Import a log and its item table.

    Args:
        importer: reads their format.
        log: the events.
        table: the items; None where there is nothing but ids.
        config: what is kept.
        write_items: takes lines of the items.
        write_interactions: takes lines of the events.
        skip: takes records that cannot be used, or raises their error.
        tick: is told how many events were read.

    Raises:
        InputError: the input is not of this format, or damaged, or nothing of it is left.
        UsageError: a setting needs ratings or times that the log lacks.
    """
    sieve = Sieve(read_events(importer, log, skip, tick))
    sieve.narrow(config)
    with collecting(sieve.items, sieve.present("item")) as catalogue:
        if table is not None:
            _read_items(importer, table, catalogue, skip)
        sieve.narrow_to_text(catalogue.has_text, config)
        if sieve.frame.is_empty():
            raise InputError(
                f"nothing is left of {sieve.read.interactions} events: {_took(sieve)}", where=log.name
            )
        for lines in interaction_lines(sieve):
            write_interactions(lines)
        for line in catalogue.lines(sieve.present("item")):
            write_items(line)
        return report_on(sieve, catalogue, config, has_table=table is not None)


def read_events(importer: Importer, log: Dump, skip: Skip, tick: Callable[[int], None]) -> Events:
    """Read a log's events that can be used.

    Raises:
        InputError: the input is not of this format, or damaged, or holds no events.
    """
    builder = EventsBuilder()
    clock: ClockReader | None = None
    found = failed = 0
    first = ""
    for batch in importer.log(log):
        if clock is None or not found:  # what the fields are called is only known with the first event
            clock = ClockReader(batch.fields.time_format)
        rows, failures = check(batch, clock, log.name)
        for failure in failures:
            skip(failure)
            first = first or str(failure.error)
        if len(rows):
            builder.add(rows)
        found += len(rows)
        failed += len(failures)
        tick(len(rows))
    if not found or clock is None:
        why = (
            f"none of its {failed} records can be used, the first: {first}"
            if failed
            else "the input is empty"
        )
        raise InputError(f"no interactions: {why}", where=log.name)
    return builder.build(clock.clock)


def interaction_lines(sieve: Sieve) -> Iterator[bytes]:
    """Yield the lines of what is left of a log, many at a time."""
    frame = sieve.frame
    if sieve.clock is not None:
        frame = frame.with_columns(time=sieve.clock.seconds(frame["time"]))
    for part in frame.iter_slices(_SLICE):
        ids = [
            sieve.users.gather(part["user"]).alias("user_id"),
            sieve.items.gather(part["item"]).alias("item_id"),
        ]
        rest = part.drop("user", "item").rename({"time": "timestamp"}, strict=False)
        buffer = BytesIO()
        pl.DataFrame([*ids, *rest]).write_ndjson(buffer)
        yield buffer.getvalue()


def _read_items(importer: Importer, table: Dump, catalogue: Catalogue, skip: Skip) -> None:
    for where, item in importer.items(table):
        if isinstance(item, Failed):
            skip(item)
            continue
        try:
            catalogue.add(item)
        except RecursionError:
            skip(Failed(InputError("nested too deep", where=where), item.item_id))
        except GenairError as error:  # it has no form in JSON
            skip(Failed(InputError(error.message, where=where), item.item_id))


def _took(sieve: Sieve) -> str:
    """Return in words what each step took."""
    return ", ".join(f"{name} took {loss.interactions}" for name, loss in sieve.losses.items())
