"""Compose operations, through python-on-whales.

python-on-whales has no time limits and passes its whole environment on, so the
operation process that calls this cleans its environment first, and the command
is wrapped: `timeout` bounds it, and `setpriv --pdeathsig` ends it together with
the operation process, so that no Compose works on after its lock is free. What Compose
does is read from its JSON progress, which tells the bytes of a pull.

It is loaded where it is called: that takes long, and a command that only looks needs
none of it.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psutil

from app.core.operations.compose_events import read_line, text_of
from app.core.operations.layers import Layer, Phase
from app.core.operations.steps import Step

if TYPE_CHECKING:
    from python_on_whales import DockerClient

_VERSION_SECONDS = 10.0
_END_WITH_US = ["setpriv", "--pdeathsig", "KILL"]
# python-on-whales passes no --progress on; this is the same.
_PROGRESS = "COMPOSE_PROGRESS=json"
_LAYER_PERCENT = 2
_END_SECONDS = 5.0

T = TypeVar("T")


class ProgressLog(Protocol):
    """Where Compose's output goes: lines, the steps that begin with one, and layers."""

    def say(self, text: str) -> None: ...

    def step(self, step: Step, words: str) -> None: ...

    def layer(self, layer: Layer) -> None: ...


class ComposeFailed(Exception):
    """Compose ended with an error. `output` is its own text and may hold secrets: mask it."""

    def __init__(self, output: str, timed_out: bool = False) -> None:
        super().__init__("Compose failed")
        self.output = output
        self.timed_out = timed_out


def compose_up(folder: Path, log: ProgressLog, seconds: float) -> None:
    """Create and start the containers of a folder, detached. Raises ComposeFailed."""
    compose = _in_folder(folder, seconds).compose
    _follow(
        lambda: compose.up(detach=True, remove_orphans=True, pull="never", stream_logs=True), log
    )


def compose_pull(
    folder: Path,
    services: list[str],
    log: ProgressLog,
    seconds: float,
    env_file: Path | None = None,
) -> None:
    """Pull the images of some services. Raises ComposeFailed."""
    compose = _in_folder(folder, seconds, env_file).compose
    _follow(lambda: compose.pull(services, stream_logs=True), log)


def compose_unpause(deployment_id: str, seconds: float) -> None:
    """Let a project's paused containers go on. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    _called(compose.unpause)


def compose_restart(deployment_id: str, seconds: float) -> None:
    """Restart a project's containers, each with its own grace. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    _called(compose.restart)


def compose_images(folder: Path, seconds: float, env_file: Path | None = None) -> dict[str, str]:
    """Return which service has which image, by asking Compose, which also checks the file.

    `env_file` is what `.env` is to be. Raises ComposeFailed.
    """
    compose = _in_folder(folder, seconds, env_file).compose
    config: dict[str, Any] = _called(lambda: compose.config(return_json=True))
    services: dict[str, dict[str, Any]] = config.get("services") or {}
    return {name: str(each["image"]) for name, each in services.items() if "image" in each}


def compose_stop(deployment_id: str, log: ProgressLog, seconds: float) -> None:
    """Stop a project's containers, each within its own grace. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    _follow(lambda: compose.stop(stream_logs=True), log)


def compose_down(deployment_id: str, log: ProgressLog, seconds: float) -> None:
    """Remove a project's containers and networks. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    _follow(lambda: compose.down(remove_orphans=True, stream_logs=True), log)


def compose_remove(project: str, environment: Mapping[str, str], seconds: float) -> None:
    """Remove a project's containers and networks, whatever is in the folder that we work in.

    The server calls this too, whose own environment stays as it is. Raises ComposeFailed.
    """
    compose = _beside(environment, seconds, project).compose
    _called(lambda: list(compose.down(remove_orphans=True, stream_logs=True)))


def compose_halt(project: str, environment: Mapping[str, str], seconds: float) -> None:
    """Stop a project's containers, each within its own grace, as `compose_remove` removes them.

    Raises ComposeFailed.
    """
    compose = _beside(environment, seconds, project).compose
    _called(lambda: list(compose.stop(stream_logs=True)))


