"""Page obstacles: why a reader's browser can't use a gateway's page, by the gateway's files."""

from app.core.access.page_obstacles import PageObstacle, PageVisitor, PublishedGateway, obstacles_at
from app.core.deployment import Deployment
from app.engine.host.network import host_names
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import allowed_origins


def page_obstacles_of(
    deployment: Deployment, standpoint: PageVisitor, *, context: AppContext
) -> tuple[PageObstacle, ...]:
    """Return the obstacles for this reader; empty if the gateway's port is not known."""
    if deployment.port is None:
        return ()
    folder = context.store.folder(deployment.id)
    published = PublishedGateway(
        port=deployment.port,
        origins=None if deployment.problem else allowed_origins(folder, deployment.port),
        bind_address=deployment.env.get("BIND_ADDRESS", ""),
        public_host=context.settings.public_host,
        host_name=next((each for each in host_names() if not each.startswith("localhost")), ""),
    )
    return obstacles_at(standpoint, published)
