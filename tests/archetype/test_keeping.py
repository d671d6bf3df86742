"""Archetypes on their way into a work in progress."""

import json

import numpy as np
import pytest

from genair.archetype.generate import keep_archetypes, requests, write_archetypes
from genair.config import ArchetypeConfig, Decoding
from genair.errors import InputError
from genair.io.jsonl import encode_line
from genair.io.partial import scratch_partial
from genair.llm.base import BackendSpec
from genair.llm.spool import STREAMS, StatesSpool
from genair.llm.waves import unit_key, waves_of
from genair.records import Failed

ECHO = BackendSpec("echo", "", "echo", "", "words")
CONFIG = ArchetypeConfig(decoding=Decoding(max_tokens=5), wave=2)
ROWS = [(f"w:{n}", {"item_id": str(n), "title": f"A rod of {n} feet"} if n != 3 else {}) for n in range(1, 6)]
VIEWS = ("context", "archetype")


def wanted():
    return list(waves_of(requests(ROWS, CONFIG), CONFIG.wave))


def units(**kwargs):
    return write_archetypes(wanted(), CONFIG, ECHO, 0, **kwargs)


def refuse(failed):
    raise failed.error


@pytest.fixture
def work():
    with scratch_partial(["lines", *STREAMS], {}) as partial:
        yield partial


def test_lines_are_written_wave_by_wave_and_failures_are_put_aside(work):
    aside = []
    written = []
    for unit in keep_archetypes(units(), work, aside.append):
        written += [one.archetype for one in unit.outcomes if not isinstance(one, Failed)]
        lines = work.path("lines").read_bytes()
        assert lines == b"".join(encode_line(one.to_row()) for one in written)
        assert len(work.done) == -(-len(written) // 2)
    assert [json.loads(line)["item_id"] for line in lines.split(b"\n")[:-1]] == ["1", "2", "4", "5"]
    assert [str(failed.error) for failed in aside] == ["w:3: missing field 'item_id'"]
    assert work.done == [unit_key(wave) for wave in wanted()]


def test_states_are_kept_beside_the_lines_when_they_were_taken(work):
    made = list(units(want_states=True))
    list(keep_archetypes((unit for unit in made), work, lambda _: None))
    spool = StatesSpool.of(work, VIEWS)
    assert list(spool.item_ids()) == ["1", "2", "4", "5"]
    states = [one.states for unit in made for one in unit.outcomes if not isinstance(one, Failed)]
    (block,) = spool.blocks()
    for view in VIEWS:
        np.testing.assert_array_equal(block[view], [getattr(one, view) for one in states])


def test_without_states_the_lines_are_the_same(work):
    list(keep_archetypes(units(want_states=True), work, lambda _: None))
    with scratch_partial(["lines"], {}) as plain:
        list(keep_archetypes(units(), plain, lambda _: None))
        assert plain.path("lines").read_bytes() == work.path("lines").read_bytes()


def test_whoever_raises_at_a_failure_ends_the_work_before_its_wave_counts(work):
    kept = keep_archetypes(units(), work, refuse)
    next(kept)
    with pytest.raises(InputError, match=r"^w:3: "):
        next(kept)
    assert len(work.done) == 1


def test_whoever_raises_at_a_failure_ends_the_workers_at_once(work, no_process_is_left):
    made = write_archetypes(wanted(), CONFIG, ECHO, 2)
    with pytest.raises(InputError) as caught:  # the traceback keeps what was going on
        list(keep_archetypes(made, work, refuse))
    assert no_process_is_left()
    assert caught.value.where == "w:3"
