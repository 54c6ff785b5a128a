"""The gateway's own word: its port, its health, its WebSocket, its answer to the token.

Connects to this host's own published port only, never to an address that came
from a request. A gateway may answer anything, or a byte a minute: every step ends
by the clock, and no answer is taken to have the shape that it should have.
"""

import json
import re
import socket
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from app.core.deployment import Deployment
from app.core.snapshot import Container
from app.core.status.readiness import (
    LOCKED_OUT,
    TOKEN_MISMATCH,
    CheckState,
    ReadinessCheck,
    failed,
    passed,
)
from app.core.text import plain

STEP_SECONDS = 5.0
# Protocol 4 is OpenClaw 2026.9's; the gateway refuses a range without its own.
_PROTOCOL = 4
_LONGEST_HEAD = 64 * 1024
_IMAGE = "Check that OPENCLAW_IMAGE in .env is an OpenClaw gateway of 2026.9 or newer."


class _Broken(Exception):
    """A rung does not hold."""

    def __init__(
        self, detail: str, next_step: str = "", hopeless: bool = False, code: str = ""
    ) -> None:
        super().__init__(detail)
        self.detail, self.next_step = detail, next_step
        self.hopeless, self.code = hopeless, code


def run_checks(
    deployment: Deployment,
    gateway: Container,
    seconds: float = STEP_SECONDS,
    *,
    up_to: str = "token",
) -> list[ReadinessCheck]:
    """Readiness at the address where the engine publishes this gateway's port."""
    assert deployment.port is not None, "asked only where the port is known"
    address = gateway.address_of(deployment.port)
    if address is None:
        others = ", ".join(sorted({str(each.port) for each in gateway.ports}))
        return [
            failed(
                "port",
                f"It is published on port {others}, and .env says {deployment.port}.",
                "Let docker-compose.yml publish ${PORT}, then launch again.",
                hopeless=True,
            )
        ]
    return climb(address, deployment.port, deployment.token, seconds, up_to=up_to)


def climb(
    address: str, port: int, token: str, seconds: float = STEP_SECONDS, *, up_to: str = "token"
) -> list[ReadinessCheck]:
    """Return the rungs from the port to the token, up to and with the first broken one.

    Each has that many seconds; `up_to` ends the climb earlier.
    """
    steps: list[tuple[str, Callable[[], str]]] = [
        ("port", lambda: _port_answers(address, port, seconds)),
        ("healthz", lambda: _says(address, port, "/healthz", seconds)),
        ("readyz", lambda: _says(address, port, "/readyz", seconds)),
    ]
    rungs: list[ReadinessCheck] = []
    for name, step in steps:
        rungs.append(_tried(name, step))
        if rungs[-1].state is CheckState.FAILED or name == up_to:
            return rungs
    return rungs + _greeted(address, port, token, seconds)


def _tried(name: str, step: Callable[[], str]) -> ReadinessCheck:
    begun = time.monotonic()
    try:
        detail = step()
    except _Broken as broken:
        return failed(name, broken.detail, broken.next_step, broken.hopeless, broken.code)
    return passed(name, detail, round((time.monotonic() - begun) * 1000))


def _port_answers(address: str, port: int, seconds: float) -> str:
    try:
        socket.create_connection((address, port), seconds).close()
    except OSError as error:
        raise _Broken(
            f"Nothing answers at port {port} ({error.strerror or 'no answer in time'}).",
            "The gateway may still be starting; its log tells.",
        ) from None
    return f"port {port}"


