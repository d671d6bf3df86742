"""Items and archetypes that cannot be used: one line that says where and what, nothing half written."""

import json

import pytest

from genair.io.jsonl import parse_line

ECHO = ("--backend", "echo", "--workers", "0")
GOOD = b'{"item_id": "1", "title": "A lamp"}\n'


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 3, ["in.jsonl", "empty"]),
        (b"\n \r\n", 3, ["in.jsonl", "empty"]),
        (GOOD + b"{broken\n", 3, ["in.jsonl:2", "broken JSON"]),
        (GOOD + b'{"item_id": "2", "ti', 3, ["in.jsonl:2", "cut off"]),
        (GOOD + b"[1]\n", 3, ["in.jsonl:2", "object"]),
        (GOOD + b'{"title": "x"}\n', 3, ["in.jsonl:2", "missing field 'item_id'"]),
        (GOOD + b'{"item_id": "", "title": "x"}\n', 3, ["in.jsonl:2", "missing field 'item_id'"]),
        (GOOD + GOOD, 3, ["in.jsonl:2", "duplicate", "'1'", "line 1"]),
        (b'{"item_id": 7, "title": "x"}\n', 3, ["in.jsonl:1", "number 7", 'write "7"']),
        (b'{"item_id": ["a"], "title": "x"}\n', 3, ["in.jsonl:1", "string"]),
        (GOOD + b'{"item_id": "2", "title": " ", "price": 3}\n', 3, ["in.jsonl:2", "'2'", "no text"]),
        (
            GOOD + b'{"item_id": "2", "title": ' + b"[" * 900 + b"]" * 900 + b"}",
            3,
            ["in.jsonl:2", "nested deeper than 200 levels"],
        ),
        (b'{"item_id": "1", "title": "caf\xe9"}\n', 3, ["in.jsonl:1", "broken JSON"]),
        (b'{"item_id": "1", "price": NaN}\n', 3, ["in.jsonl:1", "broken JSON"]),
    ],
)
def test_archetype_refuses_bad_items_by_line(run, tmp_path, content, status, words):
    (tmp_path / "in.jsonl").write_bytes(content)
    result = run("archetype", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl", *ECHO)
    result.fails(status, "genair archetype: error: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["in.jsonl", "empty"]),
        (b"{broken\n", ["in.jsonl:1", "broken JSON"]),
        (b'{"item_id": "1", "prompt": "p"}\n', ["in.jsonl:1", "missing field 'archetype'"]),
        (b'{"item_id": "1", "archetype": "a"}\n', ["in.jsonl:1", "missing field 'prompt'"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": 3}\n', ["in.jsonl:1", "string"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": " "}\n', ["in.jsonl:1", "archetype is empty"]),
        (b'{"item_id": "1", "prompt": "", "archetype": "a"}\n', ["in.jsonl:1", "prompt is empty"]),
        (b'{"item_id": 1, "prompt": "p", "archetype": "a"}\n', ["in.jsonl:1", "number"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": "a"}\n' * 2, ["in.jsonl:2", "duplicate"]),
        (b'{"item_id": "1", "prompt": "p", "archetype": "a"}\n', ["in.jsonl", "two items"]),
    ],
)
def test_embed_refuses_bad_archetypes_by_line(run, tmp_path, content, words):
    (tmp_path / "in.jsonl").write_bytes(content)
    result = run("embed", tmp_path / "in.jsonl", "-o", tmp_path / "out.h5", *ECHO)
    result.fails(3, "genair embed: error: ", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_skipped_records_are_kept_aside_and_the_exit_code_says_so(run, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(
        GOOD + b"{broken\n" + b'{"item_id": "2", "price": 1}\n' + GOOD + b'{"item_id": "3", "title": "C"}\n'
    )
    errors = tmp_path / "errors.jsonl"
    result = run("archetype", source, *ECHO, "--on-error", "skip", "--errors", errors)
    assert result.status == 4
    assert [row["item_id"] for row in result.rows] == ["1", "3"]
    kept = [json.loads(line) for line in errors.read_text().split("\n") if line]
    assert [row["where"].rpartition(":")[2] for row in kept] == ["2", "3", "4"]
    assert "{broken" in kept[0]["line"]


def test_a_record_that_cannot_be_written_as_it_was_is_skipped_all_the_same(run, tmp_path):
    deep = b'{"item_id": "2", "title": ' + b"[" * 300 + b"]" * 300 + b"}\n"
    source = tmp_path / "bad\udce9.jsonl"  # no UTF-8
    source.write_bytes(deep + GOOD)
    errors = tmp_path / "errors.jsonl"
    result = run("archetype", source, *ECHO, "--on-error", "skip", "--errors", errors)
    assert result.status == 4, result.err
    assert [row["item_id"] for row in result.rows] == ["1"]
    (kept,) = [json.loads(line) for line in errors.read_text().split("\n") if line]
    assert kept["where"].endswith("bad?.jsonl:1")
    assert kept["line"] is None


@pytest.mark.parametrize("words", [("archetype",), ("embed", "-o", "none.h5")])
def test_the_first_bad_line_stops_the_reading(run, tmp_path, monkeypatch, words):
    """What follows may be millions of lines, or never end."""
    monkeypatch.chdir(tmp_path)
    asked = []
    real = parse_line

    def counted(line, where):
        asked.append(where)
        return real(line, where)

    monkeypatch.setattr("genair.io.jsonl.parse_line", counted)
    result = run(*words, *ECHO, stdin=b'{"no": 1}\n' * 9000)
    assert result.status == 3
    assert "stdin:1: missing field" in result.err
    assert len(asked) < 9000


def test_a_field_that_no_item_has_is_told_before_the_work(run, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(GOOD)
    words = ("archetype", tmp_path / "in.jsonl", *ECHO, "--fields")
    result = run(*words, "title,brnad")
    assert result.status == 0
    assert "genair archetype: warning: no item has brnad (--fields)" in result.err.split("\n")
    assert "warning" not in run(*words, "title").err
