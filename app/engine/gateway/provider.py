"""Ask a provider from inside a gateway's container, with the gateway's route, DNS, proxy and key.

This server itself never connects to an address that a person entered. The engine's exec runs a
script in the container; the script's output is untrusted text.
"""

import contextlib
import json
import selectors
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import NotFound

from app.core.errors import EngineRefused
from app.core.logs.frames import text_in
from app.core.single_flight import DaemonThreads, SingleFlight
from app.engine.client import EngineClient

T = TypeVar("T")

_SCRIPT = (Path(__file__).parent / "ask_provider.cjs").read_text("utf-8")
# Added to the script's own deadline: node takes long to start on a busy host.
_GRACE_SECONDS = 3.0
_LARGEST_OUTPUT = 16 * 1024
_AT_ONCE = 4


class NotAnswered(Exception):
    """The container gave no answer: `code` is `no_node`, `container_busy` or `no_output`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Provider:
    """Asks providers: one call at a time per gateway, for a few gateways at the same time."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        # Daemon threads, so that the server's shutdown does not wait for a provider.
        self._calls: SingleFlight[Any] = SingleFlight(DaemonThreads("provider", _AT_ONCE))

    def is_asking(self, deployment_id: str) -> bool:
        return self._calls.is_running(deployment_id)

    def begin(self, deployment_id: str, call: Callable[[], T]) -> Future[T]:
        """Run a call in the background, or join the deployment's running call."""
        return self._calls.begin(deployment_id, call)

    def ask(
        self, container_id: str, *, base_url: str, model: str, nonce: str, seconds: float
    ) -> Mapping[str, Any]:
        """Return the object that the script printed. Raises NotAnswered, EngineError."""
        environment = {
            "ASK_BASE_URL": base_url,
            "ASK_MODEL": model,
            "ASK_NONCE": nonce,
            "ASK_SECONDS": f"{seconds:g}",
            # The gateway's own requests use the container's proxy too.
            "NODE_USE_ENV_PROXY": "1",
            "NODE_NO_WARNINGS": "1",
        }
        try:
            with self._client.calls() as client:
                created = client.exec_create(
                    container_id, ["node", "-e", _SCRIPT], stderr=False, environment=environment
                )
                output = _output_of(client, created["Id"], seconds + _GRACE_SECONDS)
                exit_code = client.exec_inspect(created["Id"])["ExitCode"]
        except (NotFound, EngineRefused) as error:
            raise NotAnswered("container_busy") from error
        return _parsed(output, exit_code)


def _output_of(client: docker.APIClient, exec_id: str, seconds: float) -> bytes:
    """Return a command's output until it ends, the deadline passes, or it is too long."""
    # Read the raw socket: docker's own read has no deadline.
    stream: Any = client.exec_start(exec_id, socket=True)
    deadline = time.monotonic() + seconds
    data = b""
    selector = selectors.DefaultSelector()
    try:
        selector.register(stream, selectors.EVENT_READ)
        while len(data) <= _LARGEST_OUTPUT:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                break
            part = stream.read(4096)
            if not part:
                break
            data += part
    finally:
        selector.close()
        with contextlib.suppress(OSError):
            stream._response.close()
            stream.close()
    return text_in(data)


def _parsed(output: bytes, exit_code: int | None) -> Mapping[str, Any]:
    if exit_code in (126, 127):
        raise NotAnswered("no_node")
    try:
        printed = json.loads(output)
    except (ValueError, RecursionError):
        raise NotAnswered("no_output") from None
    if not isinstance(printed, dict):
        raise NotAnswered("no_output")
    return printed
