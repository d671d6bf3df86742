"""States go in item by item and come out in blocks, bit for bit."""

import numpy as np
import pytest

from genair.io.partial import scratch_partial
from genair.llm.base import PooledStates
from genair.llm.spool import STREAMS, StatesSpool, add_states

HIDDEN = 3
VIEWS = [("context",), ("archetype",), ("context", "archetype"), ("archetype", "context")]
STRANGE = ["007", " 7 ", "a\nb", "\u2028", "日本語", '"', "x" * 300]


def states(count):
    rng = np.random.default_rng(count)
    return [PooledStates(*rng.normal(size=(2, HIDDEN)).astype(np.float32)) for _ in range(count)]


@pytest.fixture
def partial():
    with scratch_partial(STREAMS, {}) as work:
        yield work


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("count", [1, 1024, 1025, 2500])
def test_what_goes_in_comes_out_in_order(partial, views, count):
    given = states(count)
    for number, one in enumerate(given):
        add_states(partial, str(number), one, views)
    spool = StatesSpool.of(partial, views)
    assert list(spool.item_ids()) == [str(number) for number in range(count)]
    for view in views:
        found = np.concatenate([block[view] for block in spool.blocks()])
        np.testing.assert_array_equal(found, [getattr(one, view) for one in given])
        assert found.dtype == np.float32


def test_blocks_are_of_the_stated_size_and_can_be_read_again(partial):
    for number, one in enumerate(states(2500)):
        add_states(partial, str(number), one, ("context",))
    spool = StatesSpool.of(partial, ("context",))
    for _ in range(2):
        assert [len(block["context"]) for block in spool.blocks()] == [1024, 1024, 452]


def test_ids_are_taken_as_they_are(partial):
    for item_id, one in zip(STRANGE, states(len(STRANGE)), strict=True):
        add_states(partial, item_id, one, ("context",))
    assert list(StatesSpool.of(partial, ("context",)).item_ids()) == STRANGE


def test_an_empty_spool_has_no_blocks(partial):
    spool = StatesSpool.of(partial, ("context",))
    assert list(spool.blocks()) == list(spool.item_ids()) == []


def test_a_block_is_a_copy_that_may_be_changed(partial):
    add_states(partial, "1", states(1)[0], ("context",))
    spool = StatesSpool.of(partial, ("context",))
    (block,) = spool.blocks()
    block["context"][:] = 99
    (again,) = spool.blocks()
    assert (again["context"] != 99).all()
