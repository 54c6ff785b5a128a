"""The start-up log: the version of Compose, and the deployments found."""

from collections.abc import Callable

from app.config import PROJECT
from app.engine.client import docker_environment
from app.engine.compose import compose_version
from app.usecases.context import AppContext
from app.usecases.status.overview import list_deployments

Log = Callable[..., object]


def log_startup(context: AppContext, log: Log) -> None:
    version = compose_version(docker_environment(PROJECT, context.address))
    if version:
        log("Detected: docker compose (v2 plugin) %s", version)
    else:
        log("Docker Compose v2 was not found; launch and stop need it. `make setup` installs it.")
    for view in list_deployments(context):
        deployment = view.deployment
        log(
            "Restored deployment %s (port=%s, status=%s)",
            deployment.id,
            deployment.port,
            view.report.status,
        )
