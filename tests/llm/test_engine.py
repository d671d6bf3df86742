"""The wave engine against a runtime that remembers, checks every call, and knows the answer one at a time.

The fake model is causal by construction: a token's state is a function of the slot's whole history up to it,
and its numbers are small integers, so that means are exact however the batches are cut.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config import Decoding
from genair.llm.engine import Job, WaveEngine, generation_jobs, state_jobs
from genair.llm.looping import loop_start
from genair.llm.sampling import Sampler

HIDDEN, VOCABULARY = 3, 13
ENDS = np.array([0, 5], dtype=np.int32)
PROMPTS = st.lists(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=7)
PREFIX = st.lists(st.integers(0, VOCABULARY - 1), max_size=8)
DECODINGS = [Decoding(max_tokens=6), Decoding(max_tokens=5, temperature=1.5, top_p=0.95, repeat_penalty=1.0)]
LOOPING = Decoding(max_tokens=30, repeat_penalty=1.0)
FORGETFUL = 1  # a model that sees so many tokens only, and so falls into loops
CASES = st.sampled_from([*((decoding, None) for decoding in DECODINGS), (LOOPING, FORGETFUL)])
FEW = settings(deadline=None, max_examples=80)


def digest_of(history):
    value = 1
    for token in history:
        value = (value * 1103515245 + token * 7919 + 12345) % 2**31
    return value


def state_of(history):
    return [(digest_of(history) >> (7 * k)) % 101 for k in range(HIDDEN)]


def logits_of(history, memory=None):
    seen = history if memory is None else history[-memory:]
    return [(digest_of(seen) * (token + 3)) % 1009 / 100 for token in range(VOCABULARY)]


class FakeContext:
    """One wave's memory; asserts that it is used as llama.cpp wants it."""

    def __init__(self, sequences, length, batch_size, want_states, memory=None):
        self.batch_size = batch_size
        self.want_states = want_states
        self._memory = memory
        self.closed = False
        self.slots = []  # of each batch's tokens
        self._slots = [[] for _ in range(sequences)]
        self._length = length
        self._outputs = set()
        self._histories = []
        self._buffer = np.zeros((batch_size, HIDDEN), np.float32)  # one for all batches, as in llama.cpp

    def read(self, tokens, positions, slots):
        self._feed(tokens, positions, slots)
        self._outputs = set()

    def decode(self, tokens, positions, slots):
        self._feed(tokens, positions, slots)
        self._outputs = set(range(len(tokens)))

    def _feed(self, tokens, positions, slots):
        assert not self.closed
        assert 1 <= len(tokens) == len(positions) == len(slots) <= self.batch_size
        assert tokens.dtype == positions.dtype == slots.dtype == np.int32
        self._histories = []
        for row, (token, position, slot) in enumerate(zip(tokens, positions, slots, strict=True)):
            history = self._slots[slot]
            assert position == len(history), "positions of a slot are contiguous"
            history.append(int(token))
            assert len(history) <= self._length, "the context is large enough"
            self._histories.append(tuple(history))
            self._buffer[row] = state_of(history)
        self.slots.append(slots.tolist())

    def logits(self, row):
        assert row in self._outputs, "logits were asked for"
        return np.asarray(logits_of(self._histories[row], self._memory), np.float32)

    def hidden_states(self, rows):
        assert self.want_states
        assert rows == len(self._histories)
        return self._buffer[:rows]

    def copy(self, source, target):
        assert self._slots[target] == [], "a slot is empty before it is used again"
        self._slots[target] = list(self._slots[source])

    def clear(self, slot):
        assert slot != 0, "the shared tokens stay"
        self._slots[slot] = []

    def close(self):
        assert not self.closed
        self.closed = True


