"""Padded batches against the plainest way: one item at a time, the whole sequence again for every token."""

import copy

import numpy as np
import pytest
import torch
import transformers

from genair.config import Decoding
from genair.errors import GenairError
from genair.llm.engine import generation_jobs
from genair.llm.pooling import MeanPool
from genair.llm.sampling import Sampler
from genair.llm.transformers_.causal import CausalModel
from genair.llm.transformers_.choosing import GreedyChooser, HostChooser
from genair.llm.transformers_.padded import PaddedEngine, span_sums

VOCABULARY, HIDDEN = 64, 32
ENDS = [3, 17, 29, 40, 41, 63]
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.4,
    "pad_token_id": 0,
}
CONFIGS = {
    "full": transformers.LlamaConfig(**SIZES),
    "sliding": transformers.MistralConfig(**SIZES, sliding_window=7),
}


@pytest.fixture(scope="module", params=list(CONFIGS))
def model(request):
    torch.manual_seed(5)
    made = transformers.AutoModelForCausalLM.from_config(copy.deepcopy(CONFIGS[request.param]))
    return made.double().eval()


@pytest.fixture(scope="module")
def prompts():
    rng = np.random.default_rng(5)
    sizes = (9, 1, 30, 2, 17, 5, 5, 26, 1, 12, 3)
    return [rng.integers(VOCABULARY, size=size).astype(np.int32) for size in sizes]


def engine(model, parallel, ends=ENDS, batch_tokens=64):
    return PaddedEngine(CausalModel(model, transformers.DynamicCache), parallel, ends, batch_tokens)


def run(model, prompts, decoding, parallel, ends=ENDS, **options):
    """Return jobs that have ended, with their states."""
    jobs = generation_jobs(prompts, decoding, range(len(prompts)), HIDDEN)
    engine(model, parallel, ends, **options).write(jobs, decoding)
    return jobs


def alone(model, prompt, decoding, seed, ends=ENDS):
    """Return (answer, finish reason, state of every token fed), without batches and without a cache."""
    (job,) = generation_jobs([prompt], decoding, [seed])
    sampler, forbidden = Sampler(decoding, seed, prompt), np.asarray(ends, np.int32)
    while not job.finish_reason:
        with torch.no_grad():
            output = model(torch.tensor([job.feed]), output_hidden_states=True)
        logits = output.logits[0, -1].numpy()
        job.take(sampler.choose(logits, forbidden=forbidden[: 0 if job.answer else None]), set(ends))
    return job, output.hidden_states[-1][0].numpy()


DECODINGS = {
    "greedy": Decoding(max_tokens=20, repeat_penalty=1.0),
    "looping": Decoding(max_tokens=20, repeat_penalty=0.5),
    "penalty": Decoding(max_tokens=20, repeat_penalty=1.4),
    "warm": Decoding(max_tokens=20, temperature=1.0, top_p=0.95, repeat_penalty=1.1),
}


@pytest.mark.parametrize("decoding", DECODINGS.values(), ids=list(DECODINGS))
def test_a_batch_writes_what_each_item_would_alone(model, prompts, decoding):
    """Rows of all lengths leave, and come in late: tokens, reasons and states are those of the item alone."""
    jobs = run(model, prompts, decoding, parallel=4)
    for seed, (job, prompt) in enumerate(zip(jobs, prompts, strict=True)):
        expected, states = alone(model, prompt, decoding, seed)
        assert (job.answer, job.finish_reason) == (expected.answer, expected.finish_reason)
        assert 1 <= len(job.answer) <= 20
        pool = MeanPool(len(prompt), HIDDEN)
        pool.add(states.astype(np.float64))
        pooled, wanted = job.pooled(), pool.result(len(job.feed) - len(prompt))
        np.testing.assert_allclose(pooled.context, wanted.context, atol=1e-6)
        if wanted.archetype is None:
            assert pooled.archetype is None
        else:
            np.testing.assert_allclose(pooled.archetype, wanted.archetype, atol=1e-6)


def test_every_way_to_end_was_met(model, prompts):
    every = [job for decoding in DECODINGS.values() for job in run(model, prompts, decoding, parallel=4)]
    assert {job.finish_reason for job in every} == {"stop", "length", "loop"}
    for job in every:
        assert not set(job.answer) & set(ENDS)
        if job.finish_reason == "length":
            assert len(job.answer) == 20
        if job.finish_reason == "loop":
            assert len(job.answer) < 20


@pytest.mark.parametrize("parallel", [1, 2, 5, 64])
@pytest.mark.parametrize("batch_tokens", [1, 40, 10_000])
def test_company_changes_nothing(model, prompts, parallel, batch_tokens):
    warm = DECODINGS["warm"]
    jobs = run(model, prompts, warm, parallel, batch_tokens=batch_tokens)
    for job, other in zip(jobs, run(model, prompts, warm, parallel=3), strict=True):
        assert (job.answer, job.finish_reason) == (other.answer, other.finish_reason)
        np.testing.assert_allclose(job.pooled().context, other.pooled().context, atol=1e-6)


