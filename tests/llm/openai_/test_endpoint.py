"""Addresses that may be told and keys that may not."""

import pytest

from genair.errors import UsageError
from genair.llm.openai_.endpoint import check_url, endpoint_name, read_key

KEY = "sk-very-secret-0123"


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        (" https://API.example.org/v1/ ", "https://api.example.org/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_put_in_one_form(url, checked):
    assert check_url(url) == checked


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://a/b", "http://", "http://a:b/", "http://[::1", "x"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError, match="--base-url must be the address of a server"):
        check_url(url)


@pytest.mark.parametrize(
    "url", [f"https://me:{KEY}@a.org/v1", f"https://a.org/v1?key={KEY}", f"https://a#{KEY}"]
)
def test_an_address_with_a_secret_in_it_is_refused_without_repeating_it(url):
    with pytest.raises(UsageError, match="must have no user, password") as caught:
        check_url(url)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:9"])
def test_this_machine_has_one_name(host):
    assert endpoint_name(f"http://{host}/v1") == "localhost"


def test_other_machines_keep_theirs():
    assert endpoint_name("https://api.example.org/v1") == "https://api.example.org/v1"


def test_the_file_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert read_key("") == ""
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-environment")
    assert read_key("") == "of-the-environment"
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert read_key(str(file)) == KEY


@pytest.mark.parametrize(
    "content", [b"", b"\n", KEY.encode() + b"\nmore", f"{KEY}é".encode(), KEY.encode() + b"\xff"]
)
def test_what_cannot_be_a_key_is_refused_without_showing_it(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="not a key") as caught:
        read_key(str(file))
    assert KEY not in repr(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"--api-key-file .*absent: No such file"):
        read_key(str(tmp_path / "absent"))
