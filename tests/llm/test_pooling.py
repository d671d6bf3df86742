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


def test_states_that_change_after_being_added_do_not_matter():
    pool = MeanPool(2, 1)
    buffer = np.ones((2, 1), np.float32)
    pool.add(buffer)
    buffer[:] = 99
    assert pool.result().context.tolist() == [1.0]
