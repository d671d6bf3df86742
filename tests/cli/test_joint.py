"""`train` with calibration as a part of the loss: what is refused, and what is told."""

import re

import pytest

from genair.io.container import open_container

QUICK = ("--epochs", 2, "--dim", 8)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--calibrate-weight", 0.1, "--alpha", 1), "--calibrate-weight and --alpha set the same weight"),
        (("--calibrate-weight", 0), "--calibrate-weight must be above 0 and finite, not 0"),
        (("--calibrate-weight", -1), "--calibrate-weight must be above 0 and finite, not -1"),
        (("--alpha", "nan"), "--alpha must be above 0 and finite, not nan"),
        (
            ("--calibrate-objective", "paper"),
            "--calibrate-objective changes nothing without --calibrate-weight or --alpha",
        ),
        (("--calibrate-items", 9), "--calibrate-items changes nothing without --calibrate-weight or"),
        (("--alpha", 1, "--calibrate-items", 1), "--calibrate-items must be 0, or 2 to 2147483647, not 1"),
        (("--calibrate-window", 4), "--calibrate-window changes nothing without --calibrate-weight or"),
        (("--alpha", 1, "--calibrate-window", -1), "--calibrate-window must be 0 to 2147483647, not -1"),
        (("--alpha", 1, "--calibrate-gamma", 0), "--calibrate-gamma must be above 0 and finite, not 0"),
        (("--alpha", 1, "--calibrate-score", "dice"), "unknown score 'dice': choose from log, ppmi, "),
        (("--alpha", 1, "--calibrate-objective", "peace"), "unknown objective 'peace': choose from "),
    ],
)
def test_settings_that_make_no_sense_are_refused(run, files, tmp_path, words, said):
    result = run("train", files.vectors, "-i", files.log, "-o", tmp_path / "out.h5", *QUICK, *words)
    result.fails(2, said)
    assert list(tmp_path.iterdir()) == []


def _alpha_of(line):
    return re.search(", alpha ([^,]+)", line)[1]


def test_a_joint_run_tells_its_weight_and_records_its_settings(run, files, tmp_path, monkeypatch):
    monkeypatch.setattr("genair_cli.console._LOG_EVERY_S", 0.0)
    out = tmp_path / "model.h5"
    words = ("--calibrate-weight", 0.2, "--calibrate-objective", "alignment", "--calibrate-items", 20)
    result = run("train", files.vectors, "-i", files.log, "-o", out, *QUICK, *words)
    assert result.status == 0, result.err
    with open_container(out, "model.h5") as container:
        alphas = container.read("training/alpha")
        assert container.read("training/calibration_loss").shape == (2,)
    *epochs, summary = result.err.strip().split("\n")
    assert [_alpha_of(line) for line in epochs] == [f"{alpha:.3g}" for alpha in alphas]
    assert _alpha_of(summary) in {f"{alpha:.3g}" for alpha in alphas}
    (row,) = run("info", out, "--check").rows
    joint = row["steps"][-1]["settings"]["joint"]
    assert (joint["weight"], joint["alpha"]) == (0.2, None)
    assert (joint["objective"], joint["items"]) == ("alignment", 20)
    assert run("eval", out, "-i", files.log).status == 0


def test_the_graph_is_that_of_the_options(run, files, tmp_path):
    out = tmp_path / "model.h5"
    words = ("--calibrate-window", 4, "--calibrate-score", "cosine", "--calibrate-gamma", 8)
    cut = ("--calibrate-min-count", 1, "--calibrate-user-norm", "size", "--calibrate-max-pairs", 9)
    result = run("train", files.vectors, "-i", files.log, "-o", out, *QUICK, "--alpha", 1, *words, *cut)
    assert result.status == 0, result.err
    assert re.search(
        r"\ngenair train: [0-9]+ weaker pairs dropped \(--calibrate-max-pairs 9\)\n$", result.err
    )
    joint = run("info", out).rows[0]["steps"][-1]["settings"]["joint"]
    assert joint["gamma"] == 8
    assert joint["graph"] == {
        "window": 4,
        "min_count": 1,
        "user_norm": "size",
        "score": "cosine",
        "max_pairs": 9,
    }


def test_a_plain_run_tells_and_records_nothing_of_it(run, files, tmp_path):
    out = tmp_path / "model.h5"
    result = run("train", files.vectors, "-i", files.log, "-o", out, *QUICK)
    assert result.status == 0
    assert "alpha" not in result.err
    (row,) = run("info", out).rows
    assert "joint" not in row["config"]
    assert {"training/loss", "training/valid_ndcg"} == {
        name for name in row["datasets"] if name.startswith("training/")
    }
