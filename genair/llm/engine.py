"""Continuous batching inside one wave, for any runtime that decodes tokens at positions of slots.

The tokens all prompts of the wave share are decoded once, in slot 0, and copied. Every other slot holds one
item: its prompt goes in by chunks next to the tokens the others generate, and when it ends the next item of
the wave takes the slot. Nothing crosses a wave's border.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genair.config import Decoding
from genair.llm.base import PooledStates
from genair.llm.pooling import MeanPool
from genair.llm.sampling import Sampler

Tokens = npt.NDArray[np.int32]
_PREFIX_SLOT = 0


class DecodeContext(Protocol):
    """A wave's memory: slots that remember tokens, and a batch's outputs."""

    batch_size: int

    def decode(
        self, tokens: Tokens, positions: Tokens, slots: Tokens, outputs: npt.NDArray[np.bool_]
    ) -> None:
        """Feed tokens."""

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """Return the logits after a token of the last batch."""

    def hidden_states(self, rows: int) -> npt.NDArray[np.float32]:
        """Return the states of the last batch."""

    def copy(self, source: int, target: int) -> None:
        """Copy a slot's memory."""

    def clear(self, slot: int) -> None:
        """Empty a slot."""

    def close(self) -> None:
        """Free everything."""


class Runtime(Protocol):
    """Whatever makes contexts."""

    def new_context(self, sequences: int, length: int, *, want_states: bool) -> DecodeContext:
        """Return a context."""


@dataclass
class Job:
    """One item on its way through a slot.

    Attributes:
        feed: tokens to feed in order; generated ones are appended.
        prompt_tokens: how many of `feed` are the prompt.
        limit: most tokens to generate; 0 only reads.
        sampler: chooses tokens, when there are any to choose.
        pool: takes the hidden states, when they are wanted.
        answer: tokens generated so far, end of text not included.
        fed: how many of `feed` went in.
        finish_reason: empty while running.
    """

    feed: list[int]
    prompt_tokens: int
    limit: int = 0
    sampler: Sampler | None = None
    pool: MeanPool | None = None
    answer: list[int] = field(default_factory=list)
    fed: int = 0
    slot: int = -1
    finish_reason: str = ""

    def pooled(self) -> PooledStates:
        """Return the means of the states that went by."""
        if self.pool is None:
            raise ValueError("this job kept no states")
        return self.pool.result()


def generation_jobs(prompts: Sequence[Tokens], decoding: Decoding, seeds: Sequence[int]) -> list[Job]:
    """Return a job for each prompt that generates by `decoding`."""
    return [
        Job(prompt.tolist(), len(prompt), decoding.max_tokens, Sampler(decoding, seed, prompt))
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]


def state_jobs(pairs: Sequence[tuple[Tokens, Tokens]], hidden_size: int) -> list[Job]:
    """Return a job for each (prompt, answer) that only reads and pools."""
    return [
        Job(np.concatenate(pair).tolist(), len(pair[0]), pool=MeanPool(len(pair[0]), hidden_size))
        for pair in pairs
    ]


@dataclass(frozen=True)
class _Chunk:
    job: Job
    start: int
    stop: int


