"""The prime: asked for in words, found again in whatever way a model writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genair.llm.openai_.priming import after_prime, messages_of
from genair.records import ChatPrompt

PRIME = "The people who would love this item are"


def test_the_wish_stands_at_the_end_of_the_user_s_message():
    system, user = messages_of(ChatPrompt("You know people.", "Who likes a lamp?", PRIME))
    assert system == {"role": "system", "content": "You know people."}
    assert user["content"] == f'Who likes a lamp?\nBegin your answer with: "{PRIME}"'


def test_what_is_empty_is_not_sent():
    assert messages_of(ChatPrompt("", "Who?", "")) == [{"role": "user", "content": "Who?"}]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (f"{PRIME} anglers.", " anglers."),
        (f"  {PRIME}   anglers. \n", " anglers."),
        (f"{PRIME.upper()} anglers.", " anglers."),
        ("The people who\nwould love  this item are anglers.", " anglers."),
        (f"{PRIME}:\n1. Anglers", ":\n1. Anglers"),
        (f"{PRIME}, first, anglers", ", first, anglers"),
        (f'"{PRIME}" anglers.', " anglers."),
        (f'"{PRIME} anglers."', " anglers."),
        (f"“{PRIME} anglers.”", " anglers."),
        (f"**{PRIME}** anglers.", " anglers."),
        (f"**{PRIME}**: anglers.", ": anglers."),
        (f'{PRIME} "anglers"', ' "anglers"'),
        (f"<think>\nLet me see.\n</think>\n\n{PRIME} anglers.", " anglers."),
        (PRIME, ""),
        (f'"{PRIME}"', ""),
    ],
)
def test_the_text_goes_on_behind_the_prime(answer, text):
    assert after_prime(answer, PRIME) == (text, True)


@pytest.mark.parametrize(
    "answer", ["Anglers love it.", "The people who would love this item aren't few.", ""]
)
def test_an_answer_of_its_own_is_kept_whole(answer):
    assert after_prime(f" {answer}\n", PRIME) == (answer, False)


def test_a_prime_is_no_pattern():
    assert after_prime("(a.b) c", "(a.b)") == (" c", True)
    assert after_prime("(axb) c", "(a.b)") == ("(axb) c", False)


def test_without_a_prime_the_answer_is_the_text():
    assert after_prime(" Anglers.\n", "") == ("Anglers.", True)
    assert after_prime("<think>no end", "") == ("", True)


@given(st.text(max_size=40), st.text(max_size=10))
def test_nothing_breaks_it(answer, prime):
    text, _ = after_prime(answer, prime)
    assert text == text.rstrip()
