"""The readiness checks of a deployment: their latest or new results."""

from app.core.snapshot import Container
from app.core.status.check_list import check_list
from app.core.status.readiness import ReadinessCheck
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import tokens_equal
from app.usecases.status.overview import DeploymentView, show_deployment


def checks_of(view: DeploymentView, *, context: AppContext) -> tuple[ReadinessCheck, ...]:
    """Return the latest results. If they are old, start a new run in the background."""
    gateway = _running_gateway(view)
    gateway_checks = context.readiness.checks_of(view.deployment, gateway) if gateway else None
    return _all(view, gateway_checks, context)


def check_readiness(
    deployment_id: str, *, context: AppContext
) -> tuple[DeploymentView, tuple[ReadinessCheck, ...]]:
    """Run the checks now; return the deployment and the results. Raises NotFound."""
    view = show_deployment(deployment_id, context=context)
    gateway = _running_gateway(view)
    if gateway is None or view.deployment.port is None:
        return view, _all(view, None, context)
    gateway_checks = context.readiness.check_now(view.deployment, gateway)
    view = show_deployment(deployment_id, context=context)
    return view, _all(view, gateway_checks, context)


def _running_gateway(view: DeploymentView) -> Container | None:
    return view.gateway if view.report.status.up else None


def _all(
    view: DeploymentView, gateway_checks: list[ReadinessCheck] | None, context: AppContext
) -> tuple[ReadinessCheck, ...]:
    same = tokens_equal(view.deployment, context.store.folder(view.deployment.id))
    return check_list(view.report, gateway_checks, same, has_container=view.gateway is not None)
