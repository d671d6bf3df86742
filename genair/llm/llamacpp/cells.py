"""How much llama.cpp remembers at once: its key-value memory is cut into cells, one a token.

Each sequence has a run of cells, a multiple of 256. A wave whose prompts are long runs with fewer sequences
at once, so that a worker's memory does not depend on the catalogue.
"""

_RUN = 256
_MOST = 64 * _RUN


def cells(length: int) -> int:
    """Return how many cells a sequence of so many tokens has."""
    return -(-length // _RUN) * _RUN


def room(length: int) -> int:
    """Return how many sequences of so many tokens are remembered together, at least 1."""
    return max(1, _MOST // cells(length))
