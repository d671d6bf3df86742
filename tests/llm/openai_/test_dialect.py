"""Decoding settings on the wire: heeded, or refused with what to do."""

import pytest

from genair.config import Decoding
from genair.errors import UsageError
from genair.llm.openai_.dialect import Dialect
from genair.llm.openai_.refusals import Refusal, one_line

OFF = Decoding(max_tokens=9, temperature=1, top_p=1, top_k=0, repeat_penalty=1)
WARM = Decoding(max_tokens=9, temperature=0.7, top_p=0.8, top_k=5, repeat_penalty=1.2)
SEED = 2**62 + 5


def refusal(body, status=400):
    return Refusal.of(status, body, "")


def unknown(name):
    return refusal({"message": f"Unrecognized request argument supplied: {name}"})


def test_sampling_sends_every_setting():
    assert Dialect("u").fields(WARM, SEED) == {
        "max_tokens": 9,
        "temperature": 0.7,
        "top_p": 0.8,
        "top_k": 5,
        "repeat_penalty": 1.2,
        "repetition_penalty": 1.2,
        "seed": 5,
    }


def test_greedy_sends_what_shapes_it():
    sent = Dialect("u").fields(Decoding(max_tokens=9, repeat_penalty=1), SEED)
    assert sent == {"max_tokens": 9, "temperature": 0, "repeat_penalty": 1, "repetition_penalty": 1}


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k", "repeat_penalty", "repetition_penalty"])
def test_what_is_off_is_left_out_from_then_on(name):
    dialect = Dialect("u")
    sent = dialect.fields(OFF, SEED)
    assert dialect.learn(unknown(name), sent)
    assert dialect.fields(OFF, SEED).keys() == sent.keys() - {name}
    assert dialect.learn(unknown(name), sent)  # of a request that was under way
    assert not dialect.learn(unknown(name), dialect.fields(OFF, SEED))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temperature", "set --temperature 1"),
        ("top_p", "set --top-p 1"),
        ("top_k", "set --top-k 0"),
        ("seed", "set --temperature 0"),
    ],
)
def test_what_matters_ends_the_run_with_what_to_set(name, hint):
    dialect = Dialect("http://u/v1")
    with pytest.raises(UsageError, match=hint) as caught:
        dialect.learn(unknown(name), dialect.fields(WARM, SEED))
    assert caught.value.where == "http://u/v1"


def test_the_penalty_may_go_by_either_name():
    for first, other in (("repeat_penalty", "repetition_penalty"), ("repetition_penalty", "repeat_penalty")):
        dialect = Dialect("u")
        assert dialect.learn(unknown(first), dialect.fields(WARM, SEED))
        assert dialect.fields(WARM, SEED)[other] == 1.2
        with pytest.raises(UsageError, match="set --repeat-penalty 1"):
            dialect.learn(unknown(other), dialect.fields(WARM, SEED))


def test_both_names_refused_at_once():
    both = unknown("repeat_penalty, repetition_penalty")
    dialect = Dialect("u")
    with pytest.raises(UsageError, match="set --repeat-penalty 1"):
        dialect.learn(both, dialect.fields(WARM, SEED))
    assert dialect.learn(both, dialect.fields(OFF, SEED))
    assert "repeat_penalty" not in dialect.fields(OFF, SEED)


def test_the_limit_has_a_newer_name():
    told = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    dialect = Dialect("u")
    assert dialect.learn(refusal({"message": told, "param": "max_tokens"}), dialect.fields(WARM, SEED))
    sent = dialect.fields(WARM, SEED)
    assert sent["max_completion_tokens"] == 9
    assert "max_tokens" not in sent
    with pytest.raises(UsageError, match="set another --max-tokens"):
        dialect.learn(refusal({"message": "max_completion_tokens is too large"}), sent)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "property 'top_k' is unsupported"},
        {"detail": "body -> top_k\n  Extra inputs are not permitted (type=extra_forbidden)"},
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_k"], "input": 0}]},
        [{"error": {"message": 'Invalid JSON payload received. Unknown name "top_k": Cannot find field.'}}],
        {"message": "unknown field `top_k`, expected one of `model`, `temperature`, `top_p`, `seed`"},
        "unknown field top_k",
    ],
)
def test_refusals_are_understood_in_many_words(body):
    dialect = Dialect("u")
    sent = dialect.fields(OFF, SEED)
    assert dialect.learn(refusal(body), sent)
    assert dialect.fields(OFF, SEED).keys() == sent.keys() - {"top_k"}


def test_a_refusal_of_something_else_teaches_nothing():
    dialect = Dialect("u")
    assert not dialect.learn(refusal({"message": "model is overloaded"}), dialect.fields(WARM, SEED))


def test_foreign_words_are_shown_on_one_line_without_the_secret():
    assert one_line("a\n b\tKEY c", "KEY") == "a b [key] c"
    assert len(one_line("x" * 5000)) == 203
