"""The repetition guard: small models, and greedy ones, fall into saying the same thing for ever."""

from collections.abc import Sequence

_LONGEST_PERIOD = 64
_FEWEST_REPEATED = 12


def loop_start(answer: Sequence[int]) -> int | None:
    """Return how much of an answer to keep when its end has begun to loop, else None.

    An answer loops when it ends in three copies of the same run of tokens, the second and third together
    of at least 12 tokens (four copies of a run of four, thirteen of a single token). Everything after the
    first copy is to go.

    Args:
        answer: token ids so far.
    """
    size = len(answer)
    for period in range(1, min(_LONGEST_PERIOD, size // 3) + 1):
        copies = max(3, 1 + -(-_FEWEST_REPEATED // period))
        span = period * copies
        if span <= size and all(
            answer[index] == answer[index - period] for index in range(size - 1, size - span + period - 1, -1)
        ):
            return size - span + period
    return None
