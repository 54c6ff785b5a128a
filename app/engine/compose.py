"""Compose operations, through python-on-whales.

python-on-whales has no time limits and passes its whole environment on. So the operation process
cleans its environment first, and wraps the command: `timeout` limits Compose's time, and
`setpriv --pdeathsig` ends Compose together with the operation process, so that no Compose runs
after the operation's lock is free.

python-on-whales is imported inside functions: the import takes long, and commands that only read
don't need it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.compose_call import ComposeFailed, ProgressLog, follow_compose, run_compose

if TYPE_CHECKING:
    from python_on_whales import DockerClient

_VERSION_SECONDS = 10.0
_END_WITH_US = ["setpriv", "--pdeathsig", "KILL"]
# python-on-whales has no --progress option; this variable has the same effect.
_PROGRESS = "COMPOSE_PROGRESS=json"


def compose_up(folder: Path, log: ProgressLog, seconds: float) -> None:
    """Create and start the containers of a folder, detached. Raises ComposeFailed."""
    compose = _in_folder(folder, seconds).compose
    follow_compose(
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
    follow_compose(lambda: compose.pull(services, stream_logs=True), log)


def compose_unpause(deployment_id: str, seconds: float) -> None:
    """Unpause a project's containers. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    run_compose(compose.unpause)


def compose_restart(deployment_id: str, seconds: float) -> None:
    """Restart a project's containers, each with its own grace period. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    run_compose(compose.restart)


def compose_images(folder: Path, seconds: float, env_file: Path | None = None) -> dict[str, str]:
    """Return the image of each service. Compose also validates the compose file.

    `env_file` is used in place of `.env`. Raises ComposeFailed.
    """
    compose = _in_folder(folder, seconds, env_file).compose
    config: dict[str, Any] = run_compose(lambda: compose.config(return_json=True))
    services: dict[str, dict[str, Any]] = config.get("services") or {}
    return {name: str(each["image"]) for name, each in services.items() if "image" in each}


def compose_stop(deployment_id: str, log: ProgressLog, seconds: float) -> None:
    """Stop a project's containers, each with its own grace period. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    follow_compose(lambda: compose.stop(stream_logs=True), log)


def compose_down(deployment_id: str, log: ProgressLog, seconds: float) -> None:
    """Remove a project's containers and networks. Raises ComposeFailed."""
    compose = _by_project(deployment_id, seconds).compose
    follow_compose(lambda: compose.down(remove_orphans=True, stream_logs=True), log)


def compose_remove(project: str, environment: Mapping[str, str], seconds: float) -> None:
    """Remove a project's containers and networks, found by labels alone. For calls by the server.

    Raises ComposeFailed.
    """
    compose = _from_server(environment, seconds, project).compose
    run_compose(lambda: list(compose.down(remove_orphans=True, stream_logs=True)))


def compose_halt(project: str, environment: Mapping[str, str], seconds: float) -> None:
    """Stop a project's containers, found by labels alone. For calls by the server.

    Raises ComposeFailed.
    """
    compose = _from_server(environment, seconds, project).compose
    run_compose(lambda: list(compose.stop(stream_logs=True)))


def run_as_root(image: str, folder: Path, script: str, seconds: float) -> str:
    """Run a Node script as root in a temporary container with the folder mounted at /deployment.

    For files that only the gateway's user may access. Raises ComposeFailed.
    """
    client = _client(client_call=_bounded(seconds))
    return run_compose(
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
    """Return Compose's version, such as v2.40.3; None if there is no Compose v2."""
    compose = _from_server(environment, _VERSION_SECONDS).compose
    try:
        return run_compose(lambda: str(compose.version())).rpartition(" ")[2]
    except ComposeFailed:
        return None


def _bounded(seconds: float, before: Sequence[str] = ("env", _PROGRESS)) -> list[str]:
    # --foreground: `timeout` must stay in the operation's session, which is ended as a whole.
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
    """Find a project by its labels: a damaged `.env` must not prevent a stop."""
    return _client(client_call=_bounded(seconds), compose_project_name=deployment_id)


def _from_server(
    environment: Mapping[str, str], seconds: float, project: str | None = None
) -> "DockerClient":
    """Run Compose with this environment, in a folder without files, for calls by the server."""
    cleared = ["env", "-i", "-C", "/", *(f"{key}={value}" for key, value in environment.items())]
    return _client(client_call=_bounded(seconds, cleared), compose_project_name=project)


def _client(**arguments: Any) -> "DockerClient":
    from python_on_whales import DockerClient

    return DockerClient(**arguments)
