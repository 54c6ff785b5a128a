"""The containers of a deployment, as the engine lists them."""

import docker

from tests.support.engine.images import STANDIN

_ID_LABEL = "com.docker.compose.project"


def containers_of(engine: docker.APIClient, deployment_id: str) -> list[dict[str, object]]:
    return list(engine.containers(all=True, filters={"label": f"{_ID_LABEL}={deployment_id}"}))


def container_of(engine: docker.APIClient, deployment_id: str) -> str:
    [container] = containers_of(engine, deployment_id)
    return str(container["Id"])


def run_container_of(engine: docker.APIClient, deployment_id: str) -> None:
    """Start a container with Compose's labels, which is faster than Compose."""
    container = engine.create_container(
        STANDIN,
        labels={
            "com.docker.compose.project": deployment_id,
            "com.docker.compose.service": "openclaw",
        },
        environment={"OPENCLAW_GATEWAY_TOKEN": "a"},
        healthcheck={"test": ["NONE"]},
        host_config=engine.create_host_config(network_mode="none"),
    )
    engine.start(container)
