"""How fast long work goes: items and tokens a second, over the whole run."""

import time


class Pace:
    """Counts what this run did, and says how fast."""

    def __init__(self) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._items = self._tokens = 0

    def add(self, items: int, tokens: int = 0) -> str:
        """Count, and return e.g. `3.21 items/s, 148 tokens/s`."""
        self._items += items
        self._tokens += tokens
        return self.words()

    def words(self) -> str:
        """Return the rates so far."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        tokens = f", {self._tokens / seconds:.0f} tokens/s" if self._tokens else ""
        return f"{self._items / seconds:.2f} items/s{tokens}"

    def summary(self, things: str) -> str:
        """Return e.g. `148 archetypes in 47 s (3.21 items/s, 148 tokens/s)`."""
        return f"{self._items} {things} in {time.monotonic() - self._start:.0f} s ({self.words()})"
