"""Flag > --config > the user's settings file > built-in."""

import json
import subprocess
import sys

import pytest

from genair.llm.models.cache import user_cache


def dims(path):
    import h5py

    with h5py.File(path) as file:
        return file.attrs["dim"]


@pytest.fixture
def calibrate(run, files, tmp_path):
    def call(*before, flags=()):
        out = tmp_path / "out.h5"
        result = run(
            *before, "calibrate", files.vectors, "-i", files.log, "-o", out, "-f", "--features", 50, *flags
        )
        assert result.status == 0, result.err
        return dims(out)

    return call


def test_a_flag_beats_the_file_which_beats_the_users_settings(calibrate, tmp_path, monkeypatch):
    assert calibrate() == 39  # 40 items have no more
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "genair").mkdir()
    (tmp_path / "genair" / "config.toml").write_text("[calibrate]\ndim = 8\n")
    assert calibrate() == 8
    named = tmp_path / "named.toml"
    named.write_text("[calibrate]\ndim = 9\n")
    assert calibrate("--config", named) == 9
    assert calibrate("--config", named, flags=("--dim", 10)) == 10


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        ("[calibrate]\ndimm = 9\n", 3, "no option 'dimm'"),
        ("[calibrat]\ndim = 9\n", 3, "[calibrat] is not a command"),
        ("dim = ", 3, "not TOML"),
        ("[calibrate]\ndim = true\n", 3, "named.toml: dim of genair calibrate is not true or false"),
        ("[calibrate]\nmin-count = 1\nmin_count = 2\n", 3, "says an option twice"),
        ('[calibrate]\ndim = "x"\n', 2, "dim"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(run, files, tmp_path, text, status, word):
    named = tmp_path / "named.toml"
    named.write_text(text)
    result = run("--config", named, "calibrate", files.vectors, "-i", files.log, "-o", tmp_path / "out.h5")
    assert (result.status, word in result.err) == (status, True), result.err


def test_settings_may_come_through_a_pipe(files, tmp_path):
    words = f"calibrate {files.vectors} -i {files.log} -o {tmp_path}/out.h5"
    script = f"{sys.executable} -m genair_cli --config <(printf '[calibrate]\\ndim = 5\\n') {words}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "vectors of 5 numbers" in done.stderr


def test_info_shows_every_step_of_a_model(run, files):
    result = run("info", files.model, "--check")
    (row,) = result.rows
    assert [step["command"] for step in row["steps"]] == ["archetype", "embed", "calibrate", "train"]
    assert row["check"] == "ok"
    assert row["format"] == "genair-model"
    assert json.loads(row["config"])["dim"] == 16


def test_info_shows_a_calibration_that_had_nothing_to_measure_on(run, files, tmp_path):
    words = ("-o", tmp_path / "cal.h5", "--features", 50, "--holdout", 0)
    assert run("calibrate", files.vectors, "-i", files.log, *words).status == 0
    (row,) = run("info", tmp_path / "cal.h5").rows
    assert row["diagnostics"]["after"]["auc"] is None
    assert row["diagnostics"]["after"]["effective_rank"] > 1


def test_info_tells_json_lines_apart(run, files):
    found = {path.name: run("info", path).rows[0] for path in (files.items, files.log, files.archetypes)}
    assert [row["format"] for row in found.values()] == ["items", "interactions", "archetypes"]
    assert found["items.jsonl"]["rows"] == 40
    assert found["arch.jsonl"]["steps"][0]["backend"] == "echo"


def test_info_checks_the_lines_of_every_stage(run, files, tmp_path):
    lists, ranks, bad = (tmp_path / name for name in ("lists.jsonl", "ranks.jsonl", "bad.jsonl"))
    assert run("recommend", files.model, "-i", files.log, "-k", 3, "-o", lists).status == 0
    figures = run("eval", files.model, "-i", files.log, "--ranks", ranks)
    (tmp_path / "e.jsonl").write_bytes(figures.out)
    (tmp_path / "in.jsonl").write_bytes(b"{broken\n" + files.items.read_bytes())
    words = ("--backend", "echo", "--on-error", "skip", "--errors", bad, "-o", tmp_path / "out.jsonl")
    assert run("archetype", tmp_path / "in.jsonl", *words).status == 4
    (tmp_path / "histories.jsonl").write_text('{"user_id":"u","item_ids":["a"]}\n')
    found = {
        path.name: run("info", path, "--check").rows[0]
        for path in (lists, ranks, bad, tmp_path / "histories.jsonl", tmp_path / "e.jsonl")
    }
    assert {name: row["format"] for name, row in found.items()} == {
        "lists.jsonl": "recommendations",
        "ranks.jsonl": "ranks",
        "bad.jsonl": "JSON lines",
        "histories.jsonl": "histories",
        "e.jsonl": "metrics",
    }
    assert {row["check"] for row in found.values()} == {"ok"}


def test_info_finds_an_id_that_begins_later(run, tmp_path):
    lines = tmp_path / "items.jsonl"
    lines.write_text('{"title":"T"}\n{"title":"U","item_id":"u"}\n')
    run("info", lines, "--check").fails(3, "items.jsonl:2: item_id here, but not on earlier lines")


def test_an_error_is_the_commands_also_behind_a_settings_file(run, tmp_path):
    (tmp_path / "s.toml").write_text("")
    result = run("--config", tmp_path / "s.toml", "embed", tmp_path / "none.jsonl")
    assert result.err.startswith("genair embed: error: ")


def test_whoever_has_no_home_has_no_settings(run, files, monkeypatch):
    """As a user id without an entry, in a container."""

    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GENAIR_CACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.expanduser", homeless)
    assert run("info", files.items).status == 0
    assert str(user_cache()).startswith("/")