class WaveEngine:
    """Runs waves of jobs on a runtime."""

    def __init__(self, runtime: Runtime, parallel: int, end_tokens: Tokens) -> None:
        """Decode at most `parallel` items together; any of `end_tokens` ends a text."""
        self._runtime = runtime
        self._parallel = parallel
        self._ends = end_tokens
        self._end_set = frozenset(end_tokens.tolist())
        self._none = np.empty(0, dtype=np.int32)

    def run(self, jobs: Sequence[Job], *, want_states: bool) -> None:
        """Run every job of a wave to its end."""
        slots = min(self._parallel, len(jobs))
        length = max(len(job.feed) + job.limit for job in jobs)
        context = self._runtime.new_context(slots + 1, length, want_states=want_states)
        try:
            self._run(context, jobs, slots, want_states)
        finally:
            context.close()

    def _run(self, context: DecodeContext, jobs: Sequence[Job], slots: int, want_states: bool) -> None:
        prefix = shared_prefix([job.feed[: job.prompt_tokens] for job in jobs])
        prefix_states = self._decode_prefix(context, jobs[0].feed[:prefix], want_states)
        waiting = deque(jobs)
        free = deque(range(1, slots + 1))
        active: list[Job] = []
        while waiting or active:
            while waiting and free:
                job = waiting.popleft()
                self._start(context, job, free.popleft(), prefix, prefix_states)
                active.append(job)
            self._step(context, active, want_states)
            for job in [job for job in active if job.finish_reason]:
                active.remove(job)
                context.clear(job.slot)
                free.append(job.slot)

    def _decode_prefix(
        self, context: DecodeContext, tokens: list[int], want_states: bool
    ) -> list[npt.NDArray[np.float32]]:
        states = []
        for start in range(0, len(tokens), context.batch_size):
            part = np.asarray(tokens[start : start + context.batch_size], dtype=np.int32)
            positions = np.arange(start, start + len(part), dtype=np.int32)
            slots = np.full(len(part), _PREFIX_SLOT, dtype=np.int32)
            context.decode(part, positions, slots, np.full(len(part), want_states))
            if want_states:
                states.append(context.hidden_states(len(part)).copy())
        return states

    def _start(
        self,
        context: DecodeContext,
        job: Job,
        slot: int,
        prefix: int,
        prefix_states: list[npt.NDArray[np.float32]],
    ) -> None:
        job.slot, job.fed = slot, prefix
        if prefix:
            context.copy(_PREFIX_SLOT, slot)
        for states in prefix_states:
            if job.pool is not None:
                job.pool.add(states)

    def _step(self, context: DecodeContext, active: list[Job], want_states: bool) -> None:
        """Decode one batch and let every job that is through its tokens choose the next one."""
        chunks = _fill(active, context.batch_size)
        tokens = np.concatenate([chunk.job.feed[chunk.start : chunk.stop] for chunk in chunks])
        positions = np.concatenate([np.arange(chunk.start, chunk.stop) for chunk in chunks])
        sizes = [chunk.stop - chunk.start for chunk in chunks]
        slots = np.repeat([chunk.job.slot for chunk in chunks], sizes)
        outputs = np.full(len(tokens), want_states)
        ends = np.cumsum(sizes)
        outputs[ends - 1] = True
        context.decode(tokens.astype(np.int32), positions.astype(np.int32), slots.astype(np.int32), outputs)
        states = context.hidden_states(len(tokens)) if want_states else None
        for chunk, end, size in zip(chunks, ends.tolist(), sizes, strict=True):
            job = chunk.job
            job.fed = chunk.stop
            if states is not None and job.pool is not None:
                job.pool.add(states[end - size : end])
            if job.fed == len(job.feed):
                self._advance(context, job, end - 1)

    def _advance(self, context: DecodeContext, job: Job, row: int) -> None:
        """Choose the job's next token, or end it."""
        if job.sampler is None:
            job.finish_reason = "read"
            return
        forbidden = self._none if job.answer else self._ends  # an answer has one token at least
        token = job.sampler.choose(context.logits(row), forbidden=forbidden)
        if token in self._end_set:
            job.finish_reason = "stop"
            return
        job.answer.append(token)
        job.feed.append(token)
        if len(job.answer) == job.limit:
            job.finish_reason = "length"


def shared_prefix(prompts: Sequence[list[int]]) -> int:
    """Return how many first tokens all prompts share, leaving each at least one of its own."""
    first, last = min(prompts), max(prompts)
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return max(0, min(shared, min(len(prompt) for prompt in prompts) - 1))


def _fill(active: Sequence[Job], size: int) -> list[_Chunk]:
    """Choose what goes into the next batch: running answers first, then as much of the prompts as fits."""
    chunks: list[_Chunk] = []
    room = size
    for job in sorted(active, key=lambda job: (len(job.feed) - job.fed > 1, job.slot)):
        take = min(room, len(job.feed) - job.fed)
        if take:
            chunks.append(_Chunk(job, job.fed, job.fed + take))
            room -= take
    return chunks
