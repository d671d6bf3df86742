"""Running means, wherever the chunks are cut."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.llm.pooling import MeanPool


def pooled(states, prompt_tokens, cuts=()):
    pool = MeanPool(prompt_tokens, states.shape[1])
    for chunk in np.split(states, sorted(cuts)):
        pool.add(chunk)
    return pool.result()


@given(
    st.integers(1, 12),
    st.integers(0, 12),
    st.integers(1, 4),
    st.lists(st.integers(0, 24), max_size=6),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=120)
def test_each_view_is_the_mean_of_its_own_tokens(prompt, answer, hidden, cuts, seed):
    states = np.random.default_rng(seed).normal(size=(prompt + answer, hidden)).astype(np.float32)
    found = pooled(states, prompt, [cut for cut in cuts if cut <= len(states)])
    np.testing.assert_allclose(found.context, states[:prompt].mean(axis=0), rtol=1e-5, atol=1e-6)
    assert found.context.dtype == np.float32
    if answer:
        np.testing.assert_allclose(found.archetype, states[prompt:].mean(axis=0), rtol=1e-5, atol=1e-6)
        assert found.archetype.dtype == np.float32
    else:
        assert found.archetype is None


def test_sums_keep_their_digits_within_a_chunk_and_across():
    states = np.array([[1e8], [1], [-1e8]] * 2, np.float32)
    for cuts in ((), (1,), (2, 4), range(1, 6)):
        found = pooled(states, 3, cuts)
        assert found.context[0] == found.archetype[0] == np.float32(1 / 3)


@given(st.integers(1, 6), st.integers(0, 12), st.integers(0, 12), st.integers(0, 99))
@settings(deadline=None, max_examples=80)
def test_an_answer_that_was_cut_counts_up_to_the_cut(prompt, answer, kept, seed):
    states = np.random.default_rng(seed).normal(size=(prompt + answer, 2)).astype(np.float32)
    pool = MeanPool(prompt, 2)
    pool.add(states)
    whole, found = pooled(states[: prompt + kept], prompt), pool.result(kept)
    np.testing.assert_array_equal(found.context, whole.context)
    if whole.archetype is None:
        assert found.archetype is None
    else:
        np.testing.assert_array_equal(found.archetype, whole.archetype)


def test_the_answer_is_summed_token_by_token_wherever_the_chunks_were_cut():
    states = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    whole = pooled(states, 7)
    for cuts in ((1,), (7,), (8, 9, 30), range(1, 40)):
        np.testing.assert_array_equal(pooled(states, 7, cuts).archetype, whole.archetype)


def test_states_that_change_after_being_added_do_not_matter():
    pool = MeanPool(2, 1)
    buffer = np.ones((3, 1), np.float32)
    pool.add(buffer)
    buffer[:] = 99
    assert pool.result().context.tolist() == [1.0]
    assert pool.result().archetype.tolist() == [1.0]


def test_a_sum_stands_for_its_states():
    states = np.arange(12, dtype=np.float32).reshape(4, 3)
    one, summed = MeanPool(3, 3), MeanPool(3, 3)
    one.add(states)
    summed.add_sum(states[:2].sum(axis=0, dtype=np.float64), 2)
    summed.add(states[2:])
    assert np.array_equal(one.result().context, summed.result().context)
    assert np.array_equal(one.result().archetype, summed.result().archetype)
