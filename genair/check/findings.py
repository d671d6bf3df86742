"""What a check finds: places, counted, of which the first are named; and the rules that find them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

Subject = TypeVar("Subject")


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"  # a stage refuses it
    WARNING = "warning"  # vectors or figures are the worse for it
    NOTE = "note"  # genair copes; good to know


@dataclass(frozen=True)
class Place:
    """One place: `name:line`, or the name of a file, and what is to be said of it."""

    where: str
    message: str


@dataclass(frozen=True)
class Places:
    """Places of one kind.

    Attributes:
        count: how many there are.
        first: the first of them.
    """

    count: int
    first: Sequence[Place]


NOWHERE = Places(0, ())


class Tally:
    """Counts places as they come."""

    def __init__(self, limit: int) -> None:
        """Start with none; the first `limit` are kept."""
        self._limit = limit
        self._count = 0
        self._first: list[Place] = []

    def add(self, where: str, message: str) -> None:
        """Take note of one."""
        self._count += 1
        if len(self._first) < self._limit:
            self._first.append(Place(where, message))

    @property
    def places(self) -> Places:
        """Return what was noted."""
        return Places(self._count, self._first)


def one_place(where: str, message: str) -> Places:
    """Return a single place."""
    return Places(1, [Place(where, message)])


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes:
        level: how bad it is.
        code: the rule's name.
        places: where, at least one.
    """

    level: Level
    code: str
    places: Places

    def to_row(self) -> dict[str, Any]:
        """Return a line of output: the first place, and in `more` the others that are named."""
        first, *others = ({"where": one.where, "message": one.message} for one in self.places.first)
        return {
            "level": str(self.level),
            "code": self.code,
            "count": self.places.count,
            **first,
            "more": others,
        }


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One thing that is looked for.

    Attributes:
        code: its name.
        level: how bad it is.
        find: returns where it is the case.
    """

    code: str
    level: Level
    find: Callable[[Subject], Places]


def judge(rules: Iterable[Rule[Subject]], subject: Subject) -> Iterator[Finding]:
    """Yield what rules find of a subject, in their order."""
    for rule in rules:
        places = rule.find(subject)
        if places.count:
            yield Finding(rule.level, rule.code, places)


@dataclass
class Verdict:
    """How many findings there were of each level."""

    counts: dict[Level, int] = field(default_factory=lambda: dict.fromkeys(Level, 0))

    def watch(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Pass findings on and count them."""
        for finding in findings:
            self.counts[finding.level] += 1
            yield finding

    def is_good(self, *, strict: bool) -> bool:
        """Return whether there were no errors and, if `strict`, no warnings."""
        return not self.counts[Level.ERROR] and not (strict and self.counts[Level.WARNING])
