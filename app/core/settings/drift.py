"""Drift: the settings in the folder that the running container does not have yet.

A launch records what it applied, so pages need not ask Compose. For a container without
such a record (started by hand, or by an older version) the times of the files decide.
"""

from datetime import timedelta

from app.core.deployment import Deployment
from app.core.settings.fingerprints import COMPOSE
from app.core.snapshot import Container

# The engine gives a container's creation time in whole seconds.
_SECOND = timedelta(seconds=1)


def drift_of(deployment: Deployment, gateway: Container | None) -> tuple[str, ...]:
    """Return the variables and files that changed after the container was created."""
    if gateway is None or not gateway.is_up or deployment.problem:
        return ()
    if deployment.running_operation:
        return ()
    if gateway.id == deployment.applied_to:
        return deployment.changed
    files = ((".env", deployment.env_at), (COMPOSE, deployment.compose_at))
    return tuple(name for name, at in files if at and at >= gateway.created_at + _SECOND)
