"""Drift: what a running container has differently from what its folder gives by now.

A launch writes down what it applied, so no page asks Compose. A container that was made
otherwise, by hand or before that was written down, is told by the times of the files.
"""

from datetime import timedelta

from app.core.deployment import Deployment
from app.core.settings.fingerprints import COMPOSE
from app.core.snapshot import Container

# The engine tells the time of a container's making in whole seconds.
_SECOND = timedelta(seconds=1)


def drift_of(deployment: Deployment, gateway: Container | None) -> tuple[str, ...]:
    """Return the variables and files that have changed since a container was made of them."""
    if gateway is None or not gateway.is_up or deployment.problem:
        return ()
    if deployment.running_operation:
        return ()
    if gateway.id == deployment.applied_to:
        return deployment.changed
    files = ((".env", deployment.env_at), (COMPOSE, deployment.compose_at))
    return tuple(name for name, at in files if at and at >= gateway.created_at + _SECOND)
