"""Archetypes from a server that answers as each test tells it to."""

import json
import time
from dataclasses import replace

import pytest

from genair.config import Decoding
from genair.errors import GenairError, InputError, UsageError
from genair.llm import BACKENDS, default_workers
from genair.llm.base import Answered
from genair.llm.models import backend_spec
from genair.records import ChatPrompt

pytestmark = pytest.mark.slow

KEY = "sk-very-secret-0123"
PRIME = "People who"
PROMPT = ChatPrompt("You know people.", "Who likes a lamp?", PRIME, "lamp")
PLAIN = Decoding(max_tokens=8, repeat_penalty=1)


def prompts(count):
    return [replace(PROMPT, user=f"Who likes thing {n}?", item_id=f"i{n}") for n in range(count)]


def backend(server, parallel=4):
    return BACKENDS.get("openai")(backend_spec("openai", "m", parallel, server.url))


def ask(server, count=1, decoding=PLAIN, parallel=4):
    return backend(server, parallel).generate(prompts(count), decoding, range(count))


def number_of(body):
    return int(body["messages"][-1]["content"].split("?")[0].split()[-1])


def test_a_wave_is_asked_at_once_and_answered_in_its_order(server):
    server.answer = lambda body, _: server.chat(
        f"People who own {number_of(body)}.", after_s=0.02 * (12 - number_of(body))
    )
    written = ask(server, 12)
    assert [one.text for one in written] == [f" own {n}." for n in range(12)]
    assert server.most_at_once == 4
    assert len(server.bodies) == 12


def test_the_request_says_what_was_chosen(server):
    server.answer = lambda *_: server.chat("People who read.")
    llm = backend(server)
    llm.generate([PROMPT], PLAIN, [2**40 + 7])
    llm.generate(
        [replace(PROMPT, system="", prime="")], replace(PLAIN, temperature=0.5, top_k=3), [2**40 + 7]
    )
    greedy, warm = server.bodies
    shared = {"model": "m", "max_tokens": 8, "repeat_penalty": 1, "repetition_penalty": 1}
    wish = {"role": "user", "content": 'Who likes a lamp?\nBegin your answer with: "People who"'}
    system = {"role": "system", "content": "You know people."}
    assert greedy == {**shared, "temperature": 0, "messages": [system, wish]}
    user = {"role": "user", "content": "Who likes a lamp?"}
    sampling = {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": 7}
    assert warm == {**shared, **sampling, "messages": [user]}


def test_what_a_generation_tells(server):
    answers = [
        server.chat("People who read.", usage=(31, 5)),
        server.chat("Readers", finish="length", usage=None),
        server.chat("people who, well", finish="eos"),
    ]
    server.answer = lambda body, _: answers[number_of(body)]
    first, second, third = ask(server, 3)
    assert (first.text, first.primed, first.finish_reason) == (" read.", True, "stop")
    assert (first.prompt_tokens, first.token_count, first.tokens, first.canonical) == (31, 5, (), True)
    assert (second.text, second.primed, second.finish_reason) == ("Readers", False, "length")
    assert (second.prompt_tokens, second.token_count) == (0, 0)
    assert (third.text, third.finish_reason) == (", well", "stop")


@pytest.mark.parametrize(
    ("trouble", "pause"),
    [
        (lambda s: s.error(429, "slow down", {"retry-after": "1"}), (1, 3)),
        (lambda s: s.error(429, "slow down", {"retry-after-ms": "20"}), (0.02, 0.35)),
        (lambda s: s.error(500, "oops", {"retry-after-ms": "20"}), (0.02, 0.35)),
        (lambda s: s.error(503, "loading"), (0.3, 3)),
        (lambda s: s.hang_up(), (0.3, 3)),
    ],
    ids=["429 s", "429 ms", "500", "503", "hang up"],
)
def test_passing_trouble_is_waited_out(server, trouble, pause):
    server.answer = lambda _, n: trouble(server) if n == 1 else server.chat("People who read.")
    llm = backend(server)
    start = time.monotonic()
    (made,) = llm.generate([PROMPT], PLAIN, [0])
    assert pause[0] <= time.monotonic() - start < pause[1]
    assert made.text == " read."
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "too many requests, or no quota left .*: try a lower --parallel"), (500, "failed at item 'i0' ")],
)
def test_lasting_trouble_ends_the_run(server, status, words):
    server.answer = lambda *_: server.error(status, "not now", {"retry-after-ms": "1"})
    with pytest.raises(GenairError, match=words) as caught:
        ask(server)
    assert f"({status}: not now)" in caught.value.message
    assert caught.value.where == server.url
    assert len(server.bodies) == 7