class FakeRuntime:
    def __init__(self, batch_size, memory=None, most=10**6):
        self.batch_size = batch_size
        self.memory = memory
        self.most = most
        self.contexts = []

    def room(self, length):
        return max(1, self.most // length)

    def new_context(self, sequences, length, *, want_states):
        self.contexts.append(FakeContext(sequences, length, self.batch_size, want_states, self.memory))
        self.sequences = sequences
        return self.contexts[-1]


def run(jobs, *, parallel, batch_size, memory=None, most=10**6):
    runtime = FakeRuntime(batch_size, memory, most)
    WaveEngine(runtime, parallel, ENDS).run(jobs)
    assert [context.closed for context in runtime.contexts] == [True]
    assert runtime.sequences <= parallel + 1
    assert runtime.contexts[0].want_states == any(job.pool is not None for job in jobs)
    return runtime


def naive_answer(prompt, decoding, seed, memory=None):
    """Return (answer, finish reason, states of all fed tokens), one token at a time."""
    sampler = Sampler(decoding, seed, np.asarray(prompt, np.int32))
    answer = []
    while True:
        forbidden = ENDS if not answer else ENDS[:0]
        logits = np.asarray(logits_of([*prompt, *answer], memory), np.float32)
        token = sampler.choose(logits, forbidden=forbidden)
        fed = [*prompt, *answer]
        if token in ENDS:
            return answer, "stop", fed
        answer.append(token)
        kept = loop_start(answer)
        if kept is not None:
            return answer[:kept], "loop", [*prompt, *answer[:kept]]
        if len(answer) == decoding.max_tokens:
            return answer, "length", fed


def naive_means(fed, prompt_tokens):
    states = np.array([state_of(fed[: n + 1]) for n in range(len(fed))], np.float32)
    answered = states[prompt_tokens:]
    return states[:prompt_tokens].mean(axis=0, dtype=np.float64).astype(np.float32), (
        answered.mean(axis=0, dtype=np.float64).astype(np.float32) if len(answered) else None
    )


def assert_means(job, fed):
    context, archetype = naive_means(fed, job.prompt_tokens)
    found = job.pooled()
    np.testing.assert_array_equal(found.context, context)
    if archetype is None:
        assert found.archetype is None
    else:
        np.testing.assert_array_equal(found.archetype, archetype)


def arrays(prompts):
    return [np.asarray(prompt, np.int32) for prompt in prompts]


@given(PREFIX, PROMPTS, st.integers(1, 9), st.integers(1, 12), CASES)
@FEW
def test_answers_equal_those_of_one_prompt_at_a_time(prefix, prompts, parallel, batch_size, case):
    decoding, memory = case
    prompts = [[*prefix, *prompt] for prompt in prompts]
    jobs = generation_jobs(arrays(prompts), decoding, range(len(prompts)))
    run(jobs, parallel=parallel, batch_size=batch_size, memory=memory)
    for seed, (job, prompt) in enumerate(zip(jobs, prompts, strict=True)):
        answer, finish, _ = naive_answer(prompt, decoding, seed, memory)
        assert (job.answer, job.finish_reason, job.prompt_tokens) == (answer, finish, len(prompt))
        assert job.feed == [*prompt, *job.answer]


@given(PREFIX, PROMPTS, PREFIX, st.integers(1, 9), st.integers(1, 12))
@FEW
def test_means_equal_those_of_one_sequence_at_a_time(prefix, prompts, answer, parallel, batch_size):
    pairs = [
        ([*prefix, *prompt], answer[: number % (len(answer) + 1)]) for number, prompt in enumerate(prompts)
    ]
    jobs = state_jobs([tuple(arrays(pair)) for pair in pairs], HIDDEN)
    run(jobs, parallel=parallel, batch_size=batch_size)
    for job, (prompt, written) in zip(jobs, pairs, strict=True):
        assert_means(job, [*prompt, *written])
        assert job.finish_reason == "read"


@given(PREFIX, PROMPTS, st.integers(1, 9), st.integers(1, 12), CASES)
@FEW
def test_states_read_while_generating_are_those_of_reading_again(prefix, prompts, parallel, batch_size, case):
    decoding, memory = case
    prompts = [[*prefix, *prompt] for prompt in prompts]
    jobs = generation_jobs(arrays(prompts), decoding, range(len(prompts)), HIDDEN)
    run(jobs, parallel=parallel, batch_size=batch_size, memory=memory)
    for seed, (job, prompt) in enumerate(zip(jobs, prompts, strict=True)):
        assert_means(job, naive_answer(prompt, decoding, seed, memory)[2])
    pairs = [
        (prompt, job.answer[:-1] if job.finish_reason == "length" else job.answer)
        for prompt, job in zip(prompts, jobs, strict=True)
    ]
    again = state_jobs([tuple(arrays(pair)) for pair in pairs], HIDDEN)
    run(again, parallel=parallel, batch_size=batch_size)
    for one, other in zip(jobs, again, strict=True):
        np.testing.assert_array_equal(one.pooled().context, other.pooled().context)
        np.testing.assert_array_equal(one.pooled().archetype, other.pooled().archetype)


def test_the_cases_above_hold_every_way_to_end():
    ends = {
        (finish, len(answer))
        for seed, prompt in enumerate(np.ndindex(VOCABULARY, VOCABULARY))
        for case in [(DECODINGS[1], seed), (LOOPING, seed, FORGETFUL)]
        for answer, finish, _ in [naive_answer(list(prompt), *case)]
    }
    assert {("stop", 1), ("stop", 2), ("stop", 3), ("length", 5)} <= ends
    assert {("loop", 3), ("loop", 4)} <= ends
    assert ("stop", 0) not in ends  # an answer has one token at least


def test_shared_tokens_are_decoded_once():
    prompts = [[*range(1, 9), 9, 10], [*range(1, 9), 11], [*range(1, 9), 9, 12]]
    jobs = state_jobs([(prompt, np.array([2], np.int32)) for prompt in arrays(prompts)], HIDDEN)
    runtime = run(jobs, parallel=3, batch_size=100)
    assert [len(slots) for slots in runtime.contexts[0].slots] == [
        8,
        3,
        2,
        3,
    ]  # the prefix, then each prompt alone
    assert set(runtime.contexts[0].slots[0]) == {0}


def test_one_prompt_alone_keeps_a_token_of_its_own():
    jobs = generation_jobs(arrays([[3, 4, 6]]), DECODINGS[0], [0])
    runtime = run(jobs, parallel=4, batch_size=100)
    assert runtime.sequences == 2
    assert runtime.contexts[0].slots[:2] == [[0, 0], [1]]
    assert jobs[0].answer == naive_answer([3, 4, 6], DECODINGS[0], 0)[0]


def test_a_prompt_is_read_alone_and_running_answers_advance_together():
    jobs = generation_jobs(arrays([[2, *[7] * 6], [1, 3]]), Decoding(max_tokens=4), [0, 1])
    batches = run(jobs, parallel=2, batch_size=4).contexts[0].slots
    assert batches[:3] == [[1] * 4, [1] * 2, [2] * 1]  # all but each prompt's last token
    together = min(len(job.answer) for job in jobs)
    assert batches[3 : 3 + together] == [[1, 2]] * together


def test_many_jobs_share_few_slots():
    prompts = [[token, *[3] * (token % 4)] for token in range(12)]
    jobs = generation_jobs(arrays(prompts), DECODINGS[0], [0] * 12)
    assert run(jobs, parallel=2, batch_size=4).sequences == 3
    assert [job.answer for job in jobs] == [naive_answer(prompt, DECODINGS[0], 0)[0] for prompt in prompts]


def test_long_prompts_share_the_room_there_is():
    jobs = generation_jobs(arrays([[1, 2, 3], [1, 4], [5]]), Decoding(max_tokens=7), [0, 1, 2])
    assert run(jobs, parallel=8, batch_size=4, most=20).sequences == 2 + 1  # each may have 10 tokens
    assert all(job.finish_reason for job in jobs)


def test_a_job_without_a_pool_has_no_states():
    jobs = generation_jobs(arrays([[1, 2], [3, 4]]), DECODINGS[0], [0, 1])
    run(jobs, parallel=2, batch_size=8)
    assert [job.pooled() for job in jobs] == [None, None]


def test_a_job_without_a_pool_does_not_mind_one_with():
    prompts = [[7, 1, 2], [7, 3], [7, 8, 9, 10]]
    jobs = generation_jobs(arrays(prompts), DECODINGS[0], range(3), HIDDEN)
    jobs[1].pool = None
    run(jobs, parallel=2, batch_size=4)
    assert jobs[1].pooled() is None
    for seed in (0, 2):
        assert_means(jobs[seed], naive_answer(prompts[seed], DECODINGS[0], seed)[2])


def test_the_context_is_closed_when_decoding_fails():
    class Broken(FakeContext):
        def read(self, tokens, positions, slots):
            raise OSError("lost")

    class BrokenRuntime(FakeRuntime):
        def new_context(self, sequences, length, *, want_states):
            self.contexts.append(Broken(sequences, length, self.batch_size, want_states))
            return self.contexts[-1]

    runtime = BrokenRuntime(4)
    with pytest.raises(OSError, match="lost"):
        WaveEngine(runtime, 2, ENDS).run([Job([1, 2], 2)])
    assert runtime.contexts[0].closed
