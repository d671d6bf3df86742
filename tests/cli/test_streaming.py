"""Results flow while the input still does, and neither shards nor workers nor vectors change a line."""

import subprocess
from itertools import product

import numpy as np
import pytest

from genair.io.container import open_container
from genair.io.embeddings import read_table

pytestmark = pytest.mark.slow

WAVE = ("--backend", "echo", "--wave", 4)
ECHO = (*WAVE, "--workers", 0)
BAD = [b'{"item_id": "no text"}\n', b"{broken\n"]


@pytest.fixture
def lines(files):
    return files.items.read_bytes().splitlines(keepends=True)


@pytest.fixture
def whole(run, files):
    return run("archetype", files.items, *ECHO).out


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_first_waves_come_out_before_the_input_ends(start, lines, whole, workers):
    command = start("archetype", "-", *WAVE, "--workers", workers, stdout=subprocess.PIPE)
    got = []
    for part in (lines[:4], lines[4:12], lines[12:16]):
        command.feed(b"".join(part))
        got += [command.stdout.readline() for _ in part]
    assert command.poll() is None
    rest, err = command.communicate(b"".join(lines[16:]), timeout=120)
    assert command.returncode == 0, err
    assert b"".join(got) + rest == whole


def test_results_wait_for_nothing_but_their_own_wave(start, lines, whole, tmp_path, done):
    command = start("archetype", "-", *WAVE, "--workers", 2, "-o", tmp_path / "out.jsonl")
    for count in range(4, 41, 4):
        command.feed(b"".join(lines[count - 4 : count]))
        command.wait_until(lambda count=count: done(tmp_path / "out.jsonl") == count // 4)
    command.ends(0)
    assert (tmp_path / "out.jsonl").read_bytes() == whole


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_writes_the_same(run, files, whole, workers):
    result = run("archetype", files.items, *WAVE, "--workers", workers)
    assert (result.status, result.out) == (0, whole)


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 17])
def test_shards_one_after_the_other_are_the_whole(run, files, tmp_path, whole, shards):
    parts = []
    for index in range(1, shards + 1):
        path = tmp_path / f"part-{index}.jsonl"
        result = run("archetype", files.items, *ECHO, "--shard", f"{index}/{shards}", "-o", path)
        assert result.status == 0, result.err
        parts.append(path.read_bytes())
    assert b"".join(parts) == whole
    lengths = [part.count(b"\n") for part in parts]
    assert max(lengths) - min(lengths) <= 4


@pytest.mark.parametrize(
    ("size", "shards", "where"), [*product([8, 9], [1, 2, 3], ["first", "middle", "last"])]
)
def test_every_record_that_fails_belongs_to_one_shard(run, lines, tmp_path, size, shards, where):
    place = {"first": 0, "middle": 4, "last": size}[where]
    items = tmp_path / "items.jsonl"
    items.write_bytes(b"".join([*lines[:place], *BAD, *lines[place:size]]))
    errors = tmp_path / "bad.jsonl"
    words = ("archetype", items, *ECHO, "--on-error", "skip", "--errors", errors, "--force")
    result = run("archetype", "-", *words[2:], stdin=items.read_bytes())
    assert result.status == 4
    expected = result.out, errors.read_bytes().replace(b'"stdin:', b'"' + str(items).encode() + b":")
    found, kept, statuses = b"", b"", []
    for index in range(1, shards + 1):
        result = run(*words, "--shard", f"{index}/{shards}")
        statuses.append(int(result.status))
        found, kept = found + result.out, kept + errors.read_bytes()
    assert (found, kept) == expected
    assert sorted(statuses) == [0] * (shards - 1) + [4]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/", "/2", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_that_means_nothing_is_refused(run, files, shard):
    run("archetype", files.items, *ECHO, "--shard", shard).fails(2, "--shard must be I/N")


def test_a_pipe_has_no_shards(run, lines):
    run("archetype", *ECHO, "--shard", "1/2", stdin=b"".join(lines)).fails(2, "--shard needs a file")


@pytest.fixture
def fused(run, files, tmp_path):
    """Archetypes and vectors of one pass, and the vectors that a second pass makes of the archetypes."""
    arch, one, two = (tmp_path / name for name in ("arch.jsonl", "one.h5", "two.h5"))
    assert run("archetype", files.items, *ECHO, "-o", arch, "--embeddings", one).status == 0
    assert run("embed", arch, *ECHO, "-o", two).status == 0
    return arch, one, two


def test_vectors_of_one_pass_are_those_of_two(fused):
    _, one, two = fused
    with open_container(one, "one") as made, open_container(two, "two") as again:
        assert made.read_strings("item_ids") == again.read_strings("item_ids")
        for name in ("vectors", "views/context", "views/archetype", "reducer/archetype/components"):
            np.testing.assert_array_equal(made.read(name), again.read(name))


def test_lines_of_one_pass_are_those_without_vectors(fused, whole):
    assert fused[0].read_bytes() == whole


def test_both_say_who_made_them_and_one_that_it_was_one_pass(fused):
    _, one, two = fused
    (wrote, read), (wrote_too, read_again) = (read_table(path, "t").steps for path in (one, two))
    assert wrote == wrote_too
    assert read.inputs == read_again.inputs
    assert read.settings == {**read_again.settings, "fused": True}


def test_vectors_come_beside_lines_that_go_to_a_pipe(run, files, fused, whole, tmp_path):
    result = run("archetype", *ECHO, "--embeddings", tmp_path / "three.h5", stdin=files.items.read_bytes())
    assert (result.status, result.out) == (0, whole)
    assert (tmp_path / "three.h5").read_bytes() == fused[1].read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_send_the_same_states(run, files, fused, tmp_path, workers):
    words = ("archetype", files.items, *WAVE, "--workers", workers, "--embeddings", tmp_path / "three.h5")
    assert run(*words).status == 0
    assert (tmp_path / "three.h5").read_bytes() == fused[1].read_bytes()


def test_items_that_fail_have_neither_line_nor_vector(run, lines, tmp_path):
    mixed = b"".join([BAD[0], *lines[:5], BAD[1], *lines[5:9]])
    words = ("archetype", *ECHO, "-o", tmp_path / "arch.jsonl", "--embeddings", tmp_path / "emb.h5")
    assert run(*words, "--on-error", "skip", stdin=mixed).status == 4
    clean = run("archetype", *ECHO, "--embeddings", tmp_path / "clean.h5", stdin=b"".join(lines[:9]))
    assert (tmp_path / "arch.jsonl").read_bytes() == clean.out
    assert (tmp_path / "emb.h5").read_bytes() == (tmp_path / "clean.h5").read_bytes()


def test_vectors_that_are_there_already_stay_unless_forced(run, files, tmp_path):
    (tmp_path / "emb.h5").write_bytes(b"mine")
    words = ("archetype", files.items, *ECHO, "-o", tmp_path / "arch.jsonl")
    run(*words, "--embeddings", tmp_path / "emb.h5").fails(1, "emb.h5: exists already")
    assert [path.name for path in tmp_path.iterdir()] == ["emb.h5"]
    assert run(*words, "--embeddings", tmp_path / "emb.h5", "--force").status == 0
    assert read_table(tmp_path / "emb.h5", "emb.h5").vectors.shape[0] == 40
