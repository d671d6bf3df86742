"""Continuous batching inside one wave, for any runtime that decodes tokens at positions of slots.

The tokens all prompts of the wave share are decoded once, in slot 0, and copied. Every other slot holds one
item; when its answer ends, the next item of the wave takes the slot. A prompt is read alone, in batches of
its own and without logits, all but its last token; from there on answers advance together, one token each:
runtimes cut a batch whose slots bring different numbers of tokens into small pieces. Nothing crosses a wave's
border.
"""

from collections import deque
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genair.config import Decoding
from genair.llm.base import PooledStates
from genair.llm.looping import loop_start
from genair.llm.pooling import MeanPool
from genair.llm.sampling import Sampler

Tokens = npt.NDArray[np.int32]
States = npt.NDArray[np.float32]
_PREFIX_SLOT = 0


class DecodeContext(Protocol):
    """A wave's memory: slots that remember tokens, and a batch's outputs."""

    batch_size: int

    def read(self, tokens: Tokens, positions: Tokens, slots: Tokens) -> None:
        """Feed tokens whose successors are known: no logits."""

    def decode(self, tokens: Tokens, positions: Tokens, slots: Tokens) -> None:
        """Feed tokens, and make logits of each."""

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

    def room(self, length: int) -> int:
        """Return how many sequences of so many tokens may be remembered together, at least 1."""

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
        answer: tokens generated so far, end of text not included; a tail of `feed`.
        fed: how many of `feed` went in.
        finish_reason: empty while running; `stop`, `length` or `loop` (what looped is cut off), `read`.
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

    def take(self, token: int, ends: Set[int]) -> None:
        """Go on with the next token, or end.

        Args:
            token: what was chosen.
            ends: the tokens that end a text.
        """
        if token in ends:
            self.finish_reason = "stop"
            return
        self.answer.append(token)
        self.feed.append(token)
        kept = loop_start(self.answer)
        if kept is not None:
            del self.answer[kept:], self.feed[self.prompt_tokens + kept :]
            self.finish_reason = "loop"
        elif len(self.answer) == self.limit:
            self.finish_reason = "length"

    def pooled(self) -> PooledStates | None:
        """Return the means of the states that went by, if they were wanted."""
        return None if self.pool is None else self.pool.result(len(self.feed) - self.prompt_tokens)


def generation_jobs(
    prompts: Sequence[Tokens], decoding: Decoding, seeds: Sequence[int], hidden_size: int | None = None
) -> list[Job]:
    """Return a job for each prompt that generates by `decoding`, and pools if it is told the states' size."""
    return [
        Job(
            prompt.tolist(),
            len(prompt),
            decoding.max_tokens,
            Sampler(decoding, seed, prompt),
            None if hidden_size is None else MeanPool(len(prompt), hidden_size),
        )
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]


def state_jobs(pairs: Sequence[tuple[Tokens, Tokens]], hidden_size: int) -> list[Job]:
    """Return a job for each (prompt, answer) that only reads and pools."""
    return [
        Job(np.concatenate(pair).tolist(), len(pair[0]), pool=MeanPool(len(pair[0]), hidden_size))
        for pair in pairs
    ]


