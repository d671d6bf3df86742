"""What the model's context cannot hold is refused by name; the rest of the wave goes on."""

from dataclasses import dataclass

import pytest

from genair.errors import InputError
from genair.llm.base import BackendSpec
from genair.llm.echo import EchoBackend
from genair.llm.fitting import do_fitting, require_room
from genair.records import ChatPrompt, Failed

WHERE = "items.jsonl:5"


@pytest.fixture
def backend():
    """An echo whose context holds twenty words."""
    echo = EchoBackend(BackendSpec("echo", "", "echo", "", "words"))
    echo.context_length = 20
    return echo


def prompt(words):
    """Return a prompt of so many tokens: the first is the beginning of the text."""
    return ChatPrompt("", "word " * (words - 1), "", "lamp")


def test_prompt_answer_and_room_together_may_fill_the_context(backend):
    require_room(backend, prompt(20), WHERE)
    require_room(backend, prompt(12), WHERE, room=8)
    require_room(backend, prompt(17), WHERE, answer=" one two three")


@pytest.mark.parametrize(
    ("words", "more", "asked"),
    [
        (21, {}, "21 tokens exceed"),
        (13, {"room": 8}, "13 tokens and 8 to write exceed"),
        (18, {"answer": " one two three"}, "21 tokens exceed"),
    ],
)
def test_one_more_is_refused_with_item_place_and_numbers(backend, words, more, asked):
    with pytest.raises(InputError) as caught:
        require_room(backend, prompt(words), WHERE, **more)
    assert str(caught.value).startswith(f"items.jsonl:5: item 'lamp': {asked} the model's context of 20: ")


def test_a_backend_that_does_not_know_its_context_refuses_nothing(backend):
    backend.context_length = None
    require_room(backend, prompt(5000), WHERE, room=5000)


@dataclass(frozen=True)
class Word:
    item_id: str
    where: str = WHERE

    @property
    def line(self):
        return {"word": self.item_id}

    identity = None


def short(word):
    if len(word.item_id) > 3:
        raise InputError(f"{word.item_id} is long", where=word.where)


def shout(words):
    return [word.item_id.upper() for word in words]


def test_results_and_failures_stand_where_their_records_stood():
    found = do_fitting([Word("a"), Word("long"), Word("b"), Word("longer")], short, shout)
    assert found[::2] == ["A", "B"]
    assert [type(one) for one in found[1::2]] == [Failed, Failed]
    assert [one.line for one in found[1::2]] == [{"word": "long"}, {"word": "longer"}]
    assert str(found[3].error) == "items.jsonl:5: longer is long"


def test_the_work_gets_what_fits_in_one_piece_and_is_not_bothered_with_nothing():
    calls = []

    def count(words):
        calls.append([word.item_id for word in words])
        return shout(words)

    do_fitting([Word("a"), Word("long"), Word("b")], short, count)
    do_fitting([Word("long")], short, count)
    assert calls == [["a", "b"]]


def test_other_errors_are_nobody_s_fault_and_pass():
    def broken(word):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        do_fitting([Word("a")], broken, shout)
