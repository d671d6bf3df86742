"""Downloading: only when asked for, from a hub on the loopback."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from genair.llm.models import find_model

GGUF = b"GGUF\x03\x00\x00\x00 and the rest"
CONFIG = {
    "model_type": "llama",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "vocab_size": 32,
}
CARD = "---\nlanguage:\n- en\nlicense: apache-2.0\ntags: [x]\n---\nlicense: none\n"


FILES = {"tiny-Q8.gguf": GGUF + b"8", "sub/tiny-Q4.gguf": GGUF + b"4", "README.md": b"read me"}
COMMIT = "c0ffee" * 6 + "c0ff"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty hub cache, and nothing else that could be listed."""
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("GENAIR_MODELS", raising=False)
    return tmp_path / "hub"


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as its library asks of one repository."""

    def do_HEAD(self):
        self._file(send=False)

    def do_GET(self):
        if self.path.split("?")[0].startswith("/api/models/org/tiny"):
            siblings = [{"rfilename": name} for name in FILES]
            body = {"id": "org/tiny", "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            tree = [
                {"type": "file", "path": name, "size": len(FILES[name]), "oid": "0" * 40} for name in FILES
            ]
            self._send(json.dumps(tree if "/tree/" in self.path else body).encode(), {})
            return
        self._file(send=True)

    def _file(self, *, send: bool):
        content = FILES.get(self.path.split("?")[0].removeprefix("/org/tiny/resolve/main/"))
        content = content or FILES.get(self.path.split("?")[0].removeprefix(f"/org/tiny/resolve/{COMMIT}/"))
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("X-Error-Message", "Repository not found")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        tag = hashlib.sha256(content).hexdigest()
        self._send(content, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}, send=send)

    def _send(self, content: bytes, headers: dict[str, str], *, send: bool = True):
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if send:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(endpoint: str, name: str) -> subprocess.CompletedProcess[str]:
    """Find a model in a process of its own: the Hub's library reads its settings when it is imported."""
    code = f"""
from genair.errors import GenairError
from genair.llm.models import find_model
try:
    found = find_model({name!r}, download=True)
    print(found.name, found.path, sep="\\n")
except GenairError as error:
    print(type(error).__name__, error, sep="\\n")
"""
    variables = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    )


needs_hub = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="needs genair[hub]"
)


@needs_hub
def test_the_named_file_is_downloaded_and_found_again_without_the_hub(endpoint, cache):
    name, path = fetch(endpoint, "org/tiny/sub/tiny-Q4.gguf").stdout.split("\n")[:2]
    assert name == "org/tiny/sub/tiny-Q4.gguf"
    assert Path(path).read_bytes() == FILES["sub/tiny-Q4.gguf"]
    assert Path(path).is_relative_to(cache)
    assert str(find_model("org/tiny/sub/tiny-Q4.gguf").path) == path


@needs_hub
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("org/tiny", "UsageError\norg/tiny has several GGUF files"),
        ("org/tiny/absent.gguf", "UsageError\norg/tiny has no GGUF file absent.gguf"),
        ("org/absent", "GenairError\ncannot download org/absent ("),
    ],
)
def test_what_the_hub_has_not_is_an_error_of_one_line(endpoint, name, expected):
    out = fetch(endpoint, name).stdout
    assert out.startswith(expected)
    assert out.count("\n") == 2


@needs_hub
def test_a_hub_that_may_not_be_asked_is_an_error_of_one_line(endpoint, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out = fetch(endpoint, "org/tiny").stdout
    assert out.startswith("GenairError\ncannot download org/tiny (")
    assert "offline" in out
    assert out.count("\n") == 2
