"""Errors say where and what, in one line, and survive the way back from a worker process."""

import copy

import pytest

from genair.errors import GenairError, InputError, MissingExtraError, ReaderClosedError, UsageError


def test_the_place_comes_before_the_message():
    assert (
        str(InputError("missing field 'prompt'", where="a.jsonl:17")) == "a.jsonl:17: missing field 'prompt'"
    )


def test_an_error_without_a_place_is_its_message():
    assert str(UsageError("--dim must be 1 or more")) == "--dim must be 1 or more"


@pytest.mark.parametrize("kind", [GenairError, UsageError, InputError, MissingExtraError])
@pytest.mark.parametrize("where", ["a.jsonl:17", None])
def test_a_copied_error_keeps_its_kind_message_and_place(kind, where):
    again = copy.copy(kind("what", where=where))  # by __reduce__, as pickle does
    assert (type(again), again.message, again.where) == (kind, "what", where)


def test_a_missing_extra_names_what_to_install():
    error = MissingExtraError.of("llama-cpp-python", "llamacpp")
    assert str(error) == "llama-cpp-python is not installed: pip install 'genair[llamacpp]'"


def test_a_closed_reader_is_nothing_the_library_reports():
    assert not issubclass(ReaderClosedError, (OSError, GenairError))
