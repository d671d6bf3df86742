"""`genair import`: a dump in, two files out, both or none, and all that was done said."""

import gzip
import json
import subprocess
import sys
from datetime import datetime

import polars as pl
import pytest

LOG = b"""user_id,item_id,timestamp,rating
u,b,1454112000,5
u,a,1454112001,4
u,a,1454112001,4
v,a,1454112002,3
"""
ITEMS = b"item_id,title\na,Salt &amp; <b>pepper</b> mill\nb,\nc,Never bought\n"
OUT = ("--items", "items.jsonl", "--interactions", "log.jsonl")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_bytes(LOG)
    (tmp_path / "items.csv").write_bytes(ITEMS)
    return tmp_path


def lines_of(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


def test_a_log_and_its_items_become_two_files(run, folder):
    result = run("import", "table", "log.csv", "items.csv", *OUT)
    assert (result.status, result.out) == (0, b"")
    assert lines_of(folder / "items.jsonl") == [
        {"item_id": "a", "title": "Salt & pepper mill"},
        {"item_id": "b"},
    ]
    assert lines_of(folder / "log.jsonl")[:2] == [
        {"user_id": "u", "item_id": "b", "timestamp": 1454112000, "rating": 5.0},
        {"user_id": "u", "item_id": "a", "timestamp": 1454112001, "rating": 4.0},
    ]
    for said in (
        "genair import: 2 users, 2 items, 3 interactions",
        "genair import: times: seconds (guessed), 2016-01-30 to 2016-01-30",
        "genair import: duplicates took 1 interactions, 0 users, 0 items",
        "genair import: warning: 1 of 2 items have no text",
    ):
        assert said in result.err
    assert sorted(path.name for path in folder.iterdir()) == [
        "items.csv",
        "items.jsonl",
        "log.csv",
        "log.jsonl",
    ]


def test_the_report_has_what_was_done_and_is_the_same_each_time(run, folder):
    for name in ("one", "two"):
        run("import", "table", "log.csv", *OUT, "--report", f"{name}.json", "--min-rating", "4", "-f")
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()
    row = json.loads((folder / "one.json").read_bytes())
    assert row["format"] == "table"
    assert row["filters"]["min_rating"] == 4
    assert row["summary"]["interactions"] == 2
    assert row["losses"]["rating"] == {"interactions": 1, "users": 1, "items": 0}
    assert len(row["inputs_sha256"]) == 1
    assert row["skipped"] == 0


def test_stdin_is_a_log_and_stdout_can_be_either_file(run, folder):
    packed = gzip.compress(LOG)
    result = run("import", "table", "--items", "/dev/null", "--interactions", "-", "-q", stdin=packed)
    assert (result.status, result.err) == (0, "")
    assert [row["item_id"] for row in result.rows] == ["b", "a", "a"]
    result = run(
        "import", "table", "-", "items.csv", "--items", "-", "--interactions", "log.jsonl.gz", stdin=LOG
    )
    assert [row["item_id"] for row in result.rows] == ["a", "b"]
    assert len(lines_of(folder / "log.jsonl.gz")) == 3


@pytest.mark.parametrize(
    "bad", [b"torn,1", b",a,1,1\n", b"w,a,noon,1\n", b"w,a,1454112000,nan\n", b'w,"a,1,1\n']
)
def test_a_bad_record_stops_the_import_and_nothing_is_left(run, folder, bad):
    (folder / "log.csv").write_bytes(LOG + bad)
    run("import", "table", "log.csv", "items.csv", *OUT, "--report", "r.json").fails(3, "log.csv:6: ")
    assert sorted(path.name for path in folder.iterdir()) == ["items.csv", "log.csv"]


def test_bad_records_are_skipped_put_aside_and_counted(run, folder):
    (folder / "log.csv").write_bytes(LOG + b"w,a,noon,1\n" + b"torn,1")
    (folder / "items.csv").write_bytes(ITEMS + b",nameless\n")
    result = run(
        "import", "table", "log.csv", "items.csv", *OUT, "--on-error", "skip", "--errors", "bad.jsonl"
    )
    assert result.status == 4
    assert "genair import: 3 skipped" in result.err
    assert lines_of(folder / "bad.jsonl") == [
        {"where": "log.csv:6", "error": "timestamp must be a number, not 'noon'", "line": "w,a,noon,1"},
        {
            "where": "log.csv:7",
            "error": "2 fields, but there are 4 columns; the last line seems cut off: remove or complete it",
            "line": "torn,1",
        },
        {"where": "items.csv:5", "error": "missing field 'item_id'", "line": ",nameless"},
    ]
    assert len(lines_of(folder / "log.jsonl")) == 3


def test_only_the_first_few_of_many_skipped_are_named(run, folder):
    (folder / "log.csv").write_bytes(LOG + b"w,a,noon,1\n" * 50)
    result = run("import", "table", "log.csv", *OUT, "--on-error", "skip")
    assert result.err.count("skipped log.csv:") == 5
    assert "50 skipped" in result.err
    (folder / "log.csv").write_bytes(b"user_id,item_id\n" + b"torn\n" * 7)
    run("import", "table", "log.csv", *OUT, "-f", "--on-error", "skip").fails(
        3, "log.csv: no interactions: none of its 7 records can be used, the first: log.csv:2: "
    )


def test_old_files_stay_until_the_new_ones_are_whole(run, folder):
    assert run("import", "table", "log.csv", *OUT).status == 0
    before = (folder / "items.jsonl").read_bytes(), (folder / "log.jsonl").read_bytes()
    run("import", "table", "log.csv", *OUT).fails(1, "log.jsonl: exists already: use --force to replace it")
    (folder / "log.csv").write_bytes(LOG + b"torn")
    run("import", "table", "log.csv", *OUT, "--force").fails(3, "log.csv:6")
    assert before == ((folder / "items.jsonl").read_bytes(), (folder / "log.jsonl").read_bytes())
    (folder / "log.csv").write_bytes(LOG.replace(b"u,", b"x,"))
    assert run("import", "table", "log.csv", *OUT, "--force").status == 0
    assert {row["user_id"] for row in lines_of(folder / "log.jsonl")} == {"x", "v"}


def test_if_one_file_cannot_be_written_none_is(run, folder):
    (folder / "items.jsonl").mkdir()
    run("import", "table", "log.csv", *OUT).fails(1, "items.jsonl: is a folder")
    assert not (folder / "log.jsonl").exists()


def test_a_cut_gzip_is_an_error_even_if_records_may_be_skipped(run, folder):
    (folder / "log.csv.gz").write_bytes(gzip.compress(LOG)[:-12])
    result = run("import", "table", "log.csv.gz", *OUT, "--on-error", "skip")
    result.fails(3, "log.csv.gz: the gzip data is damaged or cut off")


def test_a_recipe_is_compared_and_the_command_line_beats_it(run, folder):
    result = run(
        "import", "table", "log.csv", *OUT, "--recipe", "s3rec", "--min-user", "1", "--min-item", "1"
    )
    assert (
        "genair import: s3rec makes beauty not as expected: 2 users instead of 22363, 2 items" in result.err
    )
    assert "duplicates took" not in result.err  # the recipe keeps them
    run("import", "amazon", "log.csv", *OUT, "--recipe", "paper-yelp", "-f").fails(
        2, "--recipe paper-yelp is for yelp"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["soup", "log.csv", *OUT], "unknown format 'soup': choose from amazon, yelp, movielens, table"),
        (["table", "log.csv"], "--items and --interactions name the files to write"),
        (["table", "log.csv", "--items", "x", "--interactions", "x"], "two outputs are x"),
        (["table", "log.csv", *OUT, "--errors", "e"], "--errors needs --on-error skip"),
        (["amazon", "log.csv", *OUT, "--user", "who"], "--user is for tables, and amazon says it itself"),
        (["yelp", "log.csv", *OUT, "--time-format", "s"], "--time-format is for tables"),
        (["table", "log.csv", *OUT, "--core", "once"], "--core needs --min-user or --min-item"),
        (["table", "log.csv", *OUT, "--key", "sku"], "--key needs ITEMS"),
        (["table", "log.csv", *OUT, "--no-text", "hide"], "--no-text must be keep or drop"),
        (["table", "log.csv", *OUT, "--recipe", "soup"], "unknown recipe 'soup'"),
        (["table", "-", "-", *OUT], "only one input can be stdin"),
        (["table", "log.csv", *OUT, "--min-rating", "nan"], "--min-rating must be finite, not nan"),
        (["table", "log.csv", *OUT, "--since", "soon"], "--since must be a date or a time"),
        (
            ["table", "log.csv", *OUT, "--columns", "a,b,c,d", "--separator", "::"],
            "--separator must be one character",
        ),
    ],
)
def test_wrong_usage_exits_2_and_writes_nothing(run, folder, words, said):
    run("import", *words).fails(2, said)
    assert sorted(path.name for path in folder.iterdir()) == ["items.csv", "log.csv"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table", "no.csv"], "no.csv: no such file"),
        (["table", "."], ".: is a folder, not a file"),
    ],
)
def test_what_cannot_be_opened_is_named(run, words, said):
    run("import", *words, *OUT).fails(1, said)


