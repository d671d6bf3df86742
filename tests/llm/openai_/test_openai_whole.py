"""`genair archetype --backend openai` as a process, and against llama-cpp-python's own server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from genair.config import DEFAULT_MODEL, Decoding
from genair.llm import BACKENDS
from genair.llm.models import backend_spec, find_model
from genair.records import ChatPrompt

pytestmark = pytest.mark.slow

KEY = "sk-very-secret-0123"
IN_FOREGROUND = """
import signal
from genair_cli.main import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # which jobs of the background ignore
run()
"""
ITEMS = [{"item_id": str(n), "title": f"thing {n}"} for n in range(6)]


@pytest.fixture
def items(tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_text("".join(f"{json.dumps(item)}\n" for item in ITEMS))
    return path


def command(items, url, *words):
    fixed = ("--backend", "openai", "--base-url", url, "--model", "m", "--repeat-penalty", "1")
    return [sys.executable, "-m", "genair_cli", "archetype", str(items), *fixed, *map(str, words)]


def run(items, url, *words, key=KEY):
    return subprocess.run(
        command(items, url, *words),
        env={**os.environ, "OPENAI_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def everything(done, folder):
    """Return all that was said or written."""
    files = [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    return "\n".join([done.stdout, done.stderr, *files])


def test_lines_say_who_wrote_them_and_not_with_which_key(server, items, tmp_path):
    server.answer = lambda *_: server.chat("The ideal audience is people who fish.", usage=(30, 9))
    out = tmp_path / "arch.jsonl"
    done = run(items, server.url, "-o", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_bytes().split(b"\n") if line]
    assert [row["item_id"] for row in rows] == [item["item_id"] for item in ITEMS]
    for row in rows:
        assert row["archetype"] == "The ideal audience is people who fish."
        assert (row["prompt_tokens"], row["archetype_tokens"]) == (30, 9)
        assert "Begin your answer" not in row["prompt"]
        made_by = row["_pg"]
        assert made_by["backend"] == "openai"
        assert made_by["model"] == {"name": "m", "sha256": "", "runs": ""}
        assert made_by["endpoint"] == "localhost"
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in everything(done, tmp_path)


def test_a_refused_key_is_one_line_and_not_even_in_the_traceback(server, items, tmp_path):
    server.answer = lambda *_: server.error(401, f"{KEY} is no good")
    file = tmp_path.parent / f"{tmp_path.name}-key"
    file.write_text(f"{KEY}\n")
    for words in ([], ["-vv"]):
        done = run(
            items,
            server.url,
            "-o",
            tmp_path / "arch.jsonl",
            "--force",
            "--api-key-file",
            file,
            *words,
            key="",
        )
        assert done.returncode == 2
        (line,) = [line for line in done.stderr.split("\n") if ": error: " in line]
        assert line.startswith(f"genair archetype: error: {server.url}: the server refuses the API key")
        assert ("Traceback" in done.stderr) == bool(words)
        assert KEY not in everything(done, tmp_path)


def test_an_item_that_fails_is_set_aside(server, items, tmp_path):
    server.answer = lambda body, _: server.chat("" if "thing 4" in str(body["messages"]) else "Few.")
    out, bad = tmp_path / "arch.jsonl", tmp_path / "bad.jsonl"
    done = run(items, server.url, "-o", out)
    assert done.returncode == 1
    assert f"{items}:5: item '4': the answer is empty" in done.stderr
    done = run(items, server.url, "-o", out, "--force", "--on-error", "skip", "--errors", bad)
    assert done.returncode == 4, done.stderr
    assert len(out.read_text().splitlines()) == 5
    assert json.loads(bad.read_text())["line"] == ITEMS[4]
    assert json.loads(out.read_text().splitlines()[0])["archetype"] == "Few."


def test_work_goes_on_where_the_server_failed(server, items, tmp_path):
    server.answer = lambda body, _: (
        server.error(402, "closed") if "thing 3" in str(body["messages"]) else server.chat("Few.")
    )
    words = ("-o", tmp_path / "arch.jsonl", "--wave", "2", "--resume")
    done = run(items, server.url, *words)
    assert done.returncode == 1
    assert "--resume goes on with them" in done.stderr
    asked = len(server.bodies)
    server.answer = lambda *_: server.chat("Few.")
    assert run(items, server.url, *words).returncode == 0
    assert len(server.bodies) == asked + 4


def test_ctrl_c_waits_for_no_answer(server, items, tmp_path):
    server.answer = lambda *_: server.chat("Few.", after_s=8)
    words = command(items, server.url, "-o", tmp_path / "a.jsonl")[3:]
    process = subprocess.Popen([sys.executable, "-c", IN_FOREGROUND, *words], stderr=subprocess.PIPE)
    with process:
        while not server.bodies:
            time.sleep(0.02)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert time.monotonic() - start < 5
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--embeddings", "emb.h5"], "a server gives text only"),
        (["--base-url", f"https://me:{KEY}@a.org"], "--base-url must have no user"),
        (["--api-key-file", "absent"], "--api-key-file absent: No such file"),
        (["--workers", "0", "--backend", "echo"], "--base-url and --api-key-file are for --backend openai"),
    ],
)
def test_what_cannot_be_is_refused(server, items, tmp_path, words, said):
    done = run(items, server.url, "-o", tmp_path / "arch.jsonl", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert KEY not in done.stderr
    assert server.bodies == []


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory):
    """llama-cpp-python's own server with the embedded model, F16 because of AMX; yields its address."""
    pytest.importorskip("llama_cpp.server.app")
    from genair.llm.llamacpp.gguf import requantize

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    model = tmp_path_factory.mktemp("served") / "f16.gguf"
    requantize(str(find_model(DEFAULT_MODEL).path), str(model), 1)
    words = [
        "--model",
        str(model),
        "--model_alias",
        "m",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--n_ctx",
        "1024",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "llama_cpp.server", *words, "--verbose", "false"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        _wait_for(f"{url}/models", process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url, process):
    until = time.monotonic() + 120
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        try:
            opener.open(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server does not start")


@pytest.fixture
def at_home(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


PROMPTS = [
    ChatPrompt(
        "You describe who likes a thing.",
        f"Who would like {thing}?",
        "The people who would like it are",
        thing,
    )
    for thing in ("a lamp", "a tent", "soap")
]


@pytest.mark.llm
def test_a_real_server_writes_what_is_asked_for(llama_server, at_home):
    llm = BACKENDS.get("openai")(backend_spec("openai", "m", 2, llama_server))
    written = llm.generate(PROMPTS, Decoding(max_tokens=8), [0, 1, 2])
    assert [one.finish_reason for one in written] == ["length"] * 3
    assert [one.token_count for one in written] == [8] * 3
    assert all(one.text and one.prompt_tokens > 10 for one in written)


@pytest.mark.llm
def test_a_real_server_s_sampling_follows_seed_and_settings(llama_server, at_home):
    llm = BACKENDS.get("openai")(backend_spec("openai", "m", 1, llama_server))
    warm = Decoding(max_tokens=8, temperature=1.5, top_p=1, repeat_penalty=1)
    # the server computes a prompt it remembers a little differently from one it does not
    _, (first,), (again,), (other,) = (llm.generate(PROMPTS[:1], warm, [seed]) for seed in (1, 1, 1, 2))
    assert first == again
    assert first.text != other.text
    # one candidate is no choice: top-k is heeded
    narrow = Decoding(max_tokens=8, temperature=1.5, top_k=1, repeat_penalty=1)
    (one,), (two,) = (llm.generate(PROMPTS[:1], narrow, [seed]) for seed in (1, 2))
    assert one.text == two.text


@pytest.mark.llm
def test_a_real_server_s_limit_is_the_item_s_error(llama_server, at_home):
    llm = BACKENDS.get("openai")(backend_spec("openai", "m", 2, llama_server))
    long = ChatPrompt("", "word " * 1500, "", "long")
    failed, fine = llm.generate([long, PROMPTS[0]], Decoding(max_tokens=8), [0, 0])
    assert "item 'long': the prompt exceeds the context of the server's model" in str(failed)
    assert fine.text


HEEDED = {  # a prompt whose beginning the small model keeps to when it is only asked to
    "system": "You are a marketing expert. Given a product, you describe its ideal audience: who these people"
    " are, what they love, how they live and why it suits them. You answer in one or two plain sentences"
    " about people.",
    "user": "Based on the following attributes, identify the types of users this {item_type} would appeal to:"
    "\n{attributes}\nWhich potential users align best with this {item_type}?",
    "prime": "The people who would love this item are",
}


@pytest.mark.llm
def test_the_command_against_a_real_server(llama_server, at_home, items, tmp_path: Path):
    out, prompt = tmp_path / "arch.jsonl", tmp_path / "heeded.toml"
    prompt.write_text("".join(f"{key} = {json.dumps(text)}\n" for key, text in HEEDED.items()))
    words = ("-n", "2", "-o", out, "--max-tokens", "16", "--repeat-penalty", "1.1", "--prompt", prompt)
    done = run(items, llama_server, *words, key="")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["item_id"] for row in rows] == ["0", "1"]
    assert all(row["archetype"].startswith("The people who would love this item are ") for row in rows)
