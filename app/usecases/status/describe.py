"""Describe: a deployment as scripts get it, the same by the API and on the command line."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from app.core.access.page_obstacles import PageObstacle
from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause
from app.core.snapshot import Container
from app.core.status.readiness import ReadinessCheck
from app.usecases.operations.operations import describe
from app.usecases.status.overview import DeploymentView


def ws_url(deployment: Deployment, host: str) -> str | None:
    """Return the address of a gateway for whoever reaches it by the name `host`."""
    return f"ws://{host}:{deployment.port}" if deployment.port else None


def page_url(deployment: Deployment, host: str) -> str | None:
    return f"http://{host}:{deployment.port}/" if deployment.port else None


def describe_view(view: DeploymentView, host: str) -> dict[str, Any]:
    """Return a deployment as it stands in the list."""
    deployment, report = view.deployment, view.report
    return {
        "deployment_id": deployment.id,
        "port": deployment.port,
        "status": report.status,
        "deploy_dir": deployment.folder,
        "name": deployment.name,
        "reason": report.reason,
        "remark": view.remark,
        "drift": list(view.drift),
        "ws_url": ws_url(deployment, host),
        "page_url": page_url(deployment, host),
    }


def describe_whole(
    view: DeploymentView,
    host: str,
    checks: Iterable[ReadinessCheck],
    walls: Iterable[PageObstacle],
    cause: Cause | None,
) -> dict[str, Any]:
    """Return all that is known of one deployment."""
    operation = view.deployment.operation
    return {
        **describe_view(view, host),
        "health": view.gateway.health if view.gateway else None,
        "containers": [_container(each) for each in view.containers],
        "ladder": [_check(each) for each in checks],
        "cause": asdict(cause) if cause else None,
        "walls": [asdict(wall) for wall in walls],
        "operation": describe(operation) if operation else None,
    }


def _container(container: Container) -> dict[str, Any]:
    details = container.details
    return {
        "id": container.id,
        "name": container.name,
        "service": container.service,
        "image": container.image,
        "state": container.state,
        "status": container.status_text,
        "health": container.health,
        "restarts": details.restart_count if details else None,
    }


def _check(check: ReadinessCheck) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "detail": check.detail,
        "milliseconds": check.milliseconds,
        "next_step": check.next_step,
    }
