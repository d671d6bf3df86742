"""Two files appear together: a target that is there belongs to what lies beside it."""

import os
from pathlib import Path

import pytest

from genair.errors import GenairError
from genair.io.atomic import atomic_pair


@pytest.fixture
def pair(tmp_path):
    return tmp_path / "out.npy", tmp_path / "out.npy.ids.json"


def write(pair, content, **kwargs):
    with atomic_pair(*pair, **kwargs) as paths:
        for path in paths:
            path.write_bytes(content)


def write_half(pair):
    with atomic_pair(*pair, force=True) as paths:
        paths[0].write_bytes(b"new")
        raise ValueError("half")


def contents(pair):
    return [path.read_bytes() if path.exists() else None for path in pair]


def names(pair):
    return sorted(path.name for path in pair[0].parent.iterdir())


def test_both_appear_at_the_end(pair):
    with atomic_pair(*pair) as (path, beside):
        path.write_bytes(b"rows")
        beside.write_bytes(b"ids")
        assert contents(pair) == [None, None]
    assert contents(pair) == [b"rows", b"ids"]
    assert names(pair) == ["out.npy", "out.npy.ids.json"]


@pytest.mark.parametrize("before", [False, True])
def test_an_error_leaves_what_was_there(pair, before):
    if before:
        write(pair, b"old")
    with pytest.raises(ValueError, match="half"):
        write_half(pair)
    assert contents(pair) == ([b"old"] * 2 if before else [None] * 2)
    assert len(names(pair)) == 2 * before


@pytest.mark.parametrize("there", [0, 1])
def test_either_is_kept_unless_forced(pair, there):
    pair[there].write_bytes(b"mine")
    with pytest.raises(GenairError, match="exists already"):
        write(pair, b"new")
    assert pair[there].read_bytes() == b"mine"
    assert names(pair) == [pair[there].name]
    write(pair, b"new", force=True)
    assert contents(pair) == [b"new", b"new"]


def test_a_target_that_appears_meanwhile_is_kept_alone(pair):
    with pytest.raises(GenairError, match="exists already"), atomic_pair(*pair):
        pair[0].write_bytes(b"mine")
    assert names(pair) == ["out.npy"]
    assert contents(pair) == [b"mine", None]


def test_whenever_it_is_killed_the_two_belong_together(pair, monkeypatch):
    """Every step that touches the folder is in turn the last one."""
    steps = 0
    for last in range(100):
        write(pair, b"old", force=True)
        steps = 0

        def dies(function, *arguments, last=last, **kwargs):
            nonlocal steps
            steps += 1
            if steps > last:
                raise KeyboardInterrupt
            return function(*arguments, **kwargs)

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                original = getattr(Path, name)
                patch.setattr(Path, name, lambda *words, f=original, **more: dies(f, *words, **more))
            try:
                write(pair, b"new", force=True)
            except KeyboardInterrupt:
                rows, ids = contents(pair)
                assert rows is None or rows == ids
        if steps <= last:
            break
    assert contents(pair) == [b"new", b"new"]
    assert steps == 3


def test_a_device_has_no_place_beside_it(tmp_path):
    with pytest.raises(GenairError, match=r"is no plain file, and null\.ids\.json has to lie beside it"):
        write((Path("/dev/null"), tmp_path / "null.ids.json"), b"")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(GenairError, match="is no plain file"):
        write((tmp_path / "fifo", tmp_path / "fifo.ids.json"), b"")


def test_a_folder_is_called_one(tmp_path):
    with pytest.raises(GenairError, match="is a folder"):
        write((tmp_path, tmp_path / "ids.json"), b"")
