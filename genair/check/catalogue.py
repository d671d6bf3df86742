"""The items, read once, and the rules on them; of an item its id is kept and a few bytes."""

from collections.abc import Callable
from functools import cached_property
from itertools import chain

import numpy as np

from genair.check.equals import first_equal
from genair.check.findings import NOWHERE, Places, Tally, one_place
from genair.check.ids import lookalikes, spaced
from genair.check.lines import JsonLines
from genair.check.texts import Texts
from genair.errors import InputError
from genair.io.jsonl import HashingReader
from genair.io.uniqueness import UniqueIds
from genair.records import Item, require_shallow


class Catalogue:
    """What is known of the items; row i is the i-th usable line, its id item_ids[i].

    Attributes:
        lines: the file.
        item_ids: outside ids, all different.
        texts: what they say.
        bad_ids: lines without a usable id.
        duplicates: lines whose id came before.
    """

    def __init__(self, reader: HashingReader, name: str, limit: int, on_lines: Callable[[int], None]) -> None:
        """Read ITEMS.jsonl.

        Args:
            reader: its lines.
            name: what findings call it.
            limit: how many places of a kind are named.
            on_lines: told how many lines have passed, now and then.
        """
        self.lines = JsonLines(name, limit, on_lines)
        self.item_ids: list[str] = []
        self.texts = Texts(limit)
        self.bad_ids, self.duplicates = Tally(limit), Tally(limit)
        seen = UniqueIds()
        for where, row in chain.from_iterable(map(self.lines.read, self.lines.blocks(reader))):
            try:
                require_shallow(row, where)
            except InputError as error:
                self.lines.broken.add(where, error.message)
                continue
            try:
                item = Item.from_row(row, where)
            except InputError as error:
                self.bad_ids.add(where, error.message)
                continue
            try:
                seen.add(item.item_id, where)
            except InputError as error:
                self.duplicates.add(where, error.message)
                continue
            self.lines.keep()
            self.item_ids.append(item.item_id)
            self.texts.add(item, where)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.item_ids)

    @property
    def is_whole(self) -> bool:
        """Whether an item that is not here is nowhere."""
        return bool(self.item_ids) and not self.lines.damage

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id."""
        return {item_id: row for row, item_id in enumerate(self.item_ids)}


def bad_ids(catalogue: Catalogue) -> Places:
    """Find lines without an id that can be one."""
    return catalogue.bad_ids.places


def duplicates(catalogue: Catalogue) -> Places:
    """Find ids that come twice."""
    return catalogue.duplicates.places


def single_item(catalogue: Catalogue) -> Places:
    """Find that there are too few items for a projection."""
    if len(catalogue) != 1:
        return NOWHERE
    return one_place(catalogue.lines.name, "a projection needs two items or more, found 1")


def spaced_ids(catalogue: Catalogue) -> Places:
    """Find ids with white space around them."""
    ids = catalogue.item_ids
    return catalogue.lines.at(
        spaced(ids), lambda row: f"item_id {ids[row]!r} begins or ends with white space, which is part of it"
    )


def lookalike_ids(catalogue: Catalogue) -> Places:
    """Find ids that are all but equal."""
    found, lines, ids = lookalikes(catalogue.item_ids), catalogue.lines, catalogue.item_ids
    return lines.at(
        np.fromiter(found, dtype=np.int64, count=len(found)),
        lambda row: (
            f"item_id {ids[row]!r} is all but {ids[found[row]]!r} on line {lines.line_of(found[row])}"
        ),
    )


def without_text(catalogue: Catalogue) -> Places:
    """Find items that archetypes cannot be written of."""
    return catalogue.texts.missing.places


def without_name(catalogue: Catalogue) -> Places:
    """Find items without title or name in a catalogue whose others have one."""
    unnamed = ~catalogue.texts.named & (catalogue.texts.digests != 0)
    if not catalogue.texts.named.any():
        return NOWHERE
    ids = catalogue.item_ids
    return catalogue.lines.at(unnamed, lambda row: f"item {ids[row]!r} has neither title nor name")


def same_text(catalogue: Catalogue) -> Places:
    """Find items of which a prompt says what it says of another: nothing will tell their vectors apart."""
    digests, lines, ids = catalogue.texts.digests, catalogue.lines, catalogue.item_ids
    first = first_equal(digests)
    return lines.at(
        (first != np.arange(len(digests))) & (digests != 0),
        lambda row: (
            f"the prompt says of item {ids[row]!r} what it says of {ids[first[row]]!r} on line"
            f" {lines.line_of(int(first[row]))}: their vectors will be equal"
        ),
    )


def cut_texts(catalogue: Catalogue) -> Places:
    """Find attributes that are longer than what a prompt shows."""
    ids, most = catalogue.item_ids, catalogue.texts.max_chars
    return catalogue.lines.at(
        catalogue.texts.cut,
        lambda row: f"an attribute of item {ids[row]!r} is cut: the prompt shows {most} characters",
    )


def html_texts(catalogue: Catalogue) -> Places:
    """Find HTML, which no prompt shows."""
    ids = catalogue.item_ids
    return catalogue.lines.at(
        catalogue.texts.html, lambda row: f"item {ids[row]!r} has HTML in its text, which prompts leave out"
    )