def test_what_the_item_table_lacks_or_hides_is_told(run, folder):
    (folder / "log.csv").write_text("user_id,sku,timestamp\nu,1,5\nu,2,6\n")
    (folder / "items.csv").write_text("sku,item_id,title\n1,XX,T\n")
    words = ("table", "log.csv", "items.csv", "--item", "sku")
    said = run("import", *words, *OUT).err
    assert "1 of 2 items have no line in the item table\n" in said
    assert "1 items have a column item_id that is not their id, and is left out" in said
    assert lines_of(folder / "items.jsonl")[0] == {"item_id": "1", "title": "T"}
    (folder / "items.csv").write_text("sku,title\n8,T\n9,T\n")
    said = run("import", *words, *OUT, "--force").err
    assert "2 of 2 items have no line in the item table: are its ids in another column?" in said


def test_dates_of_a_parquet_file_are_not_written_in_any_way(run, folder):
    times = [datetime(2020, 1, 1), datetime(2020, 1, 2)]
    pl.DataFrame({"user_id": ["u", "u"], "item_id": ["a", "b"], "timestamp": times}).write_parquet(
        "log.parquet"
    )
    run("import", "table", "log.parquet", *OUT, "--time-format", "s").fails(2, "the times are dates already")
    assert run("import", "table", "log.parquet", *OUT).status == 0


