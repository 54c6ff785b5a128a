"""Asking the provider from inside a gateway's container: its route, DNS, proxy and key.

This server itself connects to nothing that a person has named. The container is asked
through the engine's exec; what it prints is taken for anybody's text.
"""

import contextlib
import json
import selectors
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, TypeVar

import docker
from docker.errors import NotFound

from app.core.errors import EngineRefused
from app.core.logs.frames import text_in
from app.engine.client import EngineClient

T = TypeVar("T")

_SCRIPT = (Path(__file__).parent / "ask_provider.cjs").read_text("utf-8")
# Above the script's own deadline, with time for node to start on a busy host.
_GRACE_SECONDS = 3.0
_LARGEST_OUTPUT = 16 * 1024
_AT_ONCE = 4


class NotAnswered(Exception):
    """The container could not be used; `code` is `no_node`, `container_busy` or `no_output`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Provider:
    """One question at a time per gateway, few at once in all; nobody else waits on one."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._places = BoundedSemaphore(_AT_ONCE)
        self._asking: dict[str, Future[Any]] = {}
        self._lock = Lock()

    def is_asking(self, deployment_id: str) -> bool:
        with self._lock:
            return deployment_id in self._asking

    def begin(self, deployment_id: str, work: Callable[[], T]) -> Future[T]:
        """Do the work beside; where a question of this deployment is under way, join that one."""
        with self._lock:
            if running := self._asking.get(deployment_id):
                return running
            future: Future[T] = Future()
            self._asking[deployment_id] = future
        # A daemon: the server's end does not wait for a provider.
        arguments = (deployment_id, future, work)
        Thread(target=self._do, args=arguments, name="provider", daemon=True).start()
        return future

    def _do(self, deployment_id: str, future: Future[T], work: Callable[[], T]) -> None:
        try:
            with self._places:
                result = work()
        except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
            self._forget(deployment_id)
            future.set_exception(error)
        else:
            self._forget(deployment_id)
            future.set_result(result)

    def _forget(self, deployment_id: str) -> None:
        with self._lock:
            del self._asking[deployment_id]

    def ask(
        self, container_id: str, *, base_url: str, model: str, nonce: str, seconds: float
    ) -> Mapping[str, Any]:
        """Return what the container printed. Raises NotAnswered, EngineError."""
        environment = {
            "ASK_BASE_URL": base_url,
            "ASK_MODEL": model,
            "ASK_NONCE": nonce,
            "ASK_SECONDS": f"{seconds:g}",
            # As the gateway's own requests do, where the container has a proxy.
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
    """Return what a command writes until it ends, the deadline passes, or it is too much."""
    # The connection itself: docker's own reading of it has no deadline.
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
        heard = json.loads(output)
    except (ValueError, RecursionError):
        raise NotAnswered("no_output") from None
    if not isinstance(heard, dict):
        raise NotAnswered("no_output")
    return heard