def run_as_root(image: str, folder: Path, script: str, seconds: float) -> str:
    """Run a Node script in a short container that may write a deployment's folder at /deployment.

    For what only the gateway's user may touch. Raises ComposeFailed.
    """
    client = _client(client_call=_bounded(seconds))
    return _called(
        lambda: str(
            client.run(
                image,
                ["-e", script],
                entrypoint="node",
                user="0:0",
                networks=["none"],
                volumes=[(folder, "/deployment")],
                log_driver="none",
                pull="never",
                remove=True,
            )
        )
    )


def compose_version(environment: Mapping[str, str]) -> str | None:
    """Return Compose's version, such as v2.40.3, or None where there is no Compose v2.

    The server asks this, whose own environment stays as it is.
    """
    compose = _beside(environment, _VERSION_SECONDS).compose
    try:
        return _called(lambda: str(compose.version())).rpartition(" ")[2]
    except ComposeFailed:
        return None


def _bounded(seconds: float, before: Sequence[str] = ("env", _PROGRESS)) -> list[str]:
    # --foreground: `timeout` must not leave our session, by which an operation is ended.
    limit = ["timeout", "--foreground", "-k", "5", f"{seconds:g}"]
    return [*_END_WITH_US, *limit, *before, *_END_WITH_US, "docker"]


def _in_folder(folder: Path, seconds: float, env_file: Path | None = None) -> "DockerClient":
    return _client(
        client_call=_bounded(seconds),
        compose_project_name=folder.name,
        compose_files=[folder / "docker-compose.yml"],
        compose_env_files=[env_file or folder / ".env"],
    )


def _by_project(deployment_id: str, seconds: float) -> "DockerClient":
    """Act on a project by its labels: a damaged `.env` must not make it unstoppable."""
    return _client(client_call=_bounded(seconds), compose_project_name=deployment_id)


def _beside(
    environment: Mapping[str, str], seconds: float, project: str | None = None
) -> "DockerClient":
    """Act from within the server: in an environment of its own, and in no folder with files."""
    cleaned = ["env", "-i", "-C", "/", *(f"{key}={value}" for key, value in environment.items())]
    return _client(client_call=_bounded(seconds, cleaned), compose_project_name=project)


def _client(**arguments: Any) -> "DockerClient":
    from python_on_whales import DockerClient

    return DockerClient(**arguments)


def _follow(start: Callable[[], Iterable[tuple[str, bytes]]], log: ProgressLog) -> None:
    layers = _Layers(log)

    def consume() -> None:
        for _, line in start():
            read = read_line(line.decode(errors="replace").rstrip())
            if isinstance(read, Layer):
                layers.report(read)
            elif read.begins:
                log.step(read.begins, read.text)
            else:
                log.say(read.text)

    try:
        _called(consume)
    except ComposeFailed:
        raise
    except BaseException:
        # Somebody wants the end of the operation: no Compose works on after it.
        _end_children()
        raise


class _Layers:
    """Passes on of each layer what a bar would show: Docker reports every half megabyte."""

    def __init__(self, log: ProgressLog) -> None:
        self._log = log
        self._reported: dict[str, tuple[Phase, int]] = {}

    def report(self, layer: Layer) -> None:
        so_far = layer.phase, layer.percent // _LAYER_PERCENT
        if self._reported.get(layer.id) != so_far:
            self._reported[layer.id] = so_far
            self._log.layer(layer)


def _end_children() -> None:
    """End what was started in this session, and nobody else's."""
    session = os.getsid(0)
    children = [each for each in psutil.Process().children(recursive=True) if _is_of(each, session)]
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    _, left = psutil.wait_procs(children, timeout=_END_SECONDS)
    for child in left:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(left, timeout=_END_SECONDS)


def _is_of(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session
    except ProcessLookupError:
        return False


def _called(call: Callable[[], T]) -> T:
    from python_on_whales.client_config import ClientNotFoundError
    from python_on_whales.exceptions import DockerException

    try:
        return call()
    except ClientNotFoundError:
        raise ComposeFailed("setpriv (util-linux) is not on this host's PATH") from None
    except DockerException as error:
        # Its own text holds the whole command line; the tool's output is what tells.
        timed_out = error.return_code in (124, 137)
        raise ComposeFailed(text_of(error.stderr or ""), timed_out) from None
