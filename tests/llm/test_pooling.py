"""Running means, wherever the chunks are cut."""

import numpy as np
import pytest
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


def test_long_sums_keep_their_digits():
    states = np.full((100_000, 1), 0.1, np.float32)
    states[0] = 1e4
    expected = states.astype(np.float64).mean()
    assert pooled(states, 100_000, range(1, 1000)).context[0] == pytest.approx(expected, rel=1e-7)


def test_states_that_change_after_being_added_do_not_matter():
    pool = MeanPool(2, 1)
    buffer = np.ones((2, 1), np.float32)
    pool.add(buffer)
    buffer[:] = 99
    assert pool.result().context.tolist() == [1.0]
