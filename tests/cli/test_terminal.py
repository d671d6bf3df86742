"""On a terminal people get tables and progress; in a pipe, data and plain lines."""

import json
import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def on_a_terminal(*words: object, stream: str, **variables: str) -> str:
    """Run with one standard stream on a pseudo-terminal and return what that terminal saw."""
    master, slave = pty.openpty()
    others = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr") if name != stream}
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", **variables}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "genair_cli", *map(str, words)]
    process = subprocess.Popen(command, env=environment, **{stream: slave}, **others)
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        seen += part
    assert process.wait(timeout=60) == 0
    os.close(master)
    return seen.decode()


def test_eval_shows_a_table_on_a_terminal_and_json_lines_on_request(files):
    words = ("eval", files.model, "-i", files.log)
    table = on_a_terminal(*words, stream="stdout")
    assert "ndcg" in table
    assert "{" not in table
    rows = [json.loads(row) for row in on_a_terminal(*words, "--json", stream="stdout").split()]
    assert len(rows) == 72
    for row in rows:
        half = "" if row["stderr"] is None else f" ±{(row['ci_high'] - row['ci_low']) / 2:.4f}"
        assert f"{row['value']:.4f}{half}" in table


def test_what_a_terminal_s_encoding_lacks_is_escaped(files):
    words = ("eval", files.model, "-i", files.log)
    shown = on_a_terminal(*words, stream="stdout", PYTHONIOENCODING="ascii")
    assert shown.replace("\\xb1", "±").split() == on_a_terminal(*words, stream="stdout").split()
    assert "\\xb1" in shown


def test_eval_shows_two_models_beside_each_other(files):
    words = ("eval", files.model, "-i", files.log, "--against", files.model)
    table = on_a_terminal(*words, stream="stdout", COLUMNS="80")
    assert " +.0000 1.00" in table
    assert len(table.strip().split("\n")) == 21 + 5, "no cell is folded"


def test_info_shows_steps_and_diagnostics_on_a_terminal(files):
    seen = on_a_terminal("info", files.calibrated, stream="stdout")
    for word in (
        "genair-embeddings",
        "before",
        "after",
        "effective_rank",
        "mean_neighbours",
        "archetype-",
        "embed-",
        "calibrate-",
    ):
        assert word in seen


def test_check_shows_a_table_on_a_terminal(files):
    table = on_a_terminal("check", files.items, files.log, stream="stdout")
    assert "few-negatives" in table
    assert "{" not in table


def test_colour_is_left_out_where_it_is_not_wanted(files):
    words = ("info", files.items)
    assert "\x1b[1m" in on_a_terminal(*words, stream="stdout")
    for asked in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b[3" not in on_a_terminal(*words, stream="stdout", **asked)


@pytest.mark.parametrize(
    ("extra", "variables", "drawn"),
    [((), {}, True), (("--quiet",), {}, False), ((), {"TERM": "dumb"}, False)],
)
def test_progress_is_drawn_only_where_it_can_be(files, tmp_path, extra, variables, drawn):
    words = ("archetype", files.items, "--backend", "echo", "--workers", "1", "-o", tmp_path / "o", *extra)
    seen = on_a_terminal(*words, stream="stderr", **variables)
    assert ("\x1b[" in seen) == drawn
    assert ("40 archetypes" in seen) == (extra == ())