def test_the_order_of_a_wave_is_kept_and_means_nothing(model, prompts):
    decoding = DECODINGS["penalty"]
    forth = run(model, prompts, decoding, parallel=4)
    back = run(model, prompts[::-1], decoding, parallel=4)
    assert [job.answer for job in forth] == [job.answer for job in back[::-1]]


def test_seeds_are_the_items_own(model, prompts):
    warm = DECODINGS["warm"]
    same = [prompts[0]] * 6
    jobs = generation_jobs(same, warm, [1, 2, 1, 3, 2, 1])
    engine(model, 4).write(jobs, warm)
    texts = [job.answer for job in jobs]
    assert texts[0] == texts[2] == texts[5]
    assert texts[1] == texts[4]
    assert len({tuple(text) for text in texts}) > 1


def test_without_ends_every_answer_has_its_length(model, prompts):
    jobs = run(model, prompts, Decoding(max_tokens=2), parallel=4, ends=[])
    assert [len(job.answer) for job in jobs] == [2] * len(prompts)
    assert {job.finish_reason for job in jobs} == {"length"}


def test_an_answer_has_a_token_even_if_all_but_one_would_end_it(model, prompts):
    ends = [token for token in range(VOCABULARY) if token != 8]
    for decoding in DECODINGS.values():
        jobs = run(model, prompts, decoding, parallel=4, ends=ends)
        assert {job.answer[0] for job in jobs} == {8}


@pytest.mark.parametrize("batch_tokens", [1, 50, 10_000])
def test_reading_gives_the_means_of_each_item_alone(model, prompts, batch_tokens):
    answers = [prompt[: 2 * (row % 3)] for row, prompt in enumerate(prompts)]
    pairs = list(zip(prompts, answers, strict=True))
    for pooled, (prompt, answer) in zip(
        engine(model, 8, batch_tokens=batch_tokens).read(pairs), pairs, strict=True
    ):
        with torch.no_grad():
            feed = torch.tensor([np.concatenate([prompt, answer]).tolist()])
            states = model(feed, output_hidden_states=True).hidden_states[-1][0].numpy()
        np.testing.assert_allclose(pooled.context, states[: len(prompt)].mean(axis=0), atol=1e-6)
        if len(answer):
            np.testing.assert_allclose(pooled.archetype, states[len(prompt) :].mean(axis=0), atol=1e-6)
        else:
            assert pooled.archetype is None


def test_an_empty_wave_is_nothing(model):
    assert engine(model, 4).read([]) == []
    engine(model, 4).write([], DECODINGS["greedy"])


def test_sums_are_of_the_span_alone_even_beside_what_is_not_finite():
    states = torch.arange(24, dtype=torch.float32).reshape(2, 4, 3)
    states[0, 3] = torch.nan
    sums = span_sums(states, [0, 1], [3, 4])
    assert sums.dtype == np.float64
    assert sums.tolist() == [[9, 12, 15], [54, 57, 60]]
    assert span_sums(states, [2, 0], [2, 0]).tolist() == [[0, 0, 0]] * 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("penalty", [1.0, 1.3, 0.7])
def test_the_device_chooses_what_the_host_does_of_equals_too(dtype, penalty):
    """Coarse logits have many ties: the lowest token id wins on both sides."""
    rng = np.random.default_rng(8)
    decoding = Decoding(max_tokens=30, repeat_penalty=penalty)
    prompts = [rng.integers(VOCABULARY, size=6).astype(np.int32) for _ in range(5)]
    sides = []
    for chooser in (GreedyChooser(penalty, ENDS, torch.device("cpu")), HostChooser(ENDS)):
        jobs = generation_jobs(prompts[:3], decoding, range(3))
        chooser.join(jobs)
        sides.append((chooser, jobs))
    for step in range(24):
        logits = torch.from_numpy(rng.integers(-4, 5, size=(len(sides[0][1]), VOCABULARY)) / 4).to(dtype)
        chosen = [chooser.choose(jobs, logits) for chooser, jobs in sides]
        assert chosen[0] == chosen[1]
        for _, jobs in sides:
            for job, token in zip(jobs, chosen[0], strict=True):
                job.answer.append(token)
        if step % 6 == 5:  # the first leaves, others come
            for chooser, jobs in sides:
                chooser.keep(torch.arange(1, len(jobs)))
                more = generation_jobs([prompts[3 + step % 2]], decoding, [0])
                jobs[:] = [*jobs[1:], *more]
                chooser.join(more)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_numbers_that_overflowed_are_an_error(bad):
    logits = torch.zeros(2, VOCABULARY)
    logits[1, 5] = bad
    for chooser in (GreedyChooser(1.1, ENDS, torch.device("cpu")), HostChooser(ENDS)):
        jobs = generation_jobs([np.array([1, 2], np.int32)] * 2, Decoding(), [0, 0])
        chooser.join(jobs)
        with pytest.raises(GenairError, match="not finite: try --dtype"):
            chooser.choose(jobs, logits)