def test_a_column_that_is_missing_is_said_with_those_that_are_there(run):
    run("import", "table", "log.csv", "--user", "who", *OUT).fails(
        3, "log.csv: no column 'who': there are user_id, item_id, timestamp, rating; --user, --item"
    )


def test_help_loads_no_polars():
    code = """
import sys
from genair_cli.main import main
main(["import", "--help"])
assert not {"polars", "numpy"} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "paper-yelp" in done.stdout


def test_what_is_imported_goes_through_every_stage(run, folder):
    """One user and item id after the other is exact from the dump to the recommendations."""
    events = [
        f"{user:03},{item % 9},{1454112000 + 60 * item}"
        for user in range(40)
        for item in range(user, user + 6)
    ]
    (folder / "log.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(events))
    (folder / "items.csv").write_text(
        "item_id,title\n" + "\n".join(f"{item},Mill {item}" for item in range(9))
    )
    commands = (
        ("import", "table", "log.csv", "items.csv", *OUT, "--min-user", "5"),
        ("archetype", "items.jsonl", "-o", "arch.jsonl", "--backend", "echo", "--workers", "0"),
        ("embed", "arch.jsonl", "-o", "emb.h5", "--backend", "echo", "--workers", "0"),
        ("train", "emb.h5", "-i", "log.jsonl", "-o", "model.h5", "--epochs", "1", "--dim", "8"),
    )
    for command in commands:
        result = run(*command)
        assert result.status == 0, result.err
    result = run("eval", "model.h5", "-i", "log.jsonl", "--json")
    assert result.status == 0, result.err
    assert next(row["users"] for row in result.rows if row["metric"] == "ndcg") == 40


def test_a_json_array_is_told_from_json_lines(run, folder):
    (folder / "log.json").write_text(json.dumps([{"user_id": f"u{n}", "item_id": "a"} for n in range(99)]))
    result = run("import", "table", "log.json", *OUT)
    result.fails(3, "log.json: is a JSON array: give one object a line, as `jq -c '.[]'` makes them")


def test_an_item_that_no_line_can_hold_is_located_and_can_be_skipped(run, folder):
    deep = "[" * 300 + '"x"' + "]" * 300
    lines = f'{{"item_id":"a","title":{deep}}}\n{{"item_id":"b","title":"x"}}\n'
    (folder / "items.jsonl.in").write_text(lines)
    words = ("import", "table", "log.csv", "items.jsonl.in", *OUT)
    run(*words).fails(3, "items.jsonl.in:1: cannot write as JSON")
    assert run(*words, "--on-error", "skip").status == 4
    assert {"item_id": "b", "title": "x"} in lines_of(folder / "items.jsonl")


def test_the_name_of_a_parquet_file_is_no_pattern(run, folder):
    for name, user in (("log[1].parquet", "right"), ("log1.parquet", "wrong")):
        pl.DataFrame({"user_id": [user], "item_id": ["a"]}).write_parquet(folder / name)
    assert run("import", "table", "log[1].parquet", *OUT).status == 0
    assert [row["user_id"] for row in lines_of(folder / "log.jsonl")] == ["right"]


def test_a_codec_that_is_none_is_refused(run):
    run("import", "table", "log.csv", *OUT, "--encoding", "undefined").fails(2, "undefined")
