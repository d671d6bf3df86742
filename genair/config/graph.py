"""Settings of the association graph."""

from dataclasses import dataclass
from typing import ClassVar

from genair.config.ranges import MOST, require

USER_NORMS = ("none", "size")


@dataclass(frozen=True)
class GraphConfig:
    """What counts as consumed together, and how much.

    Attributes:
        window: items of a user are together if at most so many events apart; 0 is the whole history.
        min_count: users who must share a pair.
        user_norm: what a user adds to each of its pairs: `none` is 1; `size` is 1/(m - 1) for a user with m
            different items, with a window, too.
        score: name in `genair.data.SCORES`.
        max_pairs: a graph of more pairs is cut: each of n items keeps its max(1, max_pairs // n) strongest
            neighbours (of equal ones, the lower item index), and a pair stays when either end keeps it.
    """

    OPTION: ClassVar[str] = "--"  # what its options begin with

    window: int = 4
    min_count: int = 1
    user_norm: str = "none"
    score: str = "cosine"
    max_pairs: int = 20_000_000

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        names, norms = self.OPTION, " or ".join(USER_NORMS)
        require(0 <= self.window <= MOST, f"{names}window", self.window, f"0 to {MOST}")
        require(1 <= self.min_count <= MOST, f"{names}min-count", self.min_count, f"1 to {MOST}")
        require(self.user_norm in USER_NORMS, f"{names}user-norm", self.user_norm, norms)
        require(self.max_pairs >= 1, f"{names}max-pairs", self.max_pairs, "1 or more")


PAPER_GRAPH = GraphConfig(window=0, score="log")
