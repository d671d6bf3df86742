"""Settings of recommending."""

from dataclasses import dataclass

from genair.config.ranges import require


@dataclass(frozen=True)
class RecommendConfig:
    """Settings of `recommend`.

    Attributes:
        k: most items a user gets.
        keep_seen: whether items of the user's own history may be recommended, too.
    """

    k: int = 10
    keep_seen: bool = False

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require(self.k >= 1, "-k", self.k, "1 or more")
