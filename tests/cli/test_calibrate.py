"""What `calibrate` refuses: settings that would change nothing, and a space that collapsed."""

import re

import pytest

from genair.io.embeddings import read_table

DESCENT = ("--objective", "alignment")
RESIDUAL = (*DESCENT, "--adapter", "residual")
QUICK = ("--dim", 8, "--features", 50)
IDLE = [
    *(
        ((f"--{name}", value), "--objective spectral, which descends nothing")
        for name, value in (
            ("adapter", "mlp"),
            ("hold", 0),
            ("steps", 200),
            ("learning-rate", 0.1),
            ("batch-items", 10),
            ("stop-on", "none"),
            ("patience", 50),
        )
    ),
    *(
        ((*DESCENT, f"--{name}", value), "--adapter mlp, which is not solved for")
        for name, value in (("features", 10), ("tau", 0), ("ridge", 0.1), ("power", 1))
    ),
    ((*DESCENT, "--stop-on", "none", "--patience", 3), "--stop-on none, which takes all steps"),
]


@pytest.mark.parametrize(("words", "beside"), IDLE)
def test_a_setting_that_would_change_nothing_is_refused(run, files, tmp_path, words, beside):
    result = run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5", *words)
    result.fails(2, f"{words[-2]} does not go with {beside}")
    assert list(tmp_path.iterdir()) == []


def test_holding_needs_a_start_to_be_held_at(run, files, tmp_path):
    words = ("-o", tmp_path / "a.h5", *DESCENT, "--hold", 1)
    run("calibrate", files.vectors, "-i", files.log, *words).fails(2, "--hold needs --adapter residual")


def test_defaults_from_a_settings_file_may_be_idle(run, files, tmp_path):
    (tmp_path / "c.toml").write_text("[calibrate]\nsteps = 3\npatience = 2\nridge = 0.5\n")
    for number, words in enumerate((QUICK, (*DESCENT, "--dim", 8))):
        out = ("-i", files.log, "-o", tmp_path / f"{number}.h5")
        result = run("--config", tmp_path / "c.toml", "calibrate", files.vectors, *out, *words)
        assert result.status == 0, result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--objective", "peace"), "unknown objective 'peace'"),
        ((*DESCENT, "--adapter", "linear"), "--adapter must be mlp or residual, not linear"),
        ((*DESCENT, "--stop-on", "loss"), "--stop-on must be ndcg, auc_matched, auc, none, not loss"),
        ((*DESCENT, "--batch-items", 1), "--batch-items must be 0, or 2 or more, not 1"),
        ((*DESCENT, "--learning-rate", 1e38), "--learning-rate must be above 0 and at most 1e+30, not 1e+38"),
        (("--window", 1 << 62), "--window must be 0 to 2147483647, not 4611686018427387904"),
        (("--dim", 10**20), "--dim must be 1 to 2147483647, not 1"),
        (("--ridge", 0), "--ridge must be above 0 and finite, not 0"),
        (("--tau", -1), "--tau must be from 0 to 1e12, not -1"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(run, files, tmp_path, words, said):
    run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5", *words).fails(2, said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "used", "unused"),
    [
        (QUICK, "spectral", "descent"),
        ((*DESCENT, "--dim", 8, "--steps", 2), "descent", "spectral"),
        ((*RESIDUAL, *QUICK, "--steps", 2), "descent", None),
    ],
)
def test_the_settings_that_apply_are_recorded(run, files, tmp_path, words, used, unused):
    out = tmp_path / "a.h5"
    assert run("calibrate", files.vectors, "-i", files.log, "-o", out, *words).status == 0
    settings = read_table(out, "a.h5").steps[-1].settings
    assert used in settings
    assert unused not in settings


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--dim", ("--features", 20)),
        ("--features", ("--dim", 8)),
        ("--batch-items", (*DESCENT, "--dim", 8, "--steps", 2)),
    ],
)
def test_a_size_beyond_what_there_is_is_told(run, files, tmp_path, flag, words):
    """It makes the bytes of the largest that changes anything."""
    out, same = tmp_path / "a.h5", tmp_path / "b.h5"
    items = len(read_table(files.vectors, "emb.h5").item_ids)
    most = items - 1 if flag == "--dim" else items
    more = run("calibrate", files.vectors, "-i", files.log, "-o", out, *words, flag, 1000)
    assert f"genair calibrate: warning: {flag} {most}: there are no more here" in more.err.split("\n")
    fewer = run("calibrate", files.vectors, "-i", files.log, "-o", same, *words, flag, most)
    assert "warning" not in fewer.err
    assert (read_table(out, "a").vectors == read_table(same, "b").vectors).all()