def test_a_pause_beyond_all_patience_is_not_made(server):
    server.answer = lambda *_: server.error(429, "come back tomorrow", {"retry-after": "86400"})
    with pytest.raises(GenairError, match="come back tomorrow"):
        ask(server)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses the API key .*: set OPENAI_API_KEY or --api-key-file"),
        (404, "no model 'm', or no chat .*: check --model and --base-url"),
        (400, "refuses the request .*: check --model and the decoding options"),
        (403, "refuses the API key"),
        (402, "the server failed at item 'i0'"),
    ],
)
def test_refusals_end_the_run_and_never_show_the_key(server, monkeypatch, status, words):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answer = lambda *_: server.error(status, f"no,\n{KEY} will not do", code=KEY)
    with pytest.raises(GenairError, match=words) as caught:
        ask(server)
    assert "[key] will not do" in caught.value.message
    assert "\n" not in caught.value.message
    assert KEY not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert len(server.bodies) == 1
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_no_key_is_no_secret(server):
    ask(server)
    assert server.headers[0]["Authorization"] == "Bearer none"
    server.answer = lambda *_: server.error(401, "who are you?")
    with pytest.raises(UsageError, match="wants an API key"):
        ask(server)


def test_what_is_refused_is_asked_without_and_remembered(server):
    def answer(body, _):
        unknown = [name for name in ("repeat_penalty", "repetition_penalty", "top_k") if name in body]
        if unknown:
            return server.error(400, f"Unrecognized request argument supplied: {unknown[0]}")
        if "max_tokens" in body:
            return server.error(
                400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            )
        return server.chat("People who read.")

    server.answer = answer
    llm = backend(server, parallel=1)
    warm = replace(PLAIN, temperature=1)
    assert [one.text for one in llm.generate(prompts(3), warm, range(3))] == [" read."] * 3
    assert len(server.bodies) == 4 + 3
    assert server.bodies[-1]["max_completion_tokens"] == 8


def test_a_penalty_that_cannot_be_had_ends_the_run(server):
    def answer(body, _):
        extra = [name for name in body if name.startswith("rep")]
        return server.error(400, f"Unrecognized: {extra[0]}") if extra else server.chat("People who read.")

    server.answer = answer
    with pytest.raises(UsageError, match=r"does not take .* 1.1 .*: set --repeat-penalty 1"):
        ask(server, 3, Decoding(max_tokens=8))


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [
        (lambda s: s.chat("People who", finish="content_filter"), GenairError, "content filter"),
        (
            lambda s: s.chat(None, refusal="I\ncannot."),
            GenairError,
            r"content filter refused it \(I cannot\.\)",
        ),
        (lambda s: s.error(400, "flagged", code="content_filter"), GenairError, "content filter .*flagged"),
        (lambda s: s.chat(""), GenairError, "answer is empty .*stop.*: try another prompt"),
        (lambda s: s.chat("People who", finish="length"), GenairError, "empty .*: try a higher --max-tokens"),
        (lambda s: s.chat(None), GenairError, "answer is empty"),
        (lambda s: s.chat([{"text": "parts"}]), GenairError, "answer is empty"),
        (lambda s: replace(s.chat(""), body={"error": "upstream"}), GenairError, "has no choices"),
        (
            lambda s: s.error(400, "This model's maximum context length is 9 tokens. max_tokens too large"),
            InputError,
            "exceeds the context of the server's model .*: shorten its text",
        ),
    ],
)
def test_what_one_item_suffers_is_its_own(server, trouble, kind, words):
    server.answer = lambda body, _: (
        trouble(server) if number_of(body) == 1 else server.chat("People who read.")
    )
    first, second, third = ask(server, 3)
    assert (first.text, third.text) == (" read.", " read.")
    assert type(second) is kind
    assert second.message.startswith("item 'i1': ")
    with pytest.raises(kind, match=words):
        raise second


