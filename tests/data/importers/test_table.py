"""Tables of one's own: the same rows in every format, exactly, and what cannot be meant is refused."""

import gzip
import io
import json
from datetime import UTC, datetime, time, timedelta

import polars as pl
import pytest

from genair.config.importing import TableConfig
from genair.errors import InputError, UsageError

ROWS = [("007", " 7 ", 1454112000), (str(2**60), "😀", 1454112001), ("a,b", "c\nd", 1454112002)]
NAMES = ("user_id", "item_id", "timestamp")


def csv_of(rows, separator=","):
    quoted = (separator.join(f'"{value}"' for value in row) for row in (NAMES, *rows))
    return ("\n".join(quoted) + "\n").encode()


def parquet_of(frame):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


FORMATS = {
    "csv": csv_of(ROWS),
    "tsv": csv_of(ROWS, "\t"),
    "semicolons": csv_of(ROWS, ";"),
    "jsonl": b"".join(json.dumps(dict(zip(NAMES, row, strict=True))).encode() + b"\n" for row in ROWS),
    "parquet": parquet_of(pl.DataFrame(ROWS, schema=list(NAMES), orient="row")),
    "gzip": gzip.compress(csv_of(ROWS)),
    "bom": b"\xef\xbb\xbf" + csv_of(ROWS),
    "utf-16": csv_of(ROWS).decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_exact_rows(read_log, name):
    settings = {"encoding": "utf-16"} if name == "utf-16" else {}
    found = read_log("table", FORMATS[name], **settings)
    assert found.failed == []
    assert found.rows == ROWS
    assert (found.clock.form, found.clock.guessed) == ("s", True)


def test_columns_mean_what_one_says(read_log):
    found = read_log(
        "table",
        b"when,who,what,stars\n2016-01-30,u,i,4.5\n",
        user="who",
        item="what",
        time="when",
        rating="stars",
    )
    assert found.rows == [("u", "i", 1454112000 * 10**6, 4.5)]


def test_a_log_without_a_header_has_its_columns_named(read_log):
    found = read_log("table", b"u,i,5.0,1454112000\n", columns=("user_id", "item_id", "rating", "timestamp"))
    assert found.rows == [("u", "i", 1454112000, 5.0)]


def test_time_and_rating_may_be_missing_or_left_out(read_log):
    assert read_log("table", b"user_id,item_id\nu,i\n").rows == [("u", "i")]
    data = b"user_id,item_id,timestamp,rating\nu,i,soon,high\n"
    assert read_log("table", data, time="", rating="").rows == [("u", "i")]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [({}, "user_id"), ({"user": "b"}, "item_id"), ({"user": "b", "item": "a", "time": "t"}, "t")],
)
def test_a_column_that_is_not_there_is_named_with_those_that_are(read_log, settings, missing):
    with pytest.raises(InputError, match=rf"^log: no column '{missing}': there are a, b; --user, --item"):
        read_log("table", b"a,b\n1,2\n", **settings)


def test_latin_1_is_read_if_it_is_named(read_log):
    data = b"user_id,item_id\nu,caf\xe9\n"
    assert read_log("table", data).failed == ["2: not UTF-8: --encoding says what else it is"]
    assert read_log("table", data, encoding="latin-1").rows == [("u", "café")]


def test_another_encoding_than_named_is_an_error(read_log):
    with pytest.raises(InputError, match=r"^log: is not ascii \("):
        read_log("table", "user_id,item_id\nu,é\n".encode(), encoding="ascii")
    with pytest.raises(InputError, match=r"^log: is UTF-16: --encoding utf-16 says so$"):
        read_log("table", FORMATS["utf-16"])


@pytest.mark.parametrize(
    ("column", "kind"), [([1.0, 2.0], "Float64"), ([True, False], "Boolean"), ([[1], [2]], r"List\(Int64\)")]
)
def test_a_parquet_column_that_is_no_exact_id_is_refused(read_log, column, kind):
    data = parquet_of(pl.DataFrame({"user_id": column, "item_id": ["a", "b"]}))
    with pytest.raises(
        InputError, match=rf"^log: column 'user_id' is {kind}: ids are text or whole numbers$"
    ):
        read_log("table", data)


def test_categories_of_parquet_are_the_text_they_stand_for(read_log):
    text = pl.DataFrame(
        {"user_id": ["u"] * 2, "item_id": ["x", "y"], "timestamp": ["7", "8"], "rating": ["4", "5"]}
    )
    frame = text.with_columns(pl.col("timestamp", "rating").cast(pl.Categorical))
    assert read_log("table", parquet_of(frame)).rows == read_log("table", parquet_of(text)).rows