def test_of_a_default_beyond_what_there_is_nothing_is_said(run, files, tmp_path):
    result = run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5")
    assert result.status == 0
    assert "warning" not in result.err


def test_descent_tells_which_step_is_kept(run, files, tmp_path):
    words = (*DESCENT, "--dim", 8, "--steps", 7, "--stop-on", "none")
    result = run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5", *words)
    assert "genair calibrate: best at step 7 of 7" in result.err.split("\n")
    solved = run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "b.h5", *QUICK)
    assert "best at step" not in solved.err


def test_nothing_to_stop_on_is_an_error_that_names_the_way_out(run, files, tmp_path):
    words = ("-o", tmp_path / "a.h5", *DESCENT, "--stop-on", "auc", "--holdout", 0)
    run("calibrate", files.vectors, "-i", files.log, *words).fails(3, "take --stop-on none")
    assert list(tmp_path.iterdir()) == []


def test_the_solution_can_be_written_for_any_objective_s_start(run, files, tmp_path):
    """Held hard, a residual adapter stays where the closed form put it."""
    solved, held = tmp_path / "a.h5", tmp_path / "b.h5"
    words = (*RESIDUAL, *QUICK, "--steps", 5, "--hold", 1e6, "--stop-on", "none", "--learning-rate", 1e-6)
    assert run("calibrate", files.vectors, "-i", files.log, "-o", solved, *QUICK).status == 0
    assert run("calibrate", files.vectors, "-i", files.log, "-o", held, *words).status == 0
    one, other = read_table(solved, "a").vectors, read_table(held, "b").vectors
    assert abs(one - other).max() < 1e-3


_ROW = re.compile(r"\s*(\S.*?)\s{2,}([\d.]+)\s+([\d.]+)\s*")
COLLAPSE = (
    *("--objective", "paper", "--stop-on", "none", "--steps", 200, "--learning-rate", 0.05),
    *("--dim", 16, "--window", 0, "--score", "log"),
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ridge", 1e300), "the input vectors do not differ, or --ridge or --power is too high"),
        ((*RESIDUAL, "--hold", 1e300), "the loss is not finite at step 0: lower --hold"),
    ],
)
def test_what_takes_a_space_out_of_the_numbers_is_named(run, files, tmp_path, words, said):
    run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5", *words).fails(3, said)


def test_too_little_memory_is_one_line(run, files, tmp_path):
    words = (*DESCENT, "--dim", (1 << 31) - 1)
    run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5", *words).fails(
        1, "not enough memory"
    )


def test_a_space_that_collapsed_is_not_written(run, files, tmp_path):
    result = run("calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "a.h5", *COLLAPSE)
    assert result.status == 1
    assert "the space collapsed: effective rank" in result.err
    assert result.err.endswith("--allow-collapse writes it all the same\n")
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [QUICK, COLLAPSE])
def test_what_was_measured_before_and_after_is_told_whatever_becomes_of_it(run, files, tmp_path, words):
    out = tmp_path / "a.h5"
    told = run("calibrate", files.vectors, "-i", files.log, "-o", out, *words).err
    rows = {
        name: values
        for line in told.split("\n")
        if (found := _ROW.fullmatch(line))
        for name, *values in [found.groups()]
    }
    run("calibrate", files.vectors, "-i", files.log, "-o", out, "--force", "--allow-collapse", *words)
    (row,) = run("info", out).rows
    for title, name in (("effective rank", "effective_rank"), ("held-out pairs, AUC", "auc")):
        kept = [row["diagnostics"][moment][name] for moment in ("before", "after")]
        assert rows[title] == [f"{value:.3f}" for value in kept]


def test_what_was_there_outlives_a_space_that_collapsed(run, files, tmp_path):
    out = tmp_path / "a.h5"
    out.write_bytes(b"mine")
    words = ("-o", out, "--force", *COLLAPSE)
    assert run("calibrate", files.vectors, "-i", files.log, *words).status == 1
    assert out.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_a_space_that_collapsed_is_written_where_that_is_allowed(run, files, tmp_path):
    out = tmp_path / "a.h5"
    words = ("-o", out, "--allow-collapse", *COLLAPSE)
    assert run("calibrate", files.vectors, "-i", files.log, *words).status == 0
    (row,) = run("info", out, "--check").rows
    found = row["diagnostics"]
    assert found["after"]["effective_rank"] < min(16, found["before"]["effective_rank"]) / 3
    assert "allow_collapse" not in row["steps"][-1]["settings"]
