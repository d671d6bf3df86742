"""The tokens that all prompts of a wave begin with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.llm.engine import shared_prefix

TOKENS = st.integers(0, 12)
PROMPTS = st.lists(st.lists(TOKENS, min_size=1, max_size=9), min_size=1, max_size=7)


@given(st.lists(TOKENS, max_size=8), PROMPTS)
@settings(deadline=None, max_examples=150)
def test_the_shared_prefix_is_the_longest_that_leaves_everyone_a_token(prefix, prompts):
    prompts = [[*prefix, *prompt] for prompt in prompts]
    longest = max(
        n for n in range(min(map(len, prompts))) if all(prompt[:n] == prompts[0][:n] for prompt in prompts)
    )
    assert shared_prefix(prompts) == longest


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [
        ([[1, 2, 3]], 2),
        ([[1, 2, 3], [1, 2, 3]], 2),
        ([[1, 2], [1, 2, 3]], 1),
        ([[1], [1, 2, 3]], 0),
        ([[2, 1], [1, 2], [1, 1]], 0),
        ([[1, 9, 1], [1, 10, 1], [1, 2, 1]], 1),
    ],
)
def test_shared_prefixes_by_hand(prompts, shared):
    assert shared_prefix(prompts) == shared
