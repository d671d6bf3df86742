"""Whatever the bytes: events and named failures, or one error; never anything else, and nothing twice."""

import gzip
import io
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genair.config.importing import FilterConfig, TableConfig
from genair.data.importers import IMPORTERS
from genair.data.importers.stage import import_dumps
from genair.errors import GenairError, InputError
from genair.io.dumps import Dump

REVIEW = {"reviewerID": "u", "asin": "i", "overall": 5.0, "unixReviewTime": 1441324800, "title": "T"}
NEW = {"user_id": "u", "parent_asin": "i", "rating": 4.0, "timestamp": 1588687728923}
YELP = {"user_id": "u", "business_id": "i", "stars": 4.0, "date": "2016-01-30 02:18:30", "name": "N"}
TABLE = {"user_id": "u", "item_id": "i", "timestamp": 1441324800, "rating": 3}
SEEDS = {
    "amazon": [json.dumps(REVIEW), repr(REVIEW), json.dumps(NEW)],
    "yelp": [json.dumps(YELP)],
    "movielens": ["1\t2\t3\t881250949", "1::2::3::881250949", "userId,movieId,rating,timestamp\n1,2,3,4"],
    "table": [json.dumps(TABLE), "user_id,item_id,timestamp,rating\nu,i,1441324800,3", "PAR1 and so on"],
}
NOISE = st.sampled_from(
    [
        b"",
        b"\0",
        b"\xff",
        b'"',
        b"'",
        b"\\",
        b"\n",
        b"\r",
        b"\r\n",
        b",",
        b"\t",
        b"{",
        b"}",
        b"[",
        b"NaN",
        b"\xef\xbb\xbf",
    ]
) | st.binary(max_size=4)


@st.composite
def spoiled(draw, form):
    """Lines of a format with noise put in, taken out and cut off."""
    data = b"\n".join(
        line.encode() for line in draw(st.lists(st.sampled_from(SEEDS[form]), min_size=1, max_size=4))
    )
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(NOISE) + data[at + draw(st.integers(0, 3)) :]
    return gzip.compress(data) if draw(st.booleans()) and draw(st.booleans()) else data


def import_(form, log, table):
    lines, failed = [], []
    report = import_dumps(
        IMPORTERS.get(form)(TableConfig()),
        Dump(io.BytesIO(log), "log"),
        Dump(io.BytesIO(table), "table"),
        FilterConfig(duplicates="keep"),
        lambda _: None,
        lines.append,
        failed.append,
        lambda _: None,
    )
    return b"".join(lines), failed, report


@pytest.mark.parametrize("form", SEEDS)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_spoiled_input_is_read_named_or_refused(form, data):
    log, table = data.draw(spoiled(form)), data.draw(spoiled(form))
    with suppress(InputError):
        lines, failed, report = import_(form, log, table)
        rows = [json.loads(line) for line in lines.split(b"\n")[:-1]]
        assert len(rows) == report.summary.interactions == report.read.interactions
        assert all(row["user_id"] and row["item_id"] for row in rows)
        places = [one.error.where for one in failed]
        assert len(set(places)) == len(places)


@pytest.mark.parametrize("form", SEEDS)
@given(data=st.binary(max_size=60))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_read_named_or_refused(form, data):
    with suppress(GenairError):
        import_(form, data, data)