@pytest.mark.parametrize("column", ["timestamp", "rating"])
@pytest.mark.parametrize("values", [[True, False], [[1], [2]], [time(1), time(2)], [timedelta(1), None]])
def test_a_parquet_column_that_is_neither_numbers_nor_dates_is_refused(read_log, column, values):
    frame = pl.DataFrame({"user_id": ["u"] * 2, "item_id": ["x", "y"], column: values})
    with pytest.raises(
        InputError, match=rf"^log: column '{column}' is .*: it has to be numbers, dates or text$"
    ):
        read_log("table", parquet_of(frame))


@pytest.mark.parametrize("part", ["timestamp", "rating"])
def test_a_part_that_only_late_lines_have_is_named(read_log, part):
    early = b'{"user_id": "u", "item_id": "i", "pad": "' + b"x" * 1000 + b'"}\n'
    late = json.dumps({"user_id": "u", "item_id": "i", part: 3}).encode() + b"\n"
    with pytest.raises(InputError, match=f"^log:9001: a {part} here, but none on earlier lines"):
        read_log("table", early * 9000 + late)
    off = {"time": ""} if part == "timestamp" else {"rating": ""}
    assert len(read_log("table", early * 9000 + late, **off).rows) == 9001


def test_a_format_of_times_needs_times(read_log):
    with pytest.raises(UsageError, match="--time-format needs times, and the log has none"):
        read_log("table", b"user_id,item_id\nu,x\n", time_format="ms")


def test_parquet_of_any_types(read_log):
    frame = pl.DataFrame(
        {
            "user_id": pl.Series([2**60, -1, None], dtype=pl.Int64),
            "item_id": pl.Series(["x", "y", "z"], dtype=pl.Categorical),
            "timestamp": [datetime(2016, 1, 30, tzinfo=UTC), None, datetime(2016, 1, 31, tzinfo=UTC)],
            "rating": [4, 5, 1],
        }
    )
    found = read_log("table", parquet_of(frame))
    assert found.rows == [(str(2**60), "x", 1454112000 * 10**6, 4.0)]
    assert found.failed == ["2: missing field 'timestamp'", "3: missing field 'user_id'"]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda data: data[:10], lambda data: data.replace(data, b"PAR1" * 9)]
)
def test_damaged_parquet_is_one_error(read_log, read_items, damage):
    for read in (read_log, read_items):
        with pytest.raises(InputError, match=r"the Parquet file cannot be read \("):
            read("table", damage(FORMATS["parquet"]))


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"columns": ("a",)}, "--columns"),
        ({"separator": ";"}, "--separator"),
        ({"encoding": "cp1252"}, "--encoding"),
    ],
)
def test_settings_of_delimited_text_are_for_nothing_else(read_log, name, settings, flag):
    with pytest.raises(UsageError, match=rf"^{flag} does not go with"):
        read_log("table", FORMATS[name], **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"time_format": "hours"},
            "--time-format must be one of auto, s, ms, us, ns, iso, order, or a pattern",
        ),
        ({"separator": "::"}, "--separator must be one character"),
        ({"separator": '"'}, "--separator must be one character"),
        ({"encoding": "klingon"}, "--encoding must be an encoding that Python knows, not klingon"),
        ({"encoding": "rot13"}, "--encoding must be"),
    ],
)
def test_settings_outside_their_range_are_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        TableConfig(**settings)


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_an_item_table_keeps_all_its_columns(read_items, name):
    rows = {"sku": ["007", "8"], "title": ["Mill", None], "price": ["9.5", "3"]}
    frame = pl.DataFrame(rows)
    data = {
        "csv": frame.write_csv().encode(),
        "jsonl": frame.write_ndjson().encode(),
        "parquet": parquet_of(frame),
    }[name]
    assert read_items("table", data, key="sku") == [
        ("007", {"title": "Mill", "price": "9.5"}),
        ("8", {"price": "3"}),
    ]
    assert read_items("table", data, item="sku") == read_items("table", data, key="sku")


def test_an_item_without_an_id_is_named(read_items):
    found = read_items("table", b'item_id,title\n,a\n"b\n",c\n')
    assert found == ["items:2: missing field 'item_id'", ("b\n", {"title": "c"})]
    with pytest.raises(InputError, match="no column 'item_id': there are sku"):
        read_items("table", b"sku\n1\n")
