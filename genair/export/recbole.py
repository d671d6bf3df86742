"""RecBole's atomic file of pretrained item features, DATASET.itememb: typed header, tab, numbers with spaces.

The id column is `iid`, since RecBole joins it to the log's `item_id` by `alias_of_item_id: [iid]`; under the
same name the two columns would shadow each other. RecBole reads with pandas' Python engine as it comes: what
that takes for missing, for a quote or for the end of a field is refused.
"""

from genair.export.base import Format, ItemVectors, Stream
from genair.export.text import lines

_HEADER = b"iid:token\titem_emb:float_seq\n"
_BREAKS = frozenset("\t\n\r")
_PADDING = "[PAD]"
_MISSING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A")
) | frozenset(("NA", "NULL", "NaN", "None", "n/a", "nan", "null"))


def write(vectors: ItemVectors, stream: Stream) -> None:
    """Write the header and a line an item.

    Raises:
        GenairError: RecBole would read an id as something else.
    """
    vectors.refuse_ids(_fault)
    stream.write(_HEADER)
    for block in lines(vectors, "\t"):
        stream.write(block)


def _fault(item_id: str) -> str | None:
    if not _BREAKS.isdisjoint(item_id):
        return "holds a tab or line end, which ends a field in RecBole's files"
    if item_id in _MISSING:
        return "is what RecBole's reader takes for a missing value"
    if item_id.startswith('"'):
        return "begins with a quote, which RecBole's reader takes away"
    return "is RecBole's own name for padding" if item_id == _PADDING else None


FORMAT = Format(write, is_text=True)
