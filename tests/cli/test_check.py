"""`check` says all that is wrong at once, and refuses exactly what the stages refuse."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ECHO = ("--backend", "echo", "--workers", "0")
BAD_ITEMS = b'{"item_id": 1}\n{broken\n{"item_id": "kt-001"}\n'
BAD_LOG = (
    b'{"user_id": "u", "item_id": "nowhere", "timestamp": 1}\n'
    b'{"user_id": 3, "item_id": "nowhere", "timestamp": "x"}\n'
    b'{"user_id": "u'
)


@pytest.fixture
def bad(files, tmp_path):
    """Return items, a log and vectors with something wrong in each."""
    (tmp_path / "items.jsonl").write_bytes(files.items.read_bytes() + BAD_ITEMS)
    (tmp_path / "log.jsonl").write_bytes(files.log.read_bytes() + BAD_LOG)
    (tmp_path / "emb.h5").write_bytes(files.vectors.read_bytes()[:-100])
    return tmp_path / "items.jsonl", tmp_path / "log.jsonl", tmp_path / "emb.h5"


def codes(result, level="error"):
    return {row["code"] for row in result.rows if row["level"] == level}


def test_names_that_are_not_utf_8_are_told_as_far_as_they_go(run, files, tmp_path):
    names = [os.fsdecode(os.fsencode(tmp_path) + b"/we\xffird" + end) for end in (b".jsonl", b".h5")]
    Path(names[0]).write_bytes(files.items.read_bytes() + BAD_ITEMS)
    shutil.copyfile(files.vectors, names[1])
    result = run("check", names[0], files.log)
    assert result.status == 3
    assert any("we?ird.jsonl" in str(row) for row in result.rows)
    assert run("info", names[1]).rows[0]["file"].endswith("we?ird.h5")


def test_what_the_suite_made_itself_is_clean(run, files):
    result = run("check", files.items, files.log, files.vectors, files.calibrated, files.model, "--strict")
    assert result.status == 0, result.out
    assert {row["level"] for row in result.rows} == {"note"}
    assert "genair check: 0 errors, 0 warnings, " in result.err


def test_everything_is_told_at_once_with_its_lines(run, bad):
    result = run("check", *bad)
    assert result.status == 3
    assert codes(result) >= {"bad-id", "broken-line", "bad-time", "unknown-item", "unreadable-file"}
    for row in result.rows:
        assert list(row) == ["level", "code", "count", "where", "message", "more"]
        assert str(bad[0].parent) in row["where"]
    broken = next(row for row in result.rows if row["code"] == "broken-line")
    assert broken["where"] == f"{bad[0]}:42"
    assert "Traceback" not in result.err


def test_warnings_are_refused_on_request_and_notes_never(run, files, tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_bytes(files.items.read_bytes() + b'{"item_id": " x ", "title": "A <b>lamp</b>"}\n')
    result = run("check", items, files.log)
    assert result.status == 0
    assert codes(result, "warning") == {"spaced-id"}
    assert run("check", items, files.log, "--strict").status == 3


def test_the_first_places_are_named_and_all_are_counted(run, files, tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_bytes(files.items.read_bytes() + b"{\n" * 50)
    for places in (1, 4):
        row = run("check", items, files.log, "--places", places).rows[0]
        assert (row["code"], row["count"], len(row["more"])) == ("broken-line", 50, places - 1)
    run("check", items, files.log, "--places", 0).fails(2, "--places")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_operand_may_be_stdin(run, files, place):
    operands = [files.items, files.log, files.vectors]
    data = operands[place].read_bytes()
    operands[place] = "-"
    result = run("check", *operands, "--strict", stdin=data)
    assert result.status == 0, result.out
    assert run("check", *operands, stdin=b"").status == 3


def test_operands_are_looked_at_before_anything_is_read(run, files, tmp_path):
    run("check", "-", "-").fails(2, "only one input can be stdin")
    run("check", files.items).fails(2, "INTERACTIONS")
    run("check", files.items, tmp_path / "no").fails(1, "no such file")
    run("check", files.items, files.log, tmp_path).fails(1, "is a folder")


def test_gzip_that_was_cut_is_an_error_and_what_was_read_is_checked(run, files, tmp_path):
    packed = gzip.compress(files.log.read_bytes().replace(b'"u0', b'"u 0') + BAD_LOG)
    (tmp_path / "log.gz").write_bytes(packed[:-20])
    result = run("check", files.items, tmp_path / "log.gz")
    assert result.status == 3
    assert "damaged-gzip" in codes(result)


def test_no_torch_is_loaded_for_text(files):
    code = f"""
