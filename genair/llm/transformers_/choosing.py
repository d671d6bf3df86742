"""Choosing the next token of every row of a batch of logits that torch holds.

Greedy decoding stays on the device, so that only token ids travel; it does what `Sampler` does, in float64,
to the same token. Sampling is done by `Sampler` itself on the host: torch's cumulative sums are not
reproducible on CUDA, and an item's text must follow from its seed.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from genair.config import Decoding
from genair.errors import GenairError
from genair.llm.engine import Job


class Chooser(Protocol):
    """Follows the rows of a batch and chooses their tokens."""

    def join(self, jobs: Sequence[Job]) -> None:
        """Append rows."""

    def keep(self, rows: torch.Tensor) -> None:
        """Keep only the rows of these indices, in this order."""

    def choose(self, jobs: Sequence[Job], logits: torch.Tensor) -> list[int]:
        """Return the next token of each job.

        Args:
            jobs: those that joined and were kept, in order.
            logits: shape (jobs, vocabulary).

        Raises:
            GenairError: a row of the logits is not finite.
        """


def new_chooser(decoding: Decoding, ends: Sequence[int], device: torch.device) -> Chooser:
    """Return the chooser for a wave: on the device if it can, and the decoding lets it."""
    if decoding.temperature == 0 and device.type != "mps":  # mps has no float64
        return GreedyChooser(decoding.repeat_penalty, ends, device)
    return HostChooser(ends)


class HostChooser:
    """Lets each job's own sampler choose."""

    def __init__(self, ends: Sequence[int]) -> None:
        """Forbid `ends` as first tokens."""
        self._ends = np.asarray(ends, dtype=np.int32)
        self._none = self._ends[:0]

    def join(self, jobs: Sequence[Job]) -> None:
        """Do nothing: the samplers know their prompts."""

    def keep(self, rows: torch.Tensor) -> None:
        """Do nothing: the samplers belong to the jobs."""

    def choose(self, jobs: Sequence[Job], logits: torch.Tensor) -> list[int]:
        """Return the next tokens; see `Chooser.choose`."""
        chosen = []
        for job, row in zip(jobs, logits.float().cpu().numpy(), strict=True):
            if job.sampler is None:
                raise ValueError("this job has no sampler")
            _require_finite(bool(np.isfinite(row.max())))
            chosen.append(job.sampler.choose(row, forbidden=self._none if job.answer else self._ends))
        return chosen


class GreedyChooser:
    """The highest score after the repetition penalty; of equal ones the lowest token id."""

    def __init__(self, penalty: float, ends: Sequence[int], device: torch.device) -> None:
        """Take the penalty of tokens that were seen, and forbid `ends` as first tokens."""
        self._penalty = penalty
        self._device = device
        self._ends = torch.tensor(list(ends), dtype=torch.int64, device=device)
        self._seen = torch.empty(0, 0, dtype=torch.bool, device=device)
        self._joined: list[list[int]] = []

    def join(self, jobs: Sequence[Job]) -> None:
        """Note the prompts; their marks are made when the size of the vocabulary is known."""
        self._joined.extend(job.feed for job in jobs)

    def keep(self, rows: torch.Tensor) -> None:
        """Forget the other rows."""
        self._seen = self._seen[rows]

    def choose(self, jobs: Sequence[Job], logits: torch.Tensor) -> list[int]:
        """Return the next tokens; see `Chooser.choose`."""
        self._mark(logits.shape[1])
        scores = logits.double()
        penalized = torch.where(scores > 0, scores / self._penalty, scores * self._penalty)
        scores = torch.where(self._seen, penalized, scores)
        first = [row for row, job in enumerate(jobs) if not job.answer]
        if first:
            rows = torch.tensor(first, device=self._device)
            scores[rows[:, None], self._ends[None]] = -torch.inf
        best, tokens = scores.max(dim=1)
        self._seen.scatter_(1, tokens[:, None], value=True)
        chosen: list[int] = torch.where(best.isfinite(), tokens, -1).tolist()
        _require_finite(min(chosen) >= 0)
        return chosen

    def _mark(self, vocabulary: int) -> None:
        if not self._joined:
            return
        rows = np.repeat(np.arange(len(self._joined)), [len(tokens) for tokens in self._joined])
        tokens = np.concatenate([np.asarray(tokens) for tokens in self._joined])
        marks = torch.zeros(len(self._joined), vocabulary, dtype=torch.bool, device=self._device)
        marks[torch.from_numpy(rows).to(self._device), torch.from_numpy(tokens).to(self._device)] = True
        self._seen = torch.cat([self._seen, marks]) if len(self._seen) else marks
        self._joined = []


def _require_finite(fine: bool) -> None:
    if not fine:
        raise GenairError("the model's numbers are not finite: try --dtype bf16 or --dtype fp32")
