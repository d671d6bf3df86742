"""Choosing the next token from logits, the same way for every backend, with a seed per item."""

import numpy as np
import numpy.typing as npt

from genair.config import Decoding

Logits = npt.NDArray[np.float32]


class Sampler:
    """Chooses the tokens of one sequence.

    The repetition penalty follows Keskar et al. (CTRL, 2019) as transformers applies it: over the prompt
    and the answer so far, positive logits divided, negative ones multiplied. Of equal logits the lowest
    token id wins.
    """

    def __init__(self, decoding: Decoding, seed: int, prompt: npt.NDArray[np.int32]) -> None:
        """Start a sequence whose prompt has these token ids."""
        self._decoding = decoding
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._seen = np.unique(prompt)

    def choose(self, logits: Logits, *, forbidden: npt.NDArray[np.int32]) -> int:
        """Return the next token id.

        Args:
            logits: shape (vocabulary,); not changed.
            forbidden: token ids that must not be chosen.
        """
        scores = logits.astype(np.float64)
        self._penalize(scores)
        scores[forbidden] = -np.inf
        if self._decoding.temperature == 0:
            token = int(np.argmax(scores))
        else:
            token = self._draw(scores / self._decoding.temperature)
        position = int(np.searchsorted(self._seen, token))
        if position == len(self._seen) or self._seen[position] != token:
            self._seen = np.insert(self._seen, position, token)
        return token

    def _penalize(self, scores: npt.NDArray[np.float64]) -> None:
        seen = scores[self._seen]
        penalty = self._decoding.repeat_penalty
        scores[self._seen] = np.where(seen > 0, seen / penalty, seen * penalty)

    def _draw(self, scores: npt.NDArray[np.float64]) -> int:
        order = np.argsort(-scores, kind="stable")
        if self._decoding.top_k:
            order = order[: self._decoding.top_k]
        weights = np.exp(scores[order] - scores[order[0]])
        cumulative = np.cumsum(weights / weights.sum())
        size = int(np.searchsorted(cumulative, self._decoding.top_p)) + 1
        kept = cumulative[:size]
        drawn = int(np.searchsorted(kept, self._rng.random() * kept[-1], side="right"))
        return int(order[min(drawn, len(kept) - 1)])