class WaveEngine:
    """Runs waves of jobs on a runtime."""

    def __init__(self, runtime: Runtime, parallel: int, end_tokens: Tokens) -> None:
        """Decode at most `parallel` items together, if there is room; any of `end_tokens` ends a text."""
        self._runtime = runtime
        self._parallel = parallel
        self._ends = end_tokens
        self._end_set = frozenset(end_tokens.tolist())
        self._none = np.empty(0, dtype=np.int32)

    def run(self, jobs: Sequence[Job]) -> None:
        """Run every job of a wave to its end."""
        answering = any(job.limit for job in jobs)
        want_states = any(job.pool is not None for job in jobs)
        length = max(len(job.feed) + job.limit for job in jobs)
        slots = min(self._parallel, len(jobs), self._runtime.room(length)) if answering else 1
        context = self._runtime.new_context(slots + 1, length, want_states=want_states)
        try:
            self._run(context, jobs, slots, want_states)
        finally:
            context.close()

    def _run(self, context: DecodeContext, jobs: Sequence[Job], slots: int, want_states: bool) -> None:
        prefix = shared_prefix([job.feed[: job.prompt_tokens] for job in jobs])
        head = jobs[0].feed[:prefix]
        prefix_states = [states.copy() for states in self._read(context, head, 0, _PREFIX_SLOT, want_states)]
        waiting = deque(jobs)
        free = deque(range(1, slots + 1))
        active: list[Job] = []
        while waiting or active:
            while waiting and free:
                job = waiting.popleft()
                job.slot, job.fed = free.popleft(), prefix
                self._start(context, job, prefix_states, want_states)
                active.append(job)
            self._retire(context, active, free)
            for start in range(0, len(active), context.batch_size):
                self._step(context, active[start : start + context.batch_size], want_states)
            self._retire(context, active, free)

    def _start(
        self, context: DecodeContext, job: Job, prefix_states: Sequence[States], want_states: bool
    ) -> None:
        """Take over the shared prefix and read what follows, all but the token before the first choice."""
        if job.fed:
            context.copy(_PREFIX_SLOT, job.slot)
        end = len(job.feed) - (job.sampler is not None)
        rest = self._read(context, job.feed[job.fed : end], job.fed, job.slot, want_states)
        for states in chain(prefix_states, rest):  # one at a time: each is valid until the next batch
            if job.pool is not None:
                job.pool.add(states)
        job.fed = end
        if job.sampler is None:
            job.finish_reason = "read"

    def _read(
        self, context: DecodeContext, tokens: list[int], position: int, slot: int, want_states: bool
    ) -> Iterator[States]:
        """Feed tokens into one slot, batch by batch, and yield their states, valid until the next batch."""
        for start in range(0, len(tokens), context.batch_size):
            part = np.asarray(tokens[start : start + context.batch_size], dtype=np.int32)
            positions = np.arange(position + start, position + start + len(part), dtype=np.int32)
            context.read(part, positions, np.full(len(part), slot, dtype=np.int32))
            if want_states:
                yield context.hidden_states(len(part))

    def _step(self, context: DecodeContext, active: Sequence[Job], want_states: bool) -> None:
        """Feed every running answer's last token, and choose the next ones."""
        tokens = np.asarray([job.feed[job.fed] for job in active], dtype=np.int32)
        positions = np.asarray([job.fed for job in active], dtype=np.int32)
        slots = np.asarray([job.slot for job in active], dtype=np.int32)
        context.decode(tokens, positions, slots)
        states = context.hidden_states(len(active)) if want_states else None
        for row, job in enumerate(active):
            job.fed += 1
            if states is not None and job.pool is not None:
                job.pool.add(states[row : row + 1])
            self._choose(context, job, row)

    @staticmethod
    def _retire(context: DecodeContext, active: list[Job], free: deque[int]) -> None:
        """Give back the slots of the jobs that have ended."""
        for job in [job for job in active if job.finish_reason]:
            active.remove(job)
            context.clear(job.slot)
            free.append(job.slot)

    def _choose(self, context: DecodeContext, job: Job, row: int) -> None:
        """Choose the job's next token, which may end it."""
        if job.sampler is not None:
            forbidden = self._none if job.answer else self._ends  # an answer has one token at least
            job.take(job.sampler.choose(context.logits(row), forbidden=forbidden), self._end_set)


def shared_prefix(prompts: Sequence[list[int]]) -> int:
    """Return how many first tokens all prompts share, leaving each at least one of its own."""
    first, last = min(prompts), max(prompts)
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return max(0, min(shared, min(len(prompt) for prompt in prompts) - 1))
