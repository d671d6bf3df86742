"""Running means of hidden states, split where the prompt ends and the answer begins."""

import numpy as np
import numpy.typing as npt

from genair.llm.base import PooledStates


class MeanPool:
    """Takes one sequence's states as they come and gives the mean of each view, summed in float64.

    The answer's states are kept one by one, because an answer that loops is cut where the loop began.
    """

    def __init__(self, prompt_tokens: int, hidden_size: int) -> None:
        """Expect `prompt_tokens` states of the prompt first, then those of the answer."""
        self._prompt_tokens = prompt_tokens
        self._fed = 0
        self._prompt_sum = np.zeros(hidden_size)
        self._answer: list[npt.NDArray[np.float32]] = []

    def add(self, states: npt.NDArray[np.float32]) -> None:
        """Take the states of the next tokens, shape (tokens, hidden)."""
        border = min(len(states), max(0, self._prompt_tokens - self._fed))
        self._prompt_sum += states[:border].sum(axis=0, dtype=np.float64)
        self._answer.extend(states[border:].copy())
        self._fed += len(states)

    def add_sum(self, total: npt.NDArray[np.float64], tokens: int) -> None:
        """Take the sum of the next `tokens` states, all of the prompt, shape (hidden,)."""
        self._prompt_sum += total
        self._fed += tokens

    def result(self, answer_tokens: int | None = None) -> PooledStates:
        """Return the means.

        Args:
            answer_tokens: count only so many tokens of the answer, all by default.

        The archetype's mean is None when no token of the answer was fed.
        """
        kept = self._answer[:answer_tokens]
        context = (self._prompt_sum / self._prompt_tokens).astype(np.float32)
        archetype = np.stack(kept).mean(axis=0, dtype=np.float64).astype(np.float32) if kept else None
        return PooledStates(context, archetype)
