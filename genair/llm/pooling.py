"""Running means of hidden states, split where the prompt ends and the answer begins."""

import numpy as np
import numpy.typing as npt

from genair.llm.base import PooledStates


class MeanPool:
    """Sums one sequence's states as they come, in float64, and gives the mean of each view."""

    def __init__(self, prompt_tokens: int, hidden_size: int) -> None:
        """Expect `prompt_tokens` states of the prompt first, then those of the answer."""
        self._prompt_tokens = prompt_tokens
        self._fed = 0
        self._sums = np.zeros((2, hidden_size))

    def add(self, states: npt.NDArray[np.float32]) -> None:
        """Take the states of the next tokens, shape (tokens, hidden)."""
        border = min(len(states), max(0, self._prompt_tokens - self._fed))
        self._sums[0] += states[:border].sum(axis=0, dtype=np.float64)
        self._sums[1] += states[border:].sum(axis=0, dtype=np.float64)
        self._fed += len(states)

    def result(self) -> PooledStates:
        """Return the means; the archetype's is None when no token of the answer was fed."""
        answered = self._fed - self._prompt_tokens
        context = (self._sums[0] / self._prompt_tokens).astype(np.float32)
        archetype = (self._sums[1] / answered).astype(np.float32) if answered > 0 else None
        return PooledStates(context, archetype)
