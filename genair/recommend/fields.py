"""What a catalogue says of the model's items, joined by id."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from genair.data.ids import IdMap
from genair.errors import InputError, UsageError
from genair.io.uniqueness import UniqueIds
from genair.records import Failed, Item

_NAMED = 5
_OURS = ("item_id", "score")


def read_fields(
    records: Iterable[tuple[str, Mapping[str, Any] | Failed]],
    ids: IdMap,
    wanted: Sequence[str],
    name: str,
    on_failed: Callable[[Failed], None],
) -> list[dict[str, Any]]:
    """Return the wanted attributes of each item, in the catalogue's order; what an item lacks is left out.

    Args:
        records: `(where, row)` pairs of ITEMS.jsonl.
        ids: the model's items; others are passed over.
        wanted: names of attributes.
        name: what errors call the file.
        on_failed: told of lines that cannot be used, and of items without a line; may raise.

    Raises:
        UsageError: an attribute has a name that recommendations use themselves.
        InputError: no item has one of the wanted attributes, or what `on_failed` raises.
    """
    for key in set(wanted).intersection(_OURS):
        raise UsageError(f"--fields cannot name {key}: recommendations have one of their own")
    found: dict[int, dict[str, Any]] = {}
    unique = UniqueIds()
    for where, row in records:
        if isinstance(row, Failed):
            on_failed(row)
            continue
        try:
            item = Item.from_row(row, where)
            unique.add(item.item_id, where)
        except InputError as error:
            on_failed(Failed(error, row))
            continue
        if index := ids.index_of(item.item_id):
            found[index] = {key: item.attributes[key] for key in wanted if key in item.attributes}
    for key in wanted:
        if not any(key in attributes for attributes in found.values()):
            raise InputError(f"no item of the model has the field {key!r}", where=name)
    if missing := [item_id for row, item_id in enumerate(ids.item_ids, start=1) if row not in found]:
        on_failed(Failed(InputError(_missing(missing), where=name), missing))
    return [found.get(index, {}) for index in range(1, len(ids) + 1)]


def _missing(item_ids: Sequence[str]) -> str:
    named = ", ".join(map(repr, item_ids[:_NAMED]))
    return f"lacks {len(item_ids)} items of the model, first {named}; --on-error skip leaves their fields out"
