"""TOML files by name and by path."""

import pytest

from genair.errors import InputError, UsageError
from genair.io.shelf import Shelf, read_toml


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shelf").mkdir()
    for name, text in {"b.toml": "x = 2", "a.toml": "x = 1\n[y]\nz = 'é'", "notes.txt": "no"}.items():
        (tmp_path / "shelf" / name).write_text(text, "utf-8")
    return tmp_path / "shelf"


def test_files_are_known_by_name(folder):
    shelf = Shelf("thing", folder)
    assert shelf.names() == ("a", "b")
    assert shelf.read("a") == {"x": 1, "y": {"z": "é"}}


@pytest.mark.parametrize("name", ["c", "", "notes", "a.toml", "../shelf/a"])
def test_other_names_are_refused_with_those_that_there_are(folder, name):
    with pytest.raises(UsageError, match=f"^unknown thing '{name}': choose from a, b$"):
        Shelf("thing", folder).read(name)


def test_a_path_is_read_where_paths_are_taken(folder):
    shelf = Shelf("thing", folder, takes_paths=True)
    assert shelf.read(str(folder / "b.toml")) == {"x": 2}
    with pytest.raises(UsageError, match=r"choose from a, b, or name a TOML file$"):
        shelf.read(str(folder / "c.toml"))


@pytest.mark.parametrize(
    "data",
    [b"x = ", b"x = 1\nx = 2", b"x = 'caf\xe9'", b"x = " + b"9" * 5000, b"x = " + b"[" * 5000 + b"]" * 5000],
)
def test_what_is_no_toml_is_named(tmp_path, data):
    path = tmp_path / "it.toml"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"^it: not TOML"):
        read_toml(path, "it")
