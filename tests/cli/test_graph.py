"""What `calibrate` says of its graph, and what `info` shows of it."""

import pytest

from genair.io.embeddings import read_table

QUICK = ("--features", 50, "--dim", 4)


@pytest.fixture
def calibrated(run, files, tmp_path):
    def call(*words):
        result = run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "cal.h5", *QUICK, *words)
        assert result.status == 0, result.err
        (row,) = run("info", tmp_path / "cal.h5", "--check").rows
        return result.err.split("\n"), row

    return call


def test_settings_of_the_graph_are_recorded(calibrated):
    words = ("--window", 3, "--min-count", 2, "--user-norm", "size", "--score", "cosine", "--max-pairs", 100)
    _, row = calibrated(*words)
    assert row["steps"][-1]["settings"]["graph"] == {
        "window": 3,
        "min_count": 2,
        "user_norm": "size",
        "score": "cosine",
        "max_pairs": 100,
    }


def test_info_sums_up_the_graph_that_was_learned_from(calibrated, tmp_path):
    said, row = calibrated("--score", "jaccard")
    graph = row["association"]
    assert any(f"{graph['pairs']} pairs, " in line for line in said)
    extras = read_table(tmp_path / "cal.h5", "cal.h5")
    assert graph["score"] == "jaccard"
    assert graph["mean_neighbours"] == pytest.approx(2 * graph["pairs"] / len(extras.item_ids), abs=0.01)
    assert 0 <= graph["items_without"] < len(extras.item_ids)


def test_one_line_tells_how_many_pairs_the_cap_drops(calibrated):
    said, row = calibrated("--holdout", 0)
    assert not any("dropped" in line for line in said)
    every = row["association"]["pairs"]
    said, row = calibrated("--holdout", 0, "--max-pairs", 80, "--force")
    (line,) = [line for line in said if "dropped" in line]
    kept = row["association"]["pairs"]
    assert line == f"genair calibrate: {every - kept} weaker pairs dropped (--max-pairs 80)"
    assert row["association"]["dropped"] == every - kept
    assert 0 < kept <= 80


def test_quiet_says_nothing_of_dropped_pairs(calibrated):
    said, _ = calibrated("--max-pairs", 80, "--quiet")
    assert said == [""]


def test_a_least_count_that_leaves_no_pair_is_an_error(run, files, tmp_path):
    out = tmp_path / "cal.h5"
    result = run("calibrate", files.vectors, "-i", files.log, "-o", out, *QUICK, "--min-count", 10**6)
    result.fails(3, "--min-count 1000000 and --score", "leave no pair of items: lower --min-count")
    assert not out.exists()