import sys
from genair_cli.main import main
status = main(["check", {str(files.items)!r}, {str(files.log)!r}])
sys.exit(status or "torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


CHANGES = {
    "nothing": lambda line: line,
    "gone": lambda _: b"",
    "twice": lambda line: line + line,
    "blank": lambda line: line + b" \r\n",
    "windows": lambda line: line.replace(b"\n", b"\r\n"),
    "torn": lambda line: line[: len(line) // 2] + b"\n",
    "latin-1": lambda line: line.replace(b'"}', b'\xe9"}').replace(b'", ', b'\xe9", ', 1),
    "null": lambda line: line.replace(b'": "', b'": "\\u0000', 1),
    "number": lambda line: edited(line, item_id=7),
    "no id": lambda line: edited(line, item_id=None),
    "spaced": lambda line: edited(line, item_id=" kt "),
    "list": lambda line: b"[" + line.strip() + b"]\n",
}
OF_ITEMS = {
    **CHANGES,
    "no text": lambda line: edited(line, only=["item_id"]),
    "no letters": lambda line: edited(edited(line, only=["item_id"]), price=7, title=" - "),
    "deep": lambda line: edited(line, title=nested(900)),
    "long": lambda line: edited(line, title="x" * 5000),
}
OF_LOGS = {
    **CHANGES,
    "no user": lambda line: edited(line, user_id=""),
    "no time": lambda line: edited(line, timestamp=None),
    "text time": lambda line: edited(line, timestamp="1"),
    "true time": lambda line: edited(line, timestamp=True),
    "huge time": lambda line: edited(line, timestamp=2**70),
    "other user": lambda line: edited(line, user_id="alone"),
}


def edited(line, only=None, **values):
    row = json.loads(line)
    row = {key: value for key, value in row.items() if only is None or key in only} | values
    return json.dumps({key: value for key, value in row.items() if value is not None}).encode() + b"\n"


def nested(depth):
    return [nested(depth - 1)] if depth else "x"


def change(lines, changes):
    """Return lines as one file, some of them changed: {number: change}."""
    return b"".join(changes.get(number, CHANGES["nothing"])(line) for number, line in enumerate(lines))


def some_of(changes):
    return st.dictionaries(st.integers(0, 5), st.sampled_from(list(changes)), max_size=2).map(
        lambda chosen: {number: changes[name] for number, name in chosen.items()}
    )


quickly = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(changes=some_of(OF_ITEMS))
@quickly
def test_items_are_refused_if_and_only_if_archetypes_cannot_be_written(run, files, tmp_path, changes):
    items = tmp_path / "items.jsonl"
    items.write_bytes(change(files.items.read_bytes().splitlines(keepends=True), changes))
    (tmp_path / "log.jsonl").write_bytes(b"")
    refused = run("archetype", items, *ECHO).status == 3
    found = codes(run("check", items, tmp_path / "log.jsonl")) - {"empty-file"}
    assert bool(found) == refused


@given(changes=some_of(OF_LOGS), users=st.lists(st.integers(1, 6), min_size=1, max_size=3))
@quickly
def test_a_log_is_refused_if_and_only_if_a_stage_refuses_it(run, files, tmp_path, changes, users):
    item_ids = [json.loads(line)["item_id"] for line in files.items.read_bytes().splitlines()]
    rows = [(user, item_ids[at + user]) for user, length in enumerate(users) for at in range(length)]
    lines = [
        json.dumps({"user_id": f"u{user}", "item_id": item_id, "timestamp": at}).encode() + b"\n"
        for at, (user, item_id) in enumerate(rows)
    ]
    log = tmp_path / "log.jsonl"
    log.write_bytes(change(lines, changes))
    stages = [
        ("train", files.vectors, "-i", log, "--epochs", 1, "--dim", 4, "-o", tmp_path / "m.h5", "-f"),
        (
            "calibrate",
            files.vectors,
            "-i",
            log,
            "--features",
            9,
            "--holdout",
            0,
            "-o",
            tmp_path / "c.h5",
            "-f",
        ),
    ]
    statuses = [run(*stage).status for stage in stages]
    assert set(statuses) <= {0, 3}
    assert (run("check", files.items, log).status == 3) == (3 in statuses)
