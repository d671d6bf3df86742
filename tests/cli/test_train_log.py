"""`train --log`: a line an epoch as it goes, none lost and none twice."""

import json
import math
import os
import threading

import numpy as np
import pytest

from genair.io.container import open_container

QUICK = ("--epochs", 3, "--dim", 8)


@pytest.fixture
def train(run, files, tmp_path):
    def call(*words, output=("-o", tmp_path / "out.h5")):
        return run("train", files.vectors, "-i", files.log, *output, *QUICK, *words)

    return call


def rows_of(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_rows_are_those_that_the_model_keeps(train, tmp_path):
    assert train("--log", tmp_path / "log.jsonl", "--alpha", 0.1).status == 0
    rows = rows_of(tmp_path / "log.jsonl")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[0]["best"] is True
    assert all(row["seconds"] > 0 for row in rows)
    with open_container(tmp_path / "out.h5", "out.h5") as container:
        for name in ("loss", "valid_ndcg", "alpha", "calibration_loss"):
            assert container.read(f"training/{name}").tolist() == [row[name] for row in rows]
        told = [row.get("gradient_ratio", math.nan) for row in rows]
        np.testing.assert_array_equal(container.read("training/gradient_ratio"), told)
        assert told[0] > 0


def test_a_plain_run_says_nothing_of_joint_training(train, tmp_path):
    assert train("--log", tmp_path / "log.jsonl").status == 0
    assert {"alpha", "calibration_loss", "gradient_ratio"}.isdisjoint(rows_of(tmp_path / "log.jsonl")[0])


def test_a_log_changes_no_byte_of_the_model(train, tmp_path):
    assert train().status == 0
    plain = (tmp_path / "out.h5").read_bytes()
    assert train("--log", tmp_path / "log.jsonl", "--force").status == 0
    assert (tmp_path / "out.h5").read_bytes() == plain


def test_it_goes_to_stdout_if_the_model_goes_to_a_file_and_the_other_way_round(train, tmp_path):
    assert [row["epoch"] for row in train("--log", "-").rows] == [1, 2, 3]
    result = train("--log", tmp_path / "log.jsonl", output=())
    assert result.out == (tmp_path / "out.h5").read_bytes()
    assert len(rows_of(tmp_path / "log.jsonl")) == 3


@pytest.mark.parametrize(
    ("words", "output", "status", "said"),
    [
        (("--log", "-"), (), 2, "two outputs are -: give each a name"),
        (("--log", "out.h5"), ("-o", "out.h5"), 2, "two outputs are out.h5"),
        (("--log", "log.jsonl.gz"), ("-o", "out.h5"), 2, "not compressed"),
        (("--log", "no/log.jsonl"), ("-o", "out.h5"), 1, "folder no does not exist"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(train, tmp_path, monkeypatch, words, output, status, said):
    monkeypatch.chdir(tmp_path)
    train(*words, output=output).fails(status, said)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_kept_unless_forced(train, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("mine\n")
    train("--log", log).fails(1, "log.jsonl: exists already")
    train("--log", log, "--resume").fails(1, "log.jsonl: exists already")
    assert log.read_text() == "mine\n"
    assert train("--log", log, "--force").status == 0
    assert len(rows_of(log)) == 3


def test_a_full_disk_is_said_in_a_line_and_the_epoch_is_kept(train, tmp_path):
    train("--log", "/dev/full").fails(1, "/dev/full: No space left on device")
    assert train("--log", tmp_path / "log.jsonl", "--resume").status == 0
    assert [row["epoch"] for row in rows_of(tmp_path / "log.jsonl")] == [1, 2, 3]


def test_work_that_goes_on_replaces_its_own_log_only(train, tmp_path):
    log = tmp_path / "log.jsonl"
    train("--log", "/dev/full").fails(1, "No space left on device")  # an epoch is kept
    log.write_text("mine\n")
    train("--log", log, "--resume").fails(1, "log.jsonl: exists already")
    assert log.read_text() == "mine\n"
    log.write_text('{"epoch":1,')  # as a kill may leave it
    assert train("--log", log, "--resume").status == 0
    assert [row["epoch"] for row in rows_of(log)] == [1, 2, 3]


def test_whoever_reads_the_log_may_go(train, tmp_path):
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)

    def read_one():
        with fifo.open("rb") as stream:
            got.append(stream.readline())

    reader = threading.Thread(target=read_one)
    reader.start()
    assert train("--log", fifo, "--epochs", 9).status == 0
    reader.join()
    assert json.loads(got[0])["epoch"] == 1
    assert (tmp_path / "out.h5").exists()


def test_a_run_that_learns_nothing_leaves_no_log(train, tmp_path):
    train("--log", tmp_path / "log.jsonl", "--learning-rate", 1e30).fails(3, "not finite")
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_exists_is_refused_before_the_first_epoch_of_work_that_had_begun(train, tmp_path):
    """A kill in the first epoch leaves a folder without one."""
    (tmp_path / "out.h5.partial").mkdir()
    (tmp_path / "out.h5.partial" / "journal.jsonl").touch()
    (tmp_path / "log.jsonl").write_text("mine\n")
    result = train("--log", tmp_path / "log.jsonl")
    result.fails(1, "log.jsonl: exists already")
    assert "keeps" not in result.err
    assert (tmp_path / "log.jsonl").read_text() == "mine\n"
