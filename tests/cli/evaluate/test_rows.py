"""`genair eval`: its rows, groups and comparisons, and the settings that it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from genair.io.checkpoints import read_model, write_model

FIGURES = ["metric", "k", "group", "value", "stderr", "ci_low", "ci_high", "users"]
PROTOCOL = ["split", "keep_seen", "negatives"]
COMPARED = ["against", "difference", "difference_low", "difference_high", "p"]


def test_every_row_has_the_same_keys_and_says_the_protocol(run, files, value):
    result = run("eval", files.model, "-i", files.log)
    assert len(result.rows) == 72
    assert all(list(row) == [*FIGURES, *PROTOCOL] for row in result.rows)
    assert {tuple(row[key] for key in PROTOCOL) for row in result.rows} == {("last-two", False, None)}
    assert "split last-two, ranked among all of 40 items less those they had;" in result.err
    assert "left out" not in result.err
    assert {row["group"] for row in result.rows} == {"all", "tail", "popular", "short", "long"}
    for parts in (("tail", "popular"), ("short", "long")):
        users = [value(result, "hr", 5, group, "users") for group in parts]
        assert sum(users) == value(result, "hr", 5, key="users")


def test_groups_follow_thresholds_and_quantiles(run, files, value):
    words = ("eval", files.model, "-i", files.log)
    found = run(*words)
    assert "popular items have" in found.err
    for option in (("--tail-below", 40), ("--tail-quantile", 0.4)):
        moved = run(*words, *option)
        assert value(moved, "hr", 5, "tail", "users") != value(found, "hr", 5, "tail", "users")
        assert value(moved, "hr", 5, "short", "users") == value(found, "hr", 5, "short", "users")
    for option in (("--short-below", 3), ("--short-quantile", 0.4)):
        moved = run(*words, *option)
        assert value(moved, "hr", 5, "short", "users") < value(found, "hr", 5, "short", "users")
        assert value(moved, "hr", 5, "tail", "users") == value(found, "hr", 5, "tail", "users")


def test_against_another_order_of_the_same_items_nothing_differs(run, files, tmp_path):
    model = read_model(files.model, "m")
    order = np.random.default_rng(0).permutation(40)
    moved = {
        name: weight[order] if name in ("items.vectors", "items.ids.weight") else weight
        for name, weight in model.weights.items()
    }
    ids = [model.item_ids[place] for place in order]
    write_model(tmp_path / "other.h5", replace(model, item_ids=ids, weights=moved))
    result = run("eval", files.model, "-i", files.log, "--against", tmp_path / "other.h5")
    assert all(list(row) == [*FIGURES, *COMPARED, *PROTOCOL] for row in result.rows)
    for row in result.rows:
        assert row["difference"] == pytest.approx(0, abs=1e-6)


def test_against_another_model_the_better_one_is_told_from_the_other(run, files, by_time, tmp_path):
    words = ("-i", files.log, "--split", "last-two", "--against")
    one = run("eval", files.model, *words, by_time)
    other = run("eval", by_time, *words, files.model)
    for mine, theirs in zip(one.rows, other.rows, strict=True):
        assert mine["value"] == pytest.approx(theirs["against"])
        assert mine["difference"] == pytest.approx(-theirs["difference"])
        assert (mine["p"] is None) == (theirs["p"] is None) == (mine["difference_low"] is None)
        if mine["p"] is not None:
            assert mine["p"] == pytest.approx(theirs["p"], abs=0.03)
            assert mine["difference_low"] <= mine["difference"] <= mine["difference_high"]
    assert "time.h5 was trained with --split time" in one.err


def test_vectors_for_two_models_do_not_come_by_one_pipe(run, files):
    words = ("eval", files.model, "-i", files.log, "--against", files.model, "--vectors", "-")
    run(*words).fails(2, "--vectors - can be read once, and --against needs it twice: write it to a file")


def test_against_a_model_that_does_not_know_the_items_is_refused(run, files, tmp_path):
    model = read_model(files.model, "m")
    write_model(tmp_path / "other.h5", replace(model, item_ids=[f"x{n}" for n in range(40)]))
    words = ("eval", files.model, "-i", files.log, "--against", tmp_path / "other.h5")
    run(*words).fails(3, "other.h5: does not know 40 items of the log, the first is ")
    run("eval", files.model, "-i", files.log, "--against", tmp_path / "none.h5").fails(
        1, "none.h5: no such file"
    )


def test_against_a_model_that_learned_more_events_it_is_told(run, files, tmp_path):
    model = read_model(files.model, "m")
    write_model(tmp_path / "refit.h5", replace(model, config={**model.config, "refit": True}))
    for one, other in ((files.model, tmp_path / "refit.h5"), (tmp_path / "refit.h5", files.model)):
        result = run("eval", one, "-i", files.log, "--against", other)
        assert "refit.h5 learned from validation events, too (--refit)" in result.err


def test_a_model_of_settings_to_come_is_refused(run, files, tmp_path):
    model = read_model(files.model, "m")
    write_model(tmp_path / "new.h5", replace(model, config={**model.config, "label_smoothing": 0.1}))
    run("eval", tmp_path / "new.h5", "-i", files.log).fails(1, "new.h5", "a newer genair's: upgrade")


def test_against_a_model_of_more_items_it_is_told(run, files, tmp_path):
    model = read_model(files.model, "m")
    more = {
        name: np.concatenate([weight, weight[:1]])
        if name in ("items.vectors", "items.ids.weight")
        else weight
        for name, weight in model.weights.items()
    }
    write_model(tmp_path / "other.h5", replace(model, item_ids=[*model.item_ids, "new"], weights=more))
    result = run("eval", files.model, "-i", files.log, "--against", tmp_path / "other.h5")
    assert "ranks among 40 items, " in result.err
    assert "other.h5 among 41, which are not the same" in result.err
    assert result.status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--negatives", 0), "--negatives must be 1 or more, not 0"),
        (("--split", "random"), "unknown split 'random': choose from last-two, time"),
        (("--tail-quantile", 1), "--tail-quantile must be above 0 and below 1"),
        (("--tail-quantile", 0.5, "--tail-below", 3), "--tail-quantile does nothing beside --tail-below"),
        (("--short-quantile", 0.5, "--short-below", 3), "--short-quantile does nothing beside --short-below"),
        (("--force",), "--force needs --ranks"),
        (("--ranks", "-"), "--ranks needs a file"),
        (("--against", "-"), "only one input can be stdin"),
        (("--seed", -1), "--seed must be 0 to 2^63 - 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(run, files, words, said):
    model = "-" if said.startswith("only") else files.model
    run("eval", model, "-i", files.log, *words).fails(2, said)
