"""Training that is killed, interrupted or terminated at any moment goes on to the same bytes."""

import json
import signal
import time

import numpy as np
import pytest

pytestmark = pytest.mark.slow

TRAIN = ("train", "-i", "log.jsonl", "--epochs", 30, "--patience", 30, "--dim", 16, "--quiet", "--resume")
KINDS = {
    "sasrec": ("--items", "id"),
    "bert4rec": ("--items", "id", "--backbone", "bert4rec", "--schedule", "cosine", "--warmup", 2),
    "gru4rec, drawn": ("--items", "id", "--backbone", "gru4rec", "--loss", "sampled-ce", "--negatives", 16),
    "refit": ("--items", "id", "--refit", "--learning-rate", 0.01),
    "joint": ("--items", "id", "--calibrate-weight", 0.1, "--calibrate-items", 20),
}


@pytest.fixture
def log(tmp_path):
    dice = np.random.default_rng(5)
    path = tmp_path / "log.jsonl"
    with path.open("w") as file:
        for user in range(400):
            for time_, item in enumerate(dice.integers(0, 40, 12).tolist()):
                file.write(
                    json.dumps({"user_id": f"u{user}", "item_id": f"i{item}", "timestamp": time_}) + "\n"
                )


def rows_of(path):
    """Return what a run says of its epochs, but for the time they took."""
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_kills_at_random_moments_change_no_byte(log, start, tmp_path, done, kind):
    start(*TRAIN, *KINDS[kind], "-o", "whole.h5", "--log", "whole.jsonl").ends(0)
    dice = np.random.default_rng(len(kind))
    for sent in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        before = done(tmp_path / "model.h5")
        command = start(*TRAIN, *KINDS[kind], "-o", "model.h5", "--log", "model.jsonl")
        command.wait_until(lambda before=before: done(tmp_path / "model.h5") > before, every_s=0.001)
        time.sleep(dice.uniform(0, 0.05))
        command.send_signal(sent)
        command.ends({signal.SIGINT: 130, signal.SIGTERM: 143}.get(sent, -signal.SIGKILL))
        assert not (tmp_path / "model.h5").exists()
        assert len(rows_of(tmp_path / "model.jsonl")) >= before
    start(*TRAIN, *KINDS[kind], "-o", "model.h5", "--log", "model.jsonl").ends(0)
    assert rows_of(tmp_path / "model.jsonl") == rows_of(tmp_path / "whole.jsonl")
    assert (tmp_path / "model.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    names = ["log.jsonl", "model.h5", "model.jsonl", "whole.h5", "whole.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_other_settings_and_a_second_run_without_resume_are_refused(
    log, start, run, tmp_path, done, monkeypatch
):
    command = start(*TRAIN, *KINDS["sasrec"], "-o", "model.h5")
    command.wait_until(lambda: done(tmp_path / "model.h5") >= 1, every_s=0.001)
    command.kill()
    command.ends(-signal.SIGKILL)
    monkeypatch.chdir(tmp_path)
    words = (*TRAIN, *KINDS["sasrec"], "-o", "model.h5")
    run(*words, "--dropout", 0.5).fails(2, "dropout", "0.2", "0.5")
    run(*(word for word in words if word != "--resume")).fails(1, "--resume", "--force")
    assert run(*words).status == 0
