"""Readiness: the ladder of a deployment, as last seen or as climbed now."""

from app.core.snapshot import Container
from app.core.status.readiness import ladder
from app.core.status.readiness_checks import Rung
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import tokens_equal
from app.usecases.status.overview import DeploymentView, show_deployment


def ladder_of(view: DeploymentView, *, context: AppContext) -> tuple[Rung, ...]:
    """Return the rungs as last seen; asking starts a new climb where that is old."""
    gateway = _climbable(view)
    probed = context.probes.rungs(view.deployment, gateway) if gateway else None
    return _whole(view, probed, context)


def show_climbed(
    deployment_id: str, *, context: AppContext
) -> tuple[DeploymentView, tuple[Rung, ...]]:
    """Return one deployment with its ladder, climbed now for who asks once. Raises NotFound."""
    view = show_deployment(deployment_id, context=context)
    gateway = _climbable(view)
    if gateway is None or view.deployment.port is None:
        return view, _whole(view, None, context)
    probed = context.rounds.climb(view.deployment, gateway)
    view = show_deployment(deployment_id, context=context)
    return view, _whole(view, probed, context)


def _climbable(view: DeploymentView) -> Container | None:
    return view.gateway if view.verdict.status.up else None


def _whole(
    view: DeploymentView, probed: list[Rung] | None, context: AppContext
) -> tuple[Rung, ...]:
    same = tokens_equal(view.deployment, context.store.folder(view.deployment.id))
    return ladder(view.verdict, probed, same, has_container=view.gateway is not None)
