"""A WebSocket connection to a gateway as an operator's device: calls methods, and gets events.

The connection goes only to this host's own published port. Measured on OpenClaw 2026.9.6: a
Control UI that connects with the token, from a private address, under a loopback name is paired
at once. The name is a header, so this also works for a gateway published on another address. With
the gateway's token, unlike a device's own token, one device can manage other devices. The gateway
grants the requested scopes, so each connection requests as few scopes as it needs.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from app.core.access.device import Client, DeviceIdentity
from app.engine.answers import Row, inside, object_in, text

STEP_SECONDS = 5.0
_PROTOCOL = 4
_LARGEST_FRAME = 2 * 1024 * 1024
# This name distinguishes Deploy Agent from a browser on this host in a gateway's log.
_NAME = "Deploy Agent"
_PAGE = Client("openclaw-control-ui", "webchat")
_PROGRAM = Client("gateway-client", "backend")

OnEvent = Callable[[str], None]


class GatewayGone(Exception):
    """The gateway did not answer, or the connection ended. The message says why."""


class Refused(Exception):
    """The gateway refused: its code, its message, and the id of the request to approve."""

    def __init__(self, error: Row) -> None:
        details = inside(error, "details")
        self.code = str(details.get("code") or error.get("code") or "no reason")[:100]
        self.words = str(error.get("message") or "")[:300]
        self.request_id = text(details, "requestId")
        super().__init__(f"{self.code}: {self.words}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gateway listens, and its token."""

    address: str
    port: int
    token: str = field(repr=False)


class Operator:
    """An open connection, made by `connected`. `close` ends the connection in any state."""

    def __init__(self, socket: ClientConnection, scopes: Sequence[str], on_event: OnEvent) -> None:
        self.scopes = frozenset(scopes)
        self._socket = socket
        self._on_event = on_event
        self._answers: dict[str, asyncio.Future[Row]] = {}
        self._reading = asyncio.create_task(self._read())

    @property
    def is_open(self) -> bool:
        return not self._reading.done()

    async def call(self, method: str, parameters: object, seconds: float = STEP_SECONDS) -> Any:
        """Return the payload of a method's answer. Raises Refused, GatewayGone."""
        identifier = str(uuid4())
        answer: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self._answers[identifier] = answer
        try:
            if not self.is_open:
                raise GatewayGone("it closed the connection")
            frame = {"type": "req", "id": identifier, "method": method, "params": parameters}
            async with asyncio.timeout(seconds):
                await self._socket.send(json.dumps(frame))
                given = await answer
        except TimeoutError:
            raise GatewayGone(f"it did not answer within {seconds:g} s") from None
        except (OSError, WebSocketException):
            raise GatewayGone("it closed the connection") from None
        finally:
            del self._answers[identifier]
        if not given.get("ok"):
            raise Refused(inside(given, "error"))
        return given.get("payload")

    async def close(self) -> None:
        with suppress(OSError, WebSocketException):
            await self._socket.close()
        with suppress(asyncio.CancelledError):
            self._reading.cancel()
            await self._reading

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._take(object_in(message))
        except (OSError, WebSocketException):
            pass
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(GatewayGone("it closed the connection"))
            self._on_event("closed")

    def _take(self, frame: Row) -> None:
        if frame.get("type") == "event":
            self._on_event(str(frame.get("event")))
        answer = self._answers.get(str(frame.get("id")))
        if frame.get("type") == "res" and answer and not answer.done():
            answer.set_result(frame)


async def connected(
    endpoint: Endpoint,
    identity: DeviceIdentity,
    scopes: Sequence[str],
    on_event: OnEvent = lambda _name: None,
    *,
    as_page: bool = True,
) -> Operator:
    """Return a connection that the gateway accepted. Raises Refused, GatewayGone.

    With `as_page`, connect as this host's page, which needs no approval if the gateway allows
    that origin. Without, connect as a program, which has to be approved once.
    """
    socket = await _open_socket(endpoint, as_page)
    try:
        challenge = await _challenge(socket)
        operator = Operator(socket, scopes, on_event)
    except BaseException:
        await socket.close()
        raise
    try:
        client = _PAGE if as_page else _PROGRAM
        await operator.call(
            "connect", _connect_parameters(client, endpoint, identity, scopes, challenge)
        )
    except BaseException:
        await operator.close()
        raise
    return operator


async def _open_socket(endpoint: Endpoint, as_page: bool) -> ClientConnection:
    name = f"127.0.0.1:{endpoint.port}"
    try:
        return await connect(
            f"ws://{name}/",
            host=endpoint.address,
            port=endpoint.port,
            origin=f"http://{name}" if as_page else None,  # type: ignore[arg-type]
            user_agent_header=_NAME,
            proxy=None,
            compression=None,
            open_timeout=STEP_SECONDS,
            close_timeout=1,
            max_size=_LARGEST_FRAME,
        )
    except TimeoutError:
        raise GatewayGone(f"it did not answer within {STEP_SECONDS:g} s") from None
    except (OSError, WebSocketException):
        raise GatewayGone("nothing answers at its port") from None


async def _challenge(socket: ClientConnection) -> dict[str, Any]:
    try:
        async with asyncio.timeout(STEP_SECONDS):
            frame = object_in(await socket.recv())
    except (OSError, WebSocketException, TimeoutError):
        raise GatewayGone("it did not greet") from None
    payload = frame.get("payload")
    if frame.get("event") != "connect.challenge" or not isinstance(payload, dict):
        raise GatewayGone("it does not greet as an OpenClaw gateway does")
    return payload


def _connect_parameters(
    client: Client,
    endpoint: Endpoint,
    identity: DeviceIdentity,
    scopes: Sequence[str],
    challenge: dict[str, Any],
) -> dict[str, object]:
    nonce, time = str(challenge.get("nonce")), challenge.get("ts")
    signed_at = time if isinstance(time, int) else 0
    return {
        "minProtocol": _PROTOCOL,
        "maxProtocol": _PROTOCOL,
        "client": {
            "id": client.id,
            "mode": client.mode,
            "platform": client.platform,
            "version": "1.0.0",
            "displayName": _NAME,
            # A gateway tells pages of another build to reload; Deploy Agent is no page.
            "buildId": "dev",
        },
        "role": "operator",
        "scopes": list(scopes),
        "auth": {"token": endpoint.token},
        "device": identity.proof(client, scopes, endpoint.token, nonce, signed_at),
    }
