"""The last two readiness checks: the gateway greets on its WebSocket, and accepts the token."""

import json
import time
from typing import Any
from uuid import uuid4

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from app.core.status.readiness import LOCKED_OUT, TOKEN_MISMATCH, ReadinessCheck, failed, passed
from app.core.text import plain
from app.engine.answers import Row, inside, object_in
from app.engine.gateway.check_result import CheckFailed, result_of

# OpenClaw 2026.9 has protocol 4. A gateway refuses a range without its own protocol.
_PROTOCOL = 4
_CHECK_IMAGE = "Check that OPENCLAW_IMAGE in .env is an OpenClaw gateway of 2026.9 or newer."


def handshake_checks(address: str, port: int, token: str, seconds: float) -> list[ReadinessCheck]:
    """Return the result of `websocket` and, if `websocket` passed, of `token`."""
    begun = time.monotonic()
    try:
        with connect(
            f"ws://{address}:{port}",
            open_timeout=seconds,
            close_timeout=1,
            proxy=None,
            # Compression and pings cost too much for two frames.
            compression=None,
            ping_interval=None,
        ) as gateway:
            challenge = _frame(gateway, seconds)
            if challenge.get("event") != "connect.challenge":
                detail = "The greeting is not that of an OpenClaw gateway."
                return [failed("websocket", detail, _CHECK_IMAGE)]
            greeting = passed("websocket", "", round((time.monotonic() - begun) * 1000))
            return [greeting, result_of("token", lambda: _accepts(gateway, token, seconds))]
    except (OSError, WebSocketException, TimeoutError):
        detail = f"No greeting within {seconds:g} s."
        return [failed("websocket", detail, "The gateway's log says why.")]


def _accepts(gateway: ClientConnection, token: str, seconds: float) -> str:
    """Return the gateway's version. Raises CheckFailed if it does not accept the token."""
    if not token:
        raise CheckFailed(
            "There is no token in .env.",
            "Set OPENCLAW_GATEWAY_TOKEN, launch again. The command makes a token.",
            hopeless=True,
        )
    identifier = str(uuid4())
    try:
        gateway.send(json.dumps(connect_request(identifier, token)))
        answer = _answer_to(gateway, identifier, seconds)
    except (OSError, WebSocketException, TimeoutError):
        raise CheckFailed(
            f"No answer to the token within {seconds:g} s.",
            "The gateway's log may say why; restart the gateway.",
        ) from None
    if answer.get("ok"):
        server = inside(inside(answer, "payload"), "server")
        return f"OpenClaw {_short(server.get('version', ''))}".strip()
    raise _refusal(inside(answer, "error"))


def _refusal(error: Row) -> CheckFailed:
    code = _short(inside(error, "details").get("code") or error.get("code") or "no reason")
    if code == TOKEN_MISMATCH:
        return CheckFailed(
            f"The gateway refuses the token of .env ({TOKEN_MISMATCH}).",
            "Check the token: the check shows where another token is stored, and can replace it.",
            hopeless=True,
            code=code,
        )
    if code == LOCKED_OUT:
        return CheckFailed(
            "The gateway has locked this host out after too many wrong tokens.",
            "The gateway accepts the right token again after five minutes, or after a restart.",
            hopeless=True,
            code=code,
        )
    detail = f"The gateway refuses the connection ({code})."
    return CheckFailed(detail, _CHECK_IMAGE, hopeless=True, code=code)


def _answer_to(gateway: ClientConnection, identifier: str, seconds: float) -> Row:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        frame = _frame(gateway, left)
        if frame.get("id") == identifier:
            return frame
    raise TimeoutError


def _frame(gateway: ClientConnection, seconds: float) -> Row:
    return object_in(gateway.recv(timeout=seconds))


def _short(value: object) -> str:
    return plain(str(value))[:60]


def connect_request(identifier: str, token: str) -> dict[str, Any]:
    """Return the frame with which a client without a device connects."""
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
