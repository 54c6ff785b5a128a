"""The readiness checks that connect to a gateway: its port, its health, its WebSocket, its token.

The checks connect only to this host's own published port, never to an address from a request. A
gateway may answer anything, or one byte a minute. So every check has a deadline, and no check
trusts that an answer has the expected shape.
"""

import re
import socket
import time
from collections.abc import Callable

from app.core.deployment import Deployment
from app.core.snapshot import Container
from app.core.status.readiness import CheckState, ReadinessCheck, failed
from app.engine.gateway.check_result import CheckFailed, result_of
from app.engine.gateway.handshake import handshake_checks

CHECK_SECONDS = 5.0
_LONGEST_HEAD = 64 * 1024
_STARTING = "The gateway may still be starting: see its log."


def run_checks(
    deployment: Deployment,
    gateway: Container,
    seconds: float = CHECK_SECONDS,
    *,
    up_to: str = "token",
) -> list[ReadinessCheck]:
    """Check a gateway at the address where the engine publishes its port."""
    assert deployment.port is not None, "called only if the port is known"
    address = gateway.address_of(deployment.port)
    if address is None:
        others = ", ".join(sorted({str(each.port) for each in gateway.ports}))
        return [
            failed(
                "port",
                f"The gateway is published on port {others}, but .env has {deployment.port}.",
                "Let docker-compose.yml publish ${PORT}, then launch again.",
                hopeless=True,
            )
        ]
    return run_checks_at(address, deployment.port, deployment.token, seconds, up_to=up_to)


def run_checks_at(
    address: str, port: int, token: str, seconds: float = CHECK_SECONDS, *, up_to: str = "token"
) -> list[ReadinessCheck]:
    """Return the results up to `up_to` or the first failure; `seconds` limits each check."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("port", lambda: _port_answers(address, port, seconds)),
        ("healthz", lambda: _http_answers(address, port, "/healthz", seconds)),
        ("readyz", lambda: _http_answers(address, port, "/readyz", seconds)),
    ]
    results: list[ReadinessCheck] = []
    for name, check in checks:
        results.append(result_of(name, check))
        if results[-1].state is CheckState.FAILED or name == up_to:
            return results
    return results + handshake_checks(address, port, token, seconds)


def _port_answers(address: str, port: int, seconds: float) -> str:
    try:
        socket.create_connection((address, port), seconds).close()
    except OSError as error:
        raise CheckFailed(
            f"Nothing answers at port {port} ({error.strerror or 'no answer in time'}).", _STARTING
        ) from None
    return f"port {port}"


def _http_answers(address: str, port: int, path: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    request = f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((address, port), seconds) as connection:
            connection.sendall(request.encode())
            head = _head(connection, deadline)
    except TimeoutError:
        raise CheckFailed(
            f"{path} gave no answer within {seconds:g} s: the gateway accepts connections and"
            " does not answer.",
            "The gateway's log may say why; stop and launch the gateway again.",
        ) from None
    except OSError:
        head = b""
    status = re.match(rb"HTTP/1\.\d (\d{3})\b", head)
    if status is None:
        # Docker's own proxy accepts connections even if the container does not listen yet.
        raise CheckFailed(
            f"{path} was cut off without an answer: nothing listens in the container yet.",
            _STARTING,
        )
    if status[1] != b"200":
        raise CheckFailed(
            f"{path} answered {status[1].decode()}: the gateway says that it is not ready.",
            "The gateway's log says what the gateway waits for.",
        )
    return "200"


def _head(connection: socket.socket, deadline: float) -> bytes:
    """Return an answer's status line and headers; empty if they are cut off or too long.

    The deadline is for the whole head: a socket's own timeout starts again with every byte.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        received = connection.recv(4096)
        if not received or len(head) > _LONGEST_HEAD:
            return b""
        head += received
    return head
