"""Usage: processor and memory of running gateways, as far as known."""

from collections.abc import Iterable

from app.core.status.usage import Usage
from app.usecases.context import AppContext
from app.usecases.status.overview import DeploymentView


def usage_of(views: Iterable[DeploymentView], *, context: AppContext) -> dict[str, Usage]:
    """Return the usage by deployment id, and keep the sampler running for a while."""
    running = {
        view.gateway.id: view.deployment.id
        for view in views
        if view.gateway and view.gateway.state == "running"
    }
    found = context.sampler.usage_of(running)
    return {running[each]: usage for each, usage in found.items()}
