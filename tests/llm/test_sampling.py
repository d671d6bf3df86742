"""The next token: the argmax when greedy, a draw from the stated set when not, and never a forbidden one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config import Decoding
from genair.llm.sampling import Sampler

NONE = np.empty(0, dtype=np.int32)
VOCABULARY = 8
LOGITS = st.lists(st.integers(-16, 16).map(lambda n: n / 4), min_size=VOCABULARY, max_size=VOCABULARY)
PROMPT = st.lists(st.integers(0, VOCABULARY - 1), max_size=5)


def sampler(decoding, prompt=(), seed=0):
    return Sampler(decoding, seed, np.asarray(prompt, dtype=np.int32))


def penalized(logits, seen, penalty):
    return [
        logit if token not in seen else logit / penalty if logit > 0 else logit * penalty
        for token, logit in enumerate(logits)
    ]


def allowed_set(scores, decoding):
    """Return {token: probability} by sorting and adding up."""
    ranked = sorted(range(len(scores)), key=lambda token: (-scores[token], token))
    ranked = [token for token in ranked if np.isfinite(scores[token])]
    if decoding.top_k:
        ranked = ranked[: decoding.top_k]
    weights = np.exp(np.array([scores[token] for token in ranked]) / decoding.temperature)
    chances = weights / weights.sum()
    size = next(
        (n for n in range(1, len(ranked)) if chances[:n].sum() >= decoding.top_p - 1e-12), len(ranked)
    )
    return dict(zip(ranked[:size], chances[:size] / chances[:size].sum(), strict=True))


@given(
    LOGITS, PROMPT, st.sampled_from([1.0, 1.1, 1.5, 0.5]), st.sets(st.integers(0, VOCABULARY - 1), max_size=7)
)
@settings(deadline=None, max_examples=150)
def test_greedy_is_the_argmax_after_the_penalty(logits, prompt, penalty, forbidden):
    chooser = sampler(Decoding(temperature=0, repeat_penalty=penalty), prompt)
    seen = set(prompt)
    for step in range(4):
        turned = np.roll(logits, step).tolist()
        scores = penalized(turned, seen, penalty)
        best = max(
            (token for token in range(VOCABULARY) if token not in forbidden), key=lambda t: (scores[t], -t)
        )
        given_logits = np.asarray(turned, dtype=np.float32)
        assert chooser.choose(given_logits, forbidden=np.array(sorted(forbidden), dtype=np.int32)) == best
        assert given_logits.tolist() == turned  # not changed
        seen.add(best)


def test_of_equal_logits_the_lowest_token_wins():
    assert sampler(Decoding(temperature=0)).choose(np.zeros(5, np.float32), forbidden=NONE) == 0
    assert sampler(Decoding(temperature=0), [0]).choose(np.ones(5, np.float32), forbidden=NONE) == 1


def test_the_penalty_moves_greedy_off_a_repeated_token():
    chooser = sampler(Decoding(temperature=0, repeat_penalty=1.5))
    logits = np.array([3.0, 2.5, -1.0], np.float32)
    assert [chooser.choose(logits, forbidden=NONE) for _ in range(3)] == [0, 1, 0]


def test_the_penalty_lowers_negative_logits_too():
    chooser = sampler(Decoding(temperature=0, repeat_penalty=1.5), [0])
    assert chooser.choose(np.array([-1.0, -1.2, -2.0], np.float32), forbidden=NONE) == 1


@given(
    LOGITS,
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.97]),
    st.integers(0, VOCABULARY),
    st.sampled_from([0.7, 1.0, 4.0]),
    st.sets(st.integers(0, VOCABULARY - 1), max_size=3),
)
@settings(deadline=None, max_examples=40)
def test_draws_come_from_the_stated_set_and_only_from_it(logits, top_p, top_k, temperature, forbidden):
    flat = [logit / 8 for logit in logits]  # so that every allowed token has a fair chance to be seen
    decoding = Decoding(temperature=temperature, top_p=top_p or 1.0, top_k=top_k, repeat_penalty=1.0)
    chooser = sampler(decoding, seed=1)
    scores = [-np.inf if token in forbidden else score for token, score in enumerate(flat)]
    barred = np.array(sorted(forbidden), dtype=np.int32)
    drawn = {chooser.choose(np.asarray(flat, np.float32), forbidden=barred) for _ in range(500)}
    assert drawn == set(allowed_set(scores, decoding))


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(temperature=1.0, top_p=1.0, repeat_penalty=1.0),
        Decoding(temperature=0.6, top_p=0.7, repeat_penalty=1.0),
        Decoding(temperature=2.0, top_p=1.0, top_k=4, repeat_penalty=1.0),
    ],
)
def test_frequencies_follow_the_probabilities(decoding):
    logits = np.array([0.0, 2.0, -1.0, 1.0, 1.5, -3.0], np.float32)
    chooser = sampler(decoding, seed=7)
    counts = np.bincount([chooser.choose(logits, forbidden=NONE) for _ in range(4000)], minlength=6)
    chances = allowed_set(logits.tolist(), decoding)
    expected = np.array([chances.get(token, 0.0) for token in range(6)])
    np.testing.assert_allclose(counts / 4000, expected, atol=0.03)
    assert (counts[expected == 0] == 0).all()


def test_a_sampled_sequence_repeats_itself_only_as_the_penalty_allows():
    logits = np.array([5.0, 4.0, 3.0, 2.0], np.float32)
    chooser = sampler(Decoding(temperature=0.01, top_p=1.0, repeat_penalty=4.0), seed=3)
    assert [chooser.choose(logits, forbidden=NONE) for _ in range(4)] == [0, 1, 2, 3]


def test_a_seed_gives_the_same_draws_and_another_seed_others():
    decoding = Decoding(temperature=1.0, top_p=1.0, repeat_penalty=1.0)
    one, same, other = (sampler(decoding, seed=seed) for seed in (5, 5, 6))
    logits = np.zeros(50, np.float32)
    draws = [[chooser.choose(logits, forbidden=NONE) for _ in range(20)] for chooser in (one, same, other)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_forbidden_tokens_are_never_chosen_even_with_all_the_weight(temperature):
    chooser = sampler(Decoding(temperature=temperature, top_p=1.0, repeat_penalty=1.0))
    logits = np.array([100.0, 0.0, 100.0, 0.0], np.float32)
    drawn = {chooser.choose(logits, forbidden=np.array([0, 2], np.int32)) for _ in range(100)}
    assert drawn == ({1} if temperature == 0 else {1, 3})
