"""MovieLens of every age."""

import pytest

from genair.errors import InputError

OLD_TAIL = b"||http://us.imdb.com/M/title-exact?x|" + b"|".join(
    b"1" if at in (3, 5) else b"0" for at in range(19)
)


@pytest.mark.parametrize(
    "data",
    [
        b"196\t242\t3\t881250949\n007\t377\t1\t878887116\n",
        b"196::242::3::881250949\r\n007::377::1::878887116\r\n",
        b"userId,movieId,rating,timestamp\n196,242,3.0,881250949\n007,377,1.0,878887116\n",
        b'"userId","movieId","rating","timestamp"\n"196","242","3.0","881250949"\n"007","377","1.0","878887116"\n',
    ],
    ids=["100k", "1m", "latest", "quoted"],
)
def test_ratings(read_log, data):
    found = read_log("movielens", data)
    assert found.failed == []
    assert found.rows == [("196", "242", 881250949, 3.0), ("007", "377", 878887116, 1.0)]
    assert found.clock.form == "s"


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (
            b"1|Toy Story (1995)|01-Jan-1995" + OLD_TAIL + b'\n2|Caf\xe9 "x" (V)|09-Feb-1996' + OLD_TAIL,
            [
                ("1", {"title": "Toy Story (1995)", "year": 1995, "genres": ["Animation", "Comedy"]}),
                ("2", {"title": 'Café "x" (V)', "year": 1996, "genres": ["Animation", "Comedy"]}),
            ],
        ),
        (
            (
                b"1::Toy Story (1995)::Animation|Children's\n"
                b"2::Am\xe9lie (2001)::Comedy\n3::Am\xc3\xa9lie (2001)::IMAX\n"
            ),
            [
                ("1", {"title": "Toy Story (1995)", "year": 1995, "genres": ["Animation", "Children's"]}),
                ("2", {"title": "Amélie (2001)", "year": 2001, "genres": ["Comedy"]}),
                ("3", {"title": "Amélie (2001)", "year": 2001, "genres": ["IMAX"]}),
            ],
        ),
        (
            (
                b'movieId,title,genres\n11,"American President, The (1995)",Drama|Romance\n'
                b"12,Am\xc3\xa9lie,(no genres listed)\n"
            ),
            [
                (
                    "11",
                    {"title": "American President, The (1995)", "year": 1995, "genres": ["Drama", "Romance"]},
                ),
                ("12", {"title": "Amélie"}),
            ],
        ),
    ],
    ids=["100k", "1m", "latest"],
)
def test_movies(read_items, data, items):
    assert read_items("movielens", data) == items


def test_a_torn_rating_is_named(read_log):
    found = read_log("movielens", b"1\t2\t3\t881250949\n1\t2\t3")
    assert len(found.rows) == 1
    assert found.failed == [
        "2: 3 fields, but there are 4 columns; the last line seems cut off: remove or complete it"
    ]


def test_another_table_is_refused_with_its_columns(read_log):
    with pytest.raises(InputError, match=r"^log: no column 'userId': there are user, item$"):
        read_log("movielens", b"user,item\n1,2\n")
