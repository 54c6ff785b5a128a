"""The connection to Docker Engine: the engine's address, found once, and a client for reads."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound, create_api_error_from_http_exception

from app.core.deadline import bounded_timeout
from app.core.errors import (
    EngineDenied,
    EngineError,
    EngineRefused,
    EngineSilent,
    EngineUnreachable,
    RemoteEngine,
)
from app.engine import latency

Parameters = dict[str, int | str | None]

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
# This process or host has too many open files, which is no fault of the engine.
_SHORTAGES = (errno.EMFILE, errno.ENFILE)
# The variables that Compose and its connection need. No other variable of the server is passed
# on, because it would override the variable of the same name in `.env`.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def engine_address() -> str:
    """Return the engine's address: DOCKER_HOST, else the current Docker context.

    Raises RemoteEngine: bind mounts name folders of this machine.
    """
    address = os.environ.get("DOCKER_HOST") or _context_address() or DEFAULT_ADDRESS
    if not address.startswith("unix://"):
        raise RemoteEngine(
            f"Docker Engine at {address.partition('://')[0]}://… is not this machine's own."
            " Gateways mount folders of this machine, so use a local engine:"
            f" unset DOCKER_HOST, or set it to {DEFAULT_ADDRESS}."
        )
    return address


def _context_address() -> str | None:
    try:
        context = ContextAPI.get_current_context()
    except Exception:  # noqa: BLE001 - a damaged Docker configuration: use the default address
        return None
    return context.endpoints.get("docker", {}).get("Host") if context else None


def docker_environment(project: Path, address: str) -> dict[str, str]:
    """Return the environment of `docker compose`: only the variables that Compose needs."""
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    environment["DOCKER_HOST"] = address
    # Set here because a `.env` with another value would forbid the --remove-orphans of our calls.
    environment["COMPOSE_IGNORE_ORPHANS"] = "false"
    own_config = project / ".docker"
    if "DOCKER_CONFIG" not in environment and (own_config / "config.json").is_file():
        environment["DOCKER_CONFIG"] = str(own_config)
    return environment


class _BoundedClient(docker.APIClient):
    """Docker's client whose calls end by the current deadline."""

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        kwargs.setdefault("timeout", bounded_timeout(self.timeout))
        return kwargs


class EngineClient:
    """Docker's low-level client, connected at the first call, shared by all threads.

    Calls raise EngineUnreachable, EngineDenied, EngineSilent or EngineRefused. Docker's own
    NotFound, for a container or image that is gone, passes through.
    """

    def __init__(self, address: str, timeout: int) -> None:
        self.address = address
        self.timeout = timeout
        self._connected: docker.APIClient | None = None

    @contextmanager
    def calls(self) -> Iterator[docker.APIClient]:
        """Yield the client, and turn errors of the connection into EngineError."""
        try:
            yield self._connected or self._connect()
        except NotFound:
            raise
        except APIError as error:
            latency.failed(EngineRefused.code)
            said = error.explanation or f"status {error.status_code}"
            raise EngineRefused(f"Docker Engine refused: {said}.") from error
        except (DockerException, requests.RequestException, OSError) as error:
            in_words = self._in_words(error)
            latency.failed(in_words.code)
            raise in_words from error

    def _connect(self) -> docker.APIClient:
        # "auto" requests the engine's API version once: newer engines refuse old API versions.
        # Two threads may connect at the same time: with a lock, one thread would wait for the
        # timeout of the other.
        self._connected = _BoundedClient(
            base_url=self.address, version="auto", timeout=self.timeout
        )
        # The engine is on this machine, so calls need no proxy and no .netrc.
        self._connected.trust_env = False
        self._connected.hooks["response"].append(latency.answered)
        return self._connected

    def _in_words(self, error: BaseException) -> EngineError:
        causes = list(causes_of(error))
        if any(isinstance(cause, requests.Timeout | TimeoutError) for cause in causes):
            return silent()
        if any(isinstance(cause, PermissionError) for cause in causes):
            return EngineDenied(
                "This server's user may not talk to Docker Engine. Add the user to the docker"
                " group (as root: usermod -aG docker USER) and log in again."
            )
        if any(isinstance(cause, OSError) and cause.errno in _SHORTAGES for cause in causes):
            return EngineUnreachable(
                "Docker Engine was not called: this server has too many open files."
                " Try again in a moment."
            )
        return EngineUnreachable(
            f"Nothing answers at Docker Engine's address {self.address}."
            " Start Docker Engine (as root: systemctl start docker)."
        )


def ask(
    engine: docker.APIClient, path: str, parameters: Parameters, *, stream: bool = False
) -> requests.Response:
    """Call the engine's API with a time limit, which Docker's client lacks for some calls.

    Raises APIError.
    """
    response = engine.get(
        f"{engine.base_url}/v{engine.api_version}{path}",
        params=parameters,
        stream=stream,
        timeout=bounded_timeout(engine.timeout),
    )
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        create_api_error_from_http_exception(error)
    return response


def silent() -> EngineSilent:
    """Return the error for an engine that takes too long."""
    return EngineSilent(
        "Docker Engine has not answered in time."
        " If this stays, restart it (as root: systemctl restart docker)."
    )


def causes_of(error: BaseException) -> Iterator[Any]:
    """Yield an error and all errors inside it: requests and urllib3 wrap the original error."""
    pending: list[Any] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if id(current) in seen or not isinstance(current, BaseException):
            continue
        seen.add(id(current))
        yield current
        pending += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        pending += current.args
