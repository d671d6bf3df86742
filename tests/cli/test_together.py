"""Outputs appear together: whatever fails, the first never lies beside what does not belong to it."""

from pathlib import Path

import pytest

from genair.errors import GenairError, UsageError
from genair_cli.together import outputs_together


@pytest.fixture
def targets(tmp_path):
    return tmp_path / "first", tmp_path / "second", None


def write(targets, text, force=False, then=lambda: None):
    with outputs_together(targets, force=force) as outlets:
        assert outlets[2] is None
        for outlet in outlets[:2]:
            outlet.write(text)
        then()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_all_are_there_when_it_ends(tmp_path, targets):
    write(targets, b"one")
    assert contents(tmp_path) == {"first": b"one", "second": b"one"}
    with pytest.raises(GenairError, match="exists already"):
        write(targets, b"two")
    write(targets, b"two", force=True)
    assert contents(tmp_path) == {"first": b"two", "second": b"two"}


def test_an_error_before_the_end_leaves_what_was_there(tmp_path, targets):
    write(targets, b"one")
    with pytest.raises(ZeroDivisionError):
        write(targets, b"two", force=True, then=lambda: 1 // 0)
    assert contents(tmp_path) == {"first": b"one", "second": b"one"}


def test_an_error_at_the_end_leaves_no_first_that_belongs_to_nothing(tmp_path, targets):
    write(targets, b"one")

    def spoil():
        targets[1].unlink()
        targets[1].mkdir()

    with pytest.raises(GenairError, match="is a folder"):
        write(targets, b"two", force=True, then=spoil)
    assert contents(tmp_path) == {}


def test_what_cannot_be_is_told_before_anything_is_opened(tmp_path, targets):
    with pytest.raises(UsageError, match="two outputs are"), outputs_together((targets[0],) * 2, force=True):
        pass
    with (
        pytest.raises(GenairError, match="does not exist"),
        outputs_together((targets[0], tmp_path / "no" / "where"), force=True),
    ):
        pass
    assert contents(tmp_path) == {}


def test_devices_are_written_as_often_as_one_likes():
    with outputs_together((Path("/dev/null"), Path("/dev/null")), force=False) as outlets:
        for outlet in outlets:
            outlet.write(b"x" * 100_000)
