"""A real server on the loopback that answers chat requests as a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Reply:
    """What goes back; status 0 hangs up without a word."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0


class ChatServer:
    """Answers each request by `answer(body, number of the request)`, and remembers them."""

    def __init__(self) -> None:
        self.answer: Callable[[dict, int], Reply] = lambda *_: self.chat("People who read.")
        self.bodies: list[dict] = []
        self.headers: list[Mapping[str, str]] = []
        self.models = Reply(404, {"error": {"message": "no list here"}})
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def take(self, body, headers):
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            number = len(self.bodies)
        reply = self.answer(body, number)
        time.sleep(reply.after_s)
        with self._lock:
            self.at_once -= 1
        return reply

    @staticmethod
    def chat(text, finish="stop", usage=(7, 5), after_s=0.0, **message):
        """Return a chat completion that says `text`."""
        body = {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "message": {"role": "assistant", "content": text, **message},
                }
            ],
        }
        if usage:
            body["usage"] = dict(
                zip(("prompt_tokens", "completion_tokens", "total_tokens"), (*usage, sum(usage)), strict=True)
            )
        return Reply(200, body, after_s=after_s)

    @staticmethod
    def error(status, message, headers=None, **more):
        """Return an error as OpenAI words it."""
        return Reply(status, {"error": {"message": message, "type": "x", **more}}, headers or {})

    @staticmethod
    def hang_up():
        """Return no answer at all."""
        return Reply(0)

    def users(self) -> list[str]:
        """Return the user's message of each request."""
        return [body["messages"][-1]["content"] for body in self.bodies]


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._send(server.models)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._send(server.take(body, self.headers))

        def _send(self, reply):
            if reply.status == 0:
                self.close_connection = True
                return
            raw = isinstance(reply.body, str)
            data = (reply.body if raw else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            self.send_header("content-type", "text/html" if raw else "application/json")
            self.send_header("content-length", str(len(data)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words):
            pass

    return Handler


@pytest.fixture
def server(monkeypatch) -> Iterator[ChatServer]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = ChatServer()
    yield running
    running.close()
