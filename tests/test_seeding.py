"""Seeds depend on what is seeded and on nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from genair.seeding import derive_seed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
CALL = st.tuples(st.integers(-5, 120), st.lists(TEXT, max_size=3))


def test_seeds_are_the_same_on_every_machine():
    assert derive_seed(0) == 2033344993903900207
    assert derive_seed(44, "item-1", "Who?") == 4657216594037332499


def test_parts_are_not_run_together():
    assert len({derive_seed(0, "ab", "c"), derive_seed(0, "a", "bc"), derive_seed(0, "abc")}) == 3


def test_an_empty_part_counts():
    assert derive_seed(0, "") != derive_seed(0)


@given(CALL, CALL)
@settings(deadline=None, max_examples=150)
def test_different_uses_get_different_seeds(one, two):
    equal = derive_seed(one[0], *one[1]) == derive_seed(two[0], *two[1])
    assert equal == (one == two)


@given(CALL)
@settings(deadline=None, max_examples=60)
def test_a_seed_suits_every_generator(call):
    assert 0 <= derive_seed(call[0], *call[1]) < 2**63
