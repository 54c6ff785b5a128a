"""The gateways whose readiness is checked periodically."""

from contextlib import suppress

from app.core.deployment import Deployment, is_id
from app.core.errors import NotFound
from app.core.snapshot import Container
from app.engine.gateway.readiness import Running
from app.engine.snapshots import Snapshots
from app.store.deployments import DeploymentStore


def checkable_gateways(store: DeploymentStore, snapshots: Snapshots) -> Running | None:
    """Return the running gateways whose readiness can be checked; None without the engine.

    Go by containers, since thousands of folders may have none.
    """
    snapshots.learn_starts()
    snapshot = snapshots.current()
    if snapshot.problem:
        return None
    found = []
    for project in filter(is_id, snapshot.containers):
        with suppress(NotFound):
            deployment = store.load(project)
            gateway = deployment.gateway_in(snapshot.of(project) or ())
            if gateway and _is_checkable(deployment, gateway):
                found.append((deployment, gateway))
    return found


def _is_checkable(deployment: Deployment, gateway: Container) -> bool:
    """Return whether a readiness check of this gateway would be useful.

    A running operation runs its own checks. If a run's start is unknown, a result can't be assigned
    to that run.
    """
    is_idle = deployment.port is not None and not deployment.running_operation
    return is_idle and gateway.state == "running" and gateway.runs_since is not None
