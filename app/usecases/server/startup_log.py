"""At the server's start: say which Compose there is, and which deployments were found again."""

from collections.abc import Callable

from app.config import PROJECT
from app.engine.client import docker_environment
from app.engine.compose import compose_version
from app.usecases.context import AppContext
from app.usecases.status.overview import list_deployments

Log = Callable[..., object]


def announce(context: AppContext, log: Log) -> None:
    """Log what a person wants to see in a terminal after a restart."""
    version = compose_version(docker_environment(PROJECT, context.address))
    if version:
        log("Detected: docker compose (v2 plugin) %s", version)
    else:
        log("Docker Compose v2 was not found; launch and stop need it. `make setup` brings it.")
    for view in list_deployments(context):
        deployment = view.deployment
        log(
            "Restored deployment %s (port=%s, status=%s)",
            deployment.id,
            deployment.port,
            view.verdict.status,
        )