def test_a_server_that_is_not_there_is_noticed_at_once(server):
    server.close()
    start = time.monotonic()
    with pytest.raises(
        GenairError, match=r"no server answers \(.*refused.*\): start it, or check --base-url"
    ):
        backend(server)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("body", ["<html>welcome</html>", [1], {"data": None}])
def test_whatever_a_server_answers_first_it_is_there(server, body):
    server.models = replace(server.models, status=200, body=body)
    assert len(ask(server)) == 1
    server.models = replace(server.models, status=500)
    assert len(ask(server)) == 1


@pytest.mark.parametrize("body", ["<html>welcome</html>", [1]])
def test_what_is_no_chat_server_is_noticed(server, body):
    server.answer = lambda *_: replace(server.chat(""), body=body)
    with pytest.raises(UsageError, match="no chat server: check whether --base-url"):
        ask(server)


def test_broken_json_is_no_traceback(server):
    server.answer = lambda *_: replace(
        server.chat(""), body='{"id": ', headers={"content-type": "application/json"}
    )
    with pytest.raises(UsageError, match="no chat server"):
        ask(server)


def test_there_are_no_states(server):
    llm = backend(server)
    assert (llm.hidden_size, llm.context_length, llm.count_tokens(PROMPT)) == (0, None, 0)
    with pytest.raises(UsageError, match="use `genair embed` with a local model"):
        llm.generate([PROMPT], PLAIN, [0], want_states=True)
    with pytest.raises(UsageError, match="use `genair embed` with a local model"):
        llm.states([Answered(PROMPT, "x", None, cut=False)])
    assert server.bodies == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("openai", "m", 4), "needs --base-url"),
        (("openai", "smollm2-135m-instruct", 4, "http://a/v1"), "needs --model"),
        (("openai", "m", 4, "a"), "--base-url must be"),
        (("echo", "", 4, "http://a/v1"), "are for --backend openai"),
        (("echo", "", 4, "", "key"), "are for --backend openai"),
    ],
)
def test_settings_that_would_mean_nothing_are_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        backend_spec(*arguments)


def test_servers_are_asked_from_this_process():
    assert [default_workers(name, 7) for name in ("openai", "llamacpp", "echo")] == [0, 7, 7]


def test_a_server_may_be_asked_from_worker_processes_too(server):
    from genair.archetype.generate import requests, write_archetypes
    from genair.config import ArchetypeConfig
    from genair.llm.waves import waves_of

    config = ArchetypeConfig(decoding=PLAIN, wave=1)
    rows = [(f"w:{n}", {"item_id": str(n), "title": f"thing {n}"}) for n in range(3)]
    spec = backend_spec("openai", "m", 4, server.url)
    units = list(write_archetypes(waves_of(requests(rows, config), 1), config, spec, 1))
    assert [one.archetype.item_id for unit in units for one in unit.outcomes] == ["0", "1", "2"]
    assert KEY not in json.dumps([one.archetype.to_row() for unit in units for one in unit.outcomes])


def test_halves_of_characters_are_joined_or_replaced(server):
    """JSON can say half of a character, as where an answer was cut; nothing else can."""
    server.answer = lambda *_: server.chat("People who \ud83d\ude42 and \ud83d")
    assert ask(server)[0].text == " 🙂 and \ufffd"
