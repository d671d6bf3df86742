"""Waves in padded batches, for models that torch runs.

Reading pads on the right: a causal model never looks there, so no mask is needed, and the fast kernels take
it. Writing aligns every row's keys and values on the right, next to the tokens to come: a row stays in one
piece whatever it is long, so that sliding windows are right, a row that ends leaves, and one that waits
takes its place. A wave is sorted by length, so there is little padding; nothing crosses its border.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from genair.config import Decoding
from genair.llm.base import PooledStates
from genair.llm.engine import Job
from genair.llm.transformers_.choosing import Chooser, new_chooser
from genair.llm.transformers_.keyvalues import Cache, align_right, append_rows, keep_rows, width_of

Tokens = npt.NDArray[np.int32]
_REFILL = 4  # rows that wait come in when a 4th of the batch is free: each time is a pass of its own


class PaddedModel(Protocol):
    """A causal model. Hidden states are those after the final norm.

    Attributes:
        device: where its weights are, and where its tokens must be.
    """

    device: torch.device

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the hidden states (rows, columns, hidden) of tokens (rows, columns), padded on the right."""

    def begin(self, tokens: torch.Tensor) -> tuple[torch.Tensor, Cache]:
        """Do the same, and return the keys and values, too."""

    def step(
        self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: Cache
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Feed one more token a row.

        Args:
            tokens: shape (rows, 1).
            positions: where they stand in their rows, shape (rows, 1).
            mask: which columns of the cache and the new one belong to the row, shape (rows, columns + 1).
            cache: gets the new column.

        Returns:
            logits (rows, vocabulary) and hidden states (rows, hidden).
        """


class PaddedEngine:
    """Runs waves on a model."""

    def __init__(self, model: PaddedModel, parallel: int, ends: Sequence[int], batch_tokens: int) -> None:
        """Have at most `parallel` items in a batch, and at most `batch_tokens` in one that is read.

        A single item may have more tokens.
        """
        self._model = model
        self._parallel = parallel
        self._ends = ends
        self._batch_tokens = batch_tokens

    def read(self, pairs: Sequence[tuple[Tokens, Tokens]]) -> list[PooledStates]:
        """Return the mean states of each (prompt, answer)."""
        feeds = [np.concatenate(pair).tolist() for pair in pairs]
        order = sorted(range(len(pairs)), key=lambda index: -len(feeds[index]))
        pooled: dict[int, PooledStates] = {}
        with torch.inference_mode():
            for group in self._groups(order, [len(feed) for feed in feeds]):
                states = self._model.read(_padded([feeds[index] for index in group], self._model.device))
                borders = [len(pairs[index][0]) for index in group]
                ends = [len(feeds[index]) for index in group]
                prompts = span_sums(states, [0] * len(group), borders)
                answers = span_sums(states, borders, ends)
                for row, index in enumerate(group):
                    pooled[index] = _means(prompts[row], borders[row], answers[row], ends[row] - borders[row])
        return [pooled[index] for index in range(len(pairs))]

    def write(self, jobs: Sequence[Job], decoding: Decoding) -> None:
        """Run every job of a wave to its end; each has a prompt of one token at least."""
        waiting = deque(sorted(jobs, key=lambda job: -job.prompt_tokens))
        ends = frozenset(self._ends)
        with torch.inference_mode():
            rows = _Rows(self._model, new_chooser(decoding, self._ends, self._model.device))
            while waiting or rows.jobs:
                for group in self._joining(waiting, len(rows.jobs)):
                    rows.join(group)
                rows.step(ends)

    def _joining(self, waiting: deque[Job], running: int) -> Iterator[list[Job]]:
        """Yield the jobs that are to come in now, by groups to be read together."""
        room = min(self._parallel - running, len(waiting))
        if running and room < min(len(waiting), max(1, self._parallel // _REFILL)):
            return
        jobs = [waiting.popleft() for _ in range(room)]
        for group in self._groups(range(room), [job.prompt_tokens for job in jobs]):
            yield [jobs[index] for index in group]

    def _groups(self, order: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
        """Cut indices, those of the longest first, into groups that are read together."""
        group: list[int] = []
        for index in order:
            full = len(group) == self._parallel
            if group and (full or (len(group) + 1) * sizes[group[0]] > self._batch_tokens):
                yield group
                group = []
            group.append(index)
        if group:
            yield group


class _Rows:
    """The jobs that are written together. All but the last token of a prompt comes in by one pass."""

    def __init__(self, model: PaddedModel, chooser: Chooser) -> None:
        self.jobs: list[Job] = []
        self._model, self._chooser = model, chooser
        self._cache: Cache | None = None

    def join(self, jobs: Sequence[Job]) -> None:
        """Read the jobs' prompts and let them take part."""
        states, cache = self._model.begin(_padded([job.feed[:-1] for job in jobs], self._model.device))
        sizes = [len(job.feed) - 1 for job in jobs]
        if any(job.pool is not None for job in jobs):
            for job, total in zip(jobs, span_sums(states, [0] * len(jobs), sizes), strict=True):
                if job.pool is not None:
                    job.pool.add_sum(total, job.prompt_tokens - 1)
        for job, size in zip(jobs, sizes, strict=True):
            job.fed = size
        align_right(cache, sizes)
        if self._cache is not None:
            append_rows(cache, before=self._cache)
        self._cache = cache
        self._chooser.join(jobs)
        self.jobs.extend(jobs)

    def step(self, ends: frozenset[int]) -> None:
        """Feed one token of each job and take the next."""
        if self._cache is None:
            raise RuntimeError("no job has come in")
        device = self._model.device
        feed = torch.tensor([[job.feed[job.fed], job.fed] for job in self.jobs], device=device)
        columns = torch.arange(width_of(self._cache) + 1, device=device)
        mask = columns >= len(columns) - 1 - feed[:, 1:]
        logits, states = self._model.step(feed[:, :1], feed[:, 1:], mask, self._cache)
        if any(job.pool is not None for job in self.jobs):
            for job, state in zip(self.jobs, states.float().cpu().numpy(), strict=True):
                if job.pool is not None:
                    job.pool.add(state[None])
        for job, token in zip(self.jobs, self._chooser.choose(self.jobs, logits), strict=True):
            job.fed += 1
            job.take(token, ends)
        self._leave()

    def _leave(self) -> None:
        """Let the jobs go that have ended."""
        left = [row for row, job in enumerate(self.jobs) if not job.finish_reason]
        if len(left) == len(self.jobs) or self._cache is None:
            return
        self.jobs = [self.jobs[row] for row in left]
        rows = torch.tensor(left, dtype=torch.int64, device=self._model.device)
        self._chooser.keep(rows)
        if left:
            keep_rows(self._cache, rows, max(job.fed for job in self.jobs))
        else:
            self._cache = None


def span_sums(states: torch.Tensor, starts: Sequence[int], stops: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return sums over a span of each row's states, shape (rows, hidden), in float64 (float32 on mps).

    Args:
        states: shape (rows, columns, hidden).
        starts: first column of each row's span.
        stops: the column after the last.
    """
    columns = torch.arange(states.shape[1], device=states.device)
    first, end = (torch.tensor(border, device=states.device)[:, None] for border in (starts, stops))
    outside = (columns < first) | (columns >= end)
    precision = torch.float32 if states.device.type == "mps" else torch.float64
    sums = states.masked_fill(outside[..., None], 0).sum(dim=1, dtype=precision)
    return sums.cpu().double().numpy()


def _means(
    prompt: npt.NDArray[np.float64], prompt_tokens: int, answer: npt.NDArray[np.float64], answer_tokens: int
) -> PooledStates:
    context = (prompt / prompt_tokens).astype(np.float32)
    archetype = (answer / answer_tokens).astype(np.float32) if answer_tokens else None
    return PooledStates(context, archetype)


def _padded(feeds: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
    """Return tokens as (rows, columns), padded on the right, one column at least."""
    tokens = np.zeros((len(feeds), max(1, *map(len, feeds))), dtype=np.int64)
    for row, feed in zip(tokens, feeds, strict=True):
        row[: len(feed)] = feed
    return torch.from_numpy(tokens).to(device)
