"""A stream cut into waves and shards, and which of them were done before."""

import re
from dataclasses import replace
from itertools import count, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.archetype.generate import Request
from genair.errors import InputError
from genair.llm.waves import not_done, shard_of, unit_key, waves_of
from genair.records import ChatPrompt, Failed


def request(number):
    return Request(f"items.jsonl:{number}", {}, ChatPrompt("", f"Who? {number}", "", f"i{number}"), number)


def failed(number):
    return Failed(InputError(f"no {number}", where=f"items.jsonl:{number}"), number)


RECORDS = st.lists(st.booleans(), max_size=30).map(
    lambda fine: [request(n) if one else failed(n) for n, one in enumerate(fine, start=1)]
)
SIZES = st.integers(1, 5)


def fine(wave):
    return sum(isinstance(one, Request) for one in wave)


@given(RECORDS, SIZES)
@settings(deadline=None, max_examples=150)
def test_waves_are_runs_of_consecutive_records_of_which_so_many_are_fine(records, size):
    waves = list(waves_of(iter(records), size))
    assert [one for wave in waves for one in wave] == records
    assert all(waves)
    assert {fine(wave) for wave in waves[:-1]} <= {size}
    assert all(fine(wave) <= size for wave in waves)


def test_a_full_wave_does_not_wait_for_the_next_record():
    taken = []
    waves = waves_of((taken.append(n) or request(n) for n in count(1)), 3)
    assert [one.where for one in next(waves)] == ["items.jsonl:1", "items.jsonl:2", "items.jsonl:3"]
    assert taken == [1, 2, 3]


@given(RECORDS, SIZES, st.integers(1, 7))
@settings(deadline=None, max_examples=150)
def test_shards_together_are_the_whole_in_order(records, size, shards):
    whole = list(waves_of(records, size))
    parts = [
        list(shard_of(waves_of(records, size), fine(records), size, (index, shards)))
        for index in range(1, shards + 1)
    ]
    assert [wave for part in parts for wave in part] == whole
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 2  # what failed at the end may be one more


def test_records_that_failed_behind_the_last_full_wave_belong_to_the_last_shard():
    records = [request(1), request(2), failed(3), failed(4)]
    assert list(shard_of(waves_of(records, 2), 2, 2, (1, 1))) == [records[:2], records[2:]]


@given(RECORDS, SIZES, st.data())
@settings(deadline=None, max_examples=100)
def test_what_was_done_before_is_left_out(records, size, data):
    waves = list(waves_of(records, size))
    keys = [unit_key(wave) for wave in waves]
    before = data.draw(st.integers(0, len(waves)))
    assert list(not_done(waves, keys[:before])) == waves[before:]


@given(RECORDS.filter(len), SIZES, st.data())
@settings(deadline=None, max_examples=100)
def test_a_change_to_what_was_done_is_an_error_before_any_new_work(records, size, data):
    keys = [unit_key(wave) for wave in waves_of(records, size)]
    place = data.draw(st.integers(0, len(records) - 1))
    changed = [*records[:place], request(99), *records[place + 1 :]]
    with pytest.raises(InputError, match="the input changed since the work was interrupted"):
        list(not_done(waves_of(changed, size), keys))


def test_the_error_names_where_the_changed_wave_begins():
    records = [request(n) for n in range(1, 7)]
    keys = [unit_key(wave) for wave in waves_of(records, 2)]
    records[3] = replace(records[3], prompt=ChatPrompt("", "Another", "", "i4"))
    waves = not_done(waves_of(records, 2), keys)
    with pytest.raises(InputError, match=r"^items\.jsonl:3: .*--force"):
        next(waves)


def test_an_input_that_has_become_shorter_is_an_error():
    records = [request(n) for n in range(1, 7)]
    keys = [unit_key(wave) for wave in waves_of(records, 2)]
    message = re.escape("the input has become shorter since the work was interrupted (2 waves, 3 done)")
    with pytest.raises(InputError, match=message):
        list(not_done(waves_of(records[:4], 2), keys))


def test_nothing_is_read_ahead_of_need():
    taken = []
    waves = not_done(waves_of((taken.append(n) or request(n) for n in count(1)), 2), [])
    assert len(list(islice(waves, 2))) == 2
    assert taken == [1, 2, 3, 4]


ONE = request(1)


@pytest.mark.parametrize(
    "other",
    [
        [],
        [request(1), request(2)],
        [failed(1)],
        [replace(ONE, seed=7)],
        [replace(ONE, prompt=replace(ONE.prompt, user="Whoever?"))],
        [replace(ONE, prompt=replace(ONE.prompt, item_id="j1"))],
    ],
)
def test_another_wave_has_another_key(other):
    assert unit_key(other) != unit_key([ONE])


def test_order_makes_the_key_and_the_place_in_the_file_does_not():
    one, other = request(1), request(2)
    assert unit_key([one, other]) != unit_key([other, one])
    assert unit_key([replace(one, where="elsewhere:9")]) == unit_key([one])


def test_failures_for_different_reasons_have_different_keys():
    assert unit_key([failed(1)]) != unit_key([failed(2)])
    assert unit_key([failed(1)]) == unit_key([failed(1)])


@pytest.mark.parametrize("failures", [4096, 9000])
def test_failures_without_end_are_kept_together_some_thousand_at_a_time(failures):
    records = [failed(n) for n in range(failures)] + [request(n) for n in range(4)]
    waves = list(waves_of(records, 2))
    assert [one for wave in waves for one in wave] == records
    assert max(map(len, waves)) <= 4096 + 2
    shards = [list(shard_of(iter(waves), 4, 2, (index, 2))) for index in (1, 2)]
    assert [wave for shard in shards for wave in shard] == waves
    assert [sum(map(fine, shard)) for shard in shards] == [2, 2]


def test_where_a_failure_stops_the_work_nothing_behind_it_is_read():
    taken = []
    records = (taken.append(n) or (failed(n) if n == 4 else request(n)) for n in count())
    assert [len(wave) for wave in waves_of(records, 3, stops=True)] == [3, 2]
    assert taken == [0, 1, 2, 3, 4]
