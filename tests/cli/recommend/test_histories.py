"""`genair recommend`: histories from lines and logs, and what it says of those that it cannot use."""

import gzip
import json

import pytest


@pytest.mark.parametrize(
    "form",
    [
        lambda world: world.lines,
        lambda world: b"\xef\xbb\xbf" + world.lines,
        lambda world: world.lines.replace(b"\n", b"\r\n"),
        lambda world: world.lines.replace(b"\n", b"\n\n \n"),
        lambda world: world.lines[:-1],
        lambda world: b"".join(
            world.line(user_id, *item_ids, escaped=True) for user_id, item_ids in world.histories
        ),
    ],
    ids=["plain", "bom", "crlf", "blank", "no-last-line-feed", "escaped"],
)
@pytest.mark.parametrize("way", ["file", "gzip", "stdin", "dash"])
def test_however_lines_come_the_answer_is_the_same(run, world, tmp_path, form, way):
    content = form(world)
    wanted = run("recommend", world.model, stdin=world.lines).out
    path = tmp_path / ("h.jsonl.gz" if way == "gzip" else "h.jsonl")
    path.write_bytes(gzip.compress(content) if way == "gzip" else content)
    operand = {"stdin": (), "dash": ("-",)}.get(way, (path,))
    result = run("recommend", world.model, *operand, stdin=content)
    assert (result.status, result.out) == (0, wanted)


def test_unknown_items_are_left_out_counted_and_named(run, world):
    strange = ["x", "y", "07", "7 ", "x", "z", "v", "w"]
    result = run(
        "recommend", world.model, stdin=world.line("u", "7", *strange[:3], "🙂", *strange[3:]) + world.lines
    )
    assert result.status == 0
    assert world.lists(result)[0] == ("u", world.best(["7", "🙂"]))
    said = "8 events of items that the model does not know were left out, first 'x', 'y', '07', '7 ', 'z'\n"
    assert f"genair recommend: warning: {said}" in result.err


@pytest.mark.parametrize("history", [[], ["x", "y"]])
def test_a_user_without_known_items_is_an_error_or_gets_an_empty_list(run, world, history):
    content = world.line("u", "7") + world.line("nobody", *history) + world.line("v", "🙂")
    result = run("recommend", world.model, stdin=content)
    assert result.status == 3
    assert "genair recommend: error: stdin:2: the model knows no item of user 'nobody'; --on-er" in result.err
    assert world.lists(result) == [("u", world.best(["7"]))]
    result = run("recommend", world.model, "--on-error", "skip", stdin=content)
    assert result.status == 4
    assert world.lists(result) == [("u", world.best(["7"])), ("nobody", []), ("v", world.best(["🙂"]))]
    assert "skipped stdin:2: the model knows no item of user 'nobody'" in result.err


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"{oops\n", ["broken JSON"]),
        (b"[1]\n", ["expected a JSON object"]),
        (b'{"user_id": "u"}\n', ["missing field 'item_ids'"]),
        (b'{"user_id": "u", "item_ids": [7]}\n', ["item_ids[0] is the number 7"]),
        (b'{"user_id": 7, "item_ids": ["7"]}\n', ["user_id is the number 7"]),
        (b'{"item_ids": ["7"]}\n', ["missing field 'user_id'"]),
        (b'{"user_id": "u", "item_ids": ["7\xff"]}\n', ["broken JSON"]),
    ],
)
def test_a_bad_line_is_named_and_stops_or_is_skipped(run, world, bad, words):
    content = world.line("u", "7") + bad + world.line("v", "🙂")
    result = run("recommend", world.model, stdin=content)
    assert result.status == 3
    for word in ["genair recommend: error: stdin:2: ", *words]:
        assert word in result.err
    assert [user for user, _ in world.lists(result)] == ["u"]
    result = run("recommend", world.model, "--on-error", "skip", stdin=content)
    assert result.status == 4
    assert [user for user, _ in world.lists(result)] == ["u", "v"]
    assert "skipped stdin:2: " in result.err


def test_a_torn_last_line_is_called_so_and_the_rest_is_answered(run, world):
    result = run("recommend", world.model, stdin=world.lines + b'{"user_id": "u", "item_')
    assert result.status == 3
    assert "stdin:7: broken JSON" in result.err
    assert "the last line seems cut off" in result.err
    assert len(result.rows) == 6


def test_only_the_first_five_skipped_are_named_and_all_counted(run, world):
    result = run("recommend", world.model, "--on-error", "skip", stdin=b"{\n" * 9 + world.lines)
    assert result.err.count("skipped stdin:") == 5
    assert "6 users, 9 skipped" in result.err


def test_what_is_skipped_can_go_to_a_file(run, world, tmp_path):
    errors = tmp_path / "bad.jsonl"
    words = ("recommend", world.model, "--errors", errors)
    content = world.line("u", "7") + b"{oops\n" + world.line("nobody", "x")
    result = run(*words, "--on-error", "skip", stdin=content)
    assert (result.status, len(result.rows)) == (4, 2)
    assert "skipped stdin" not in result.err
    kept = [json.loads(one) for one in errors.read_text().split("\n") if one]
    assert [(one["where"], one["line"]) for one in kept] == [
        ("stdin:2", "{oops\n"),
        ("stdin:3", {"user_id": "nobody", "item_ids": ["x"]}),
    ]
    run(*words, "--force", stdin=content).fails(2, "--errors needs --on-error skip")
    both = ("--on-error", "skip", "--force", "-o", errors)
    run(*words, *both, stdin=content).fails(2, "two outputs are")


def test_no_input_is_no_output(run, world):
    result = run("recommend", world.model, stdin=b"")
    assert (result.status, result.out) == (0, b"")
    assert "0 users" in result.err


@pytest.fixture
def log(world, tmp_path):
    path = tmp_path / "log.jsonl"
    events = [("u", "7", 3), ("v", "🙂", 1), ("u", "007", 1), ("v", "x", 2), ("w", world.last, 5)]
    rows = ({"user_id": user, "item_id": item, "timestamp": time} for user, item, time in events)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_every_user_of_a_log_is_served_in_order_of_appearance(run, world, log):
    result = run("recommend", world.model, "-i", log)
    assert result.status == 0, result.err
    histories = {"u": ["007", "7"], "v": ["🙂"], "w": [world.last]}
    assert world.lists(result) == [(user, world.best(history)) for user, history in histories.items()]
    assert "1 events of items that the model does not know were left out, first 'x'" in result.err
    lines = b"".join(world.line(user, *history) for user, history in histories.items())
    assert run("recommend", world.model, stdin=lines).out == result.out


def test_named_users_of_a_log_alone_are_served(run, world, log):
    result = run("recommend", world.model, "-i", log, "--user", "w", "--user", "u")
    assert world.lists(result) == [("w", world.best([world.last])), ("u", world.best(["007", "7"]))]
    assert "warning" not in result.err
    run("recommend", world.model, "-i", log, "--user", "z").fails(3, "log.jsonl: has no events of user 'z'")