def _says(address: str, port: int, path: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    request = f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((address, port), seconds) as connection:
            connection.sendall(request.encode())
            head = _head(connection, deadline)
    except TimeoutError:
        raise _Broken(
            f"{path} gave no answer within {seconds:g} s: the gateway accepts and says nothing.",
            "Its log may tell why; stop and launch it again.",
        ) from None
    except OSError:
        head = b""
    status = re.match(rb"HTTP/1\.\d (\d{3})\b", head)
    if status is None:
        # Docker's own proxy accepts for a container that does not listen yet.
        raise _Broken(
            f"{path} was cut off without an answer: nothing listens in the container yet.",
            "The gateway may still be starting; its log tells.",
        )
    if status[1] != b"200":
        raise _Broken(
            f"{path} answered {status[1].decode()}: the gateway says that it is not ready.",
            "Its log tells what it waits for.",
        )
    return "200"


def _head(connection: socket.socket, deadline: float) -> bytes:
    """Return what comes before an answer's body, by the clock: a socket's own time starts anew
    with every byte that drips in. Empty where it is cut off or has no end."""
    head = b""
    while b"\r\n\r\n" not in head:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        came = connection.recv(4096)
        if not came or len(head) > _LONGEST_HEAD:
            return b""
        head += came
    return head


def _greeted(address: str, port: int, token: str, seconds: float) -> list[ReadinessCheck]:
    begun = time.monotonic()
    try:
        with connect(
            f"ws://{address}:{port}",
            open_timeout=seconds,
            close_timeout=1,
            proxy=None,
            # For two frames neither is worth its cost.
            compression=None,
            ping_interval=None,
        ) as gateway:
            challenge = _frame(gateway, seconds)
            if challenge.get("event") != "connect.challenge":
                return [
                    failed("websocket", "It greets otherwise than an OpenClaw gateway.", _IMAGE)
                ]
            greeting = passed("websocket", "", round((time.monotonic() - begun) * 1000))
            return [greeting, _tried("token", lambda: _accepted(gateway, token, seconds))]
    except (OSError, WebSocketException, TimeoutError):
        return [
            failed(
                "websocket", f"No greeting within {seconds:g} s.", "The gateway's log tells why."
            )
        ]


def _frame(gateway: ClientConnection, seconds: float) -> dict[str, Any]:
    try:
        return _object(json.loads(gateway.recv(timeout=seconds)))
    except (ValueError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _accepted(gateway: ClientConnection, token: str, seconds: float) -> str:
    if not token:
        raise _Broken(
            "There is no token in .env.",
            "Set OPENCLAW_GATEWAY_TOKEN, launch again. The line makes one.",
            True,
        )
    identifier = str(uuid4())
    try:
        gateway.send(json.dumps(connect_request(identifier, token)))
        answer = _answer_to(gateway, identifier, seconds)
    except (OSError, WebSocketException, TimeoutError):
        raise _Broken(
            f"No answer to the token within {seconds:g} s.",
            "Its log may tell why; restart it.",
        ) from None
    if answer.get("ok"):
        server = _object(_object(answer.get("payload")).get("server"))
        return f"OpenClaw {_short(server.get('version', ''))}".strip()
    error = _object(answer.get("error"))
    code = _short(_object(error.get("details")).get("code") or error.get("code") or "no reason")
    if code == TOKEN_MISMATCH:
        raise _Broken(
            f"The gateway refuses the token of .env ({TOKEN_MISMATCH}).",
            "Check the token: that tells which place has another one, and can make them equal.",
            hopeless=True,
            code=code,
        )
    if code == LOCKED_OUT:
        raise _Broken(
            "The gateway has locked this host out after too many wrong tokens.",
            "It lets the right token in again after five minutes, or after a restart.",
            hopeless=True,
            code=code,
        )
    raise _Broken(f"The gateway refuses the connection ({code}).", _IMAGE, True, code)


def _short(value: object) -> str:
    return plain(str(value))[:60]


def _answer_to(gateway: ClientConnection, identifier: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        frame = _frame(gateway, left)
        if frame.get("id") == identifier:
            return frame
    raise TimeoutError


def connect_request(identifier: str, token: str) -> dict[str, Any]:
    """Return the frame with which a client without a device asks to be let in."""
    return {
        "type": "req",
        "id": identifier,
        "method": "connect",
        "params": {
            "minProtocol": _PROTOCOL,
            "maxProtocol": _PROTOCOL,
            "client": {
                "id": "gateway-client",
                "version": "1.0.0",
                "platform": "linux",
                "mode": "backend",
            },
            "role": "operator",
            "scopes": [],
            "auth": {"token": token},
        },
    }
