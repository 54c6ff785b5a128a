"""A stand-in for OpenRouter's API, which answers like OpenRouter but runs no model.

Gateways reach the stand-in at this host's address on Docker's bridge. To run the stand-in by hand
until Ctrl-C: `python -m demo.provider [--port 8090] [--fault 402] [--key KEY]`
"""

import argparse
import json
import ssl
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psutil

# Looks like a real key, and is easy to find in any output.
API_KEY = "sk-or-v1-c0ffee00000000000000000000000000000000000000000000000000beef"
REPLY = "Hello from the stand-in provider."
MODELS = ("openrouter/auto", "standin/parrot")
PATH = "/api/v1"

# OpenRouter's messages, by status.
_WORDS = {
    400: "Provider returned error",
    401: "User not found.",
    402: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
    403: "Key limit exceeded (total limit).",
    404: "No endpoints found matching your data policy (Free model publication).",
    429: "Rate limit exceeded: free-models-per-day.",
    500: "Internal Server Error",
    502: "Provider returned an invalid response",
    503: "There is no available model provider that meets your routing requirements",
}


def bridge_address() -> str:
    """Return this host's address on Docker's default bridge, which every container can reach."""
    return next(each.address for each in psutil.net_if_addrs()["docker0"] if "." in each.address)


@dataclass(frozen=True)
class Asked:
    """A received request."""

    path: str
    authorization: str
    model: str = ""
    stream: bool = False
    body: dict[str, Any] = field(default_factory=dict)


class Provider:
    """The server, in threads of this process. `fault` may be changed at any time:

    a status (`402`); `hang`; `hang-body`, after an answer's first bytes; `cut`; `html`;
    `redirect`; `echo-key`, a refusal that quotes the key; `late-error`, an error in an answer
    of status 200.
    """

    def __init__(
        self,
        *,
        address: str | None = None,
        port: int = 0,
        fault: str = "",
        key: str = API_KEY,
        models: Collection[str] = MODELS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.fault, self.key, self.models = fault, key, models
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        provider = self

        class Handler(_Handler):
            def setup(self) -> None:
                self.provider = provider
                super().setup()

        self._server = _Server((address or bridge_address(), port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.address, self.port = str(self._server.server_address[0]), self._server.server_port
        self.base_url = f"{'https' if tls else 'http'}://{self.address}:{self.port}{PATH}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> "Provider":
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def chats(self) -> list[Asked]:
        return [each for each in self.asked if each.path == f"{PATH}/chat/completions"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect and failed handshakes: tests cause them on purpose."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._note({})
        if self.path == f"{PATH}/models":
            return self._json(
                200, {"data": [{"id": name, "name": name} for name in self.provider.models]}
            )
        if self.path == f"{PATH}/key":
            return self._error(401) if not self._has_key() else self._json(200, {"data": {}})
        return self._send(404, "text/html", b"<h1>Not Found</h1>")

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(data or b"{}")
        self._note(body)
        if self.path != f"{PATH}/chat/completions":
            return self._send(404, "text/html", b"<h1>Not Found</h1>")
        fault = self.provider.fault
        if fault.isdecimal():
            return self._error(int(fault))
        if fault:
            return self._misbehave(fault)
        if not self._has_key():
            return self._error(401)
        if body.get("model") not in self.provider.models:
            return self._error(400, f"{body.get('model')} is not a valid model ID")
        return self._stream(body) if body.get("stream") else self._complete(body)

    def _note(self, body: dict[str, Any]) -> None:
        given = self.headers.get("Authorization", "")
        model, stream = str(body.get("model", "")), bool(body.get("stream"))
        self.provider.asked.append(Asked(self.path, given, model, stream, body))

    def _has_key(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.provider.key}"

    def _misbehave(self, fault: str) -> None:
        self.close_connection = True
        if fault == "hang":
            self.provider.ended.wait(60)
        elif fault == "hang-body":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n ")
            self.provider.ended.wait(60)
        elif fault == "html":
            self._send(200, "text/html", b"<h1>Welcome to the guest network</h1>")
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", "https://elsewhere.invalid/api/v1")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "echo-key":
            self._error(401, f"No user for {self.headers.get('Authorization')}")
        elif fault == "late-error":
            self._json(200, {"error": {"code": 502, "message": _WORDS[502]}, "choices": []})
        elif fault != "cut":
            raise ValueError(fault)

    def _complete(self, body: dict[str, Any]) -> None:
        message = {"role": "assistant", "content": REPLY}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._json(200, {**_frame(body, "chat.completion"), "choices": [choice], "usage": _USAGE})

    def _stream(self, body: dict[str, Any]) -> None:
        """Send the reply word by word, as server-sent events."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.end_headers()
        frame = _frame(body, "chat.completion.chunk")
        self.wfile.write(b": OPENROUTER PROCESSING\n\n")
        for word in REPLY.split(" "):
            delta = {
                "role": "assistant",
                "content": word if word == REPLY.split(" ")[0] else f" {word}",
            }
            self._event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            time.sleep(0.02)
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        self._event({**frame, "choices": [last], "usage": _USAGE})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, value: object) -> None:
        self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())
        self.wfile.flush()

    def _error(self, status: int, message: str = "") -> None:
        error = {"code": status, "message": message or _WORDS.get(status, f"Error {status}")}
        self._json(status, {"error": error, "user_id": "user_standin"})

    def _json(self, status: int, value: object) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, content_type: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(data)


_USAGE = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10, "cost": 0}


def _frame(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": "gen-standin",
        "object": kind,
        "created": int(time.time()),
        "model": body.get("model"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", help="default: this host's address on Docker's bridge")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--fault", default="")
    parser.add_argument("--key", default=API_KEY)
    given = parser.parse_args()
    with Provider(
        address=given.address, port=given.port, fault=given.fault, key=given.key
    ) as provider:
        lines = (f"OPENROUTER_BASE_URL={provider.base_url}", f"OPENROUTER_API_KEY={provider.key}")
        sys.stdout.write("\n".join((*lines, "")))
        sys.stdout.flush()
        try:
            provider.ended.wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
