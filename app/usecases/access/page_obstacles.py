"""Walls: what stands between a reader and a gateway's page, by what its files say now."""

from app.core.access.page_obstacles import Published, Standpoint, Wall, walls_at
from app.core.deployment import Deployment
from app.engine.host.network import host_names
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import allowed_origins


def walls_of(
    deployment: Deployment, standpoint: Standpoint, *, context: AppContext
) -> tuple[Wall, ...]:
    """Return the statements for a reader; none where the port is not known."""
    if deployment.port is None:
        return ()
    folder = context.store.folder(deployment.id)
    published = Published(
        port=deployment.port,
        origins=None if deployment.problem else allowed_origins(folder, deployment.port),
        bind_address=deployment.env.get("BIND_ADDRESS", ""),
        public_host=context.settings.public_host,
        host_name=next((each for each in host_names() if not each.startswith("localhost")), ""),
    )
    return walls_at(standpoint, published)
