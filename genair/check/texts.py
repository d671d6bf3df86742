"""What the items say: rules on their text, by what the default prompt makes of it."""

from array import array

import numpy as np
import numpy.typing as npt

from genair.archetype.prompts import attribute_texts, join_texts, load_template
from genair.check.findings import Tally
from genair.config import ArchetypeConfig
from genair.errors import InputError
from genair.plaintext import has_letters, holds_html
from genair.records import Item

Mask = npt.NDArray[np.bool_]
_NAMES = ("title", "name")


class Texts:
    """What is noted of the items' texts as they are read: eleven bytes an item.

    Attributes:
        missing: items that archetypes cannot be written of.
        max_chars: where the prompt cuts an attribute.
    """

    def __init__(self, limit: int) -> None:
        """Start without items; of a kind of place `limit` are named."""
        config = ArchetypeConfig()
        self.missing = Tally(limit)
        self.max_chars = config.max_field_chars or load_template(config.prompt).max_field_chars
        self._fields = config.fields
        self._digests = array("q")
        self._named, self._cut, self._html = array("b"), array("b"), array("b")

    def add(self, item: Item, where: str) -> None:
        """Take note of the next item's text."""
        texts: dict[str, str] = {}
        digest = 0
        try:
            texts = attribute_texts(item, self._fields, where)
            digest = hash(join_texts(texts, self.max_chars, item.item_id, where)) or 1
        except InputError as error:
            self.missing.add(where, error.message)
        self._digests.append(digest)
        self._named.append(any(has_letters(texts.get(name, "")) for name in _NAMES))
        self._cut.append(any(len(text) > self.max_chars for text in texts.values()))
        self._html.append(any(holds_html(item.attributes.get(key)) for key in texts))

    @property
    def digests(self) -> npt.NDArray[np.int64]:
        """Digests of what the prompt says of each item, shape (items,); 0 where that is nothing."""
        return np.frombuffer(self._digests, dtype=np.int64)

    @property
    def named(self) -> Mask:
        """Which items have a title or a name, shape (items,)."""
        return np.frombuffer(self._named, dtype=np.bool_)

    @property
    def cut(self) -> Mask:
        """Which items have an attribute that the prompt cuts, shape (items,)."""
        return np.frombuffer(self._cut, dtype=np.bool_)

    @property
    def html(self) -> Mask:
        """Which items have HTML in their text, shape (items,)."""
        return np.frombuffer(self._html, dtype=np.bool_)
