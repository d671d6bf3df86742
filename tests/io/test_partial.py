"""Work that is killed at any moment, or damaged anyhow, goes on behind its last whole unit."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.errors import GenairError, UsageError
from genair.io.atomic import install
from genair.io.partial import open_partial, scratch_partial

SETTINGS = {"model": {"name": "m", "runs": "f16"}, "wave": [32, 16]}
STREAMS = ("lines", "states")
UNITS = 8
JOURNAL = "journal.jsonl"


def piece(stream, number):
    """Return what a unit adds to a stream: now and then nothing."""
    return f"{stream} of {number}\n".encode() * (number % 4 if stream == "lines" else 1 + number % 3)


def content(stream, units=UNITS):
    return b"".join(piece(stream, number) for number in range(units))


def opened(target, *, resume=False, force=False, changed=None, streams=STREAMS):
    return open_partial(target, {**SETTINGS, **(changed or {})}, streams, resume=resume, force=force)


def add(work, number):
    for stream in STREAMS:
        work.write(stream, piece(stream, number))
    work.commit(f"key-{number}")


class Killed(BaseException):
    """What ends a run that does not end by itself."""


def interrupt(target, units=UNITS, torn=b"", **kwargs):
    """Do so many units, begin one more, and stop."""
    with opened(target, **kwargs) as work:
        for number in range(len(work.done), units):
            add(work, number)
        work.write("lines", torn)
        raise Killed


def interrupted(target, **kwargs):
    with pytest.raises(Killed):
        interrupt(target, **kwargs)
    return target.with_name(target.name + ".partial")


def finish(target, **kwargs):
    """Go on to the end and return what was found done, and the streams."""
    with opened(target, resume=True, **kwargs) as work:
        resumed = list(work.done)
        assert work.resumed == len(resumed)
        for number in range(len(resumed), UNITS):
            add(work, number)
        made = {stream: work.path(stream).read_bytes() for stream in STREAMS}
        install(work.path("lines"), target, force=False)
    return resumed, made


def keys(count):
    return [f"key-{number}" for number in range(count)]


WHOLE = {stream: content(stream) for stream in STREAMS}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.jsonl"


def test_work_that_nobody_disturbs_leaves_the_outputs_and_nothing_else(target):
    assert finish(target) == ([], WHOLE)
    assert [path.name for path in target.parent.iterdir()] == ["out.jsonl"]
    assert target.read_bytes() == content("lines")


@pytest.mark.parametrize("units", [1, 5, UNITS])
def test_interrupted_work_goes_on_behind_its_last_unit(target, units):
    interrupted(target, units=units, torn=b"half a li")
    assert finish(target) == (keys(units), WHOLE)
    assert [path.name for path in target.parent.iterdir()] == ["out.jsonl"]


def test_work_interrupted_again_and_again_ends_all_the_same(target):
    for units in range(1, UNITS):
        interrupted(target, units=units, torn=b"x" * units, resume=units > 1)
    assert finish(target) == (keys(UNITS - 1), WHOLE)


def test_a_run_that_ends_before_its_first_unit_leaves_nothing(target):
    interrupted(target, units=0, torn=b"half a li")
    assert list(target.parent.iterdir()) == []


def test_the_digest_of_a_stream_is_that_of_all_of_it_resumed_or_not(target):
    interrupted(target, units=3, torn=b"half a li")
    with opened(target, resume=True) as work:
        resumed = work.sha256("lines")
    with scratch_partial(STREAMS, {}) as work:
        for number in range(3):
            add(work, number)
        assert work.sha256("lines") == resumed


TEARS = [
    (JOURNAL, lambda data: data[:-1], UNITS - 1),
    (JOURNAL, lambda data: data[: data.rindex(b"key-7") + 2], UNITS - 1),
    (JOURNAL, lambda data: data + b'{"key": "key-8", "str', UNITS),
    (JOURNAL, lambda data: data + b"7\n", UNITS),
    (JOURNAL, lambda data: data.replace(b"key-5", b"ke\xff-5"), 5),
    (JOURNAL, lambda data: data.replace(b'{"key":"key-2"', b'["key","key-2"'), 2),
    ("lines", lambda data: data + b"half a li", UNITS),
    ("lines", lambda data: data[: len(content("lines", 6)) + 1], 6),
    ("lines", lambda data: data[: len(content("lines", 6)) - 1], 5),
    ("states", lambda data: data[: len(content("states", 3))], 3),
    ("states", lambda _: b"", 0),
    ("lines", lambda data: data.replace(b"lines of 6", b"linez of 6"), 6),
    ("states", lambda data: data.replace(b"states of 0", b"stares of 0"), 0),
]


@pytest.mark.parametrize(("name", "tear", "left"), TEARS)
def test_whatever_is_torn_or_flipped_costs_what_lies_behind_it_and_no_more(target, name, tear, left):
    path = interrupted(target) / name
    before = path.read_bytes()
    path.write_bytes(tear(before))
    assert path.read_bytes() != before
    assert finish(target) == (keys(left), WHOLE)


def test_a_stream_that_is_gone_is_made_again(target):
    (interrupted(target) / "states").unlink()
    assert finish(target) == ([], WHOLE)


def test_a_journal_without_its_head_is_a_new_beginning(target):
    (interrupted(target) / JOURNAL).write_bytes(b'{"settings"')
    assert finish(target) == ([], WHOLE)


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_any_truncation_of_any_file_leaves_whole_units(data):
    with TemporaryDirectory() as name:
        target = Path(name) / "out.jsonl"
        folder = interrupted(target, torn=b"half a li")
        path = folder / data.draw(st.sampled_from([JOURNAL, *STREAMS]))
        os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
        resumed, made = finish(target)
        assert resumed == keys(len(resumed))
        assert made == WHOLE


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_any_byte_changed_in_a_stream_leaves_whole_units(data):
    with TemporaryDirectory() as name:
        target = Path(name) / "out.jsonl"
        path = interrupted(target) / data.draw(st.sampled_from(STREAMS))
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        resumed, made = finish(target)
        assert resumed == keys(len(resumed))
        assert len(resumed) < UNITS
        assert made == WHOLE


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_a_byte_changed_in_the_journal_is_an_error_or_costs_units(data):
    with TemporaryDirectory() as name:
        target = Path(name) / "out.jsonl"
        path = interrupted(target) / JOURNAL
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.sampled_from(b'9.e-[]{}",\nx\xff')
        )
        path.write_bytes(content)
        try:
            _, made = finish(target)
        except UsageError:  # the settings are others now
            return
        assert made == WHOLE


def test_work_is_kept_from_whoever_does_not_ask_for_it(target):
    folder = interrupted(target, units=3)
    with pytest.raises(GenairError, match=r"interrupted work: --resume goes on with it, --force"):
        interrupt(target)
    assert folder.is_dir()
    assert finish(target)[0] == keys(3)


def test_force_starts_again(target):
    interrupted(target, units=5)
    interrupted(target, units=2, force=True)
    assert finish(target) == (keys(2), WHOLE)


def test_resume_goes_before_force(target):
    interrupted(target, units=5)
    interrupted(target, units=6, force=True, resume=True)
    assert finish(target)[0] == keys(6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"wave": [64, 16]}, r"wave \[32, 16\], now it is \[64, 16\]"),
        ({"model": {"name": "m", "runs": "q8_0"}}, r"model\.runs 'f16', now it is 'q8_0'"),
        ({"seed": 3}, r"seed None, now it is 3"),
    ],
)
def test_changed_settings_are_named_and_nothing_is_lost(target, changed, message):
    interrupted(target, units=3)
    with pytest.raises(UsageError, match=message):
        interrupt(target, resume=True, changed=changed)
    interrupted(target, units=4, resume=True, changed={"wave": (32, 16)})  # the same in JSON
    assert finish(target)[0] == keys(4)


def test_settings_do_not_matter_to_who_starts_again(target):
    interrupted(target, units=3)
    interrupted(target, units=2, force=True, changed={"seed": 3})
    assert finish(target, changed={"seed": 3})[0] == keys(2)


def test_the_file_that_a_killed_writer_of_another_kind_left_is_cleared_away(target):
    target.with_name("out.jsonl.partial").write_bytes(b"half")
    assert finish(target) == ([], WHOLE)


def test_work_that_was_given_up_is_not_kept(target):
    def give_up():
        with opened(target) as work:
            add(work, 0)
            work.give_up()
            raise Killed

    with pytest.raises(Killed):
        give_up()
    assert list(target.parent.iterdir()) == []


def test_scratch_work_writes_through_and_leaves_nothing(tmp_path):
    with (tmp_path / "through").open("wb") as outside:
        with scratch_partial(["states"], {"lines": outside}) as work:
            add(work, 1)
            assert (tmp_path / "through").read_bytes() == piece("lines", 1)
            assert work.path("states").read_bytes() == piece("states", 1)
            folder = work.folder
        assert not folder.exists()
