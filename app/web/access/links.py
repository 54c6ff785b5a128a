"""The addresses at which the reader's own machine reaches a gateway."""

from app.core.access.page_obstacles import PageObstacle
from app.core.deployment import Deployment
from app.usecases.access.page_obstacles import page_obstacles_of
from app.usecases.status import answers
from app.web.server.request import app_context, gateway_host, visitor


def ws_url(deployment: Deployment) -> str | None:
    return answers.ws_url(deployment, gateway_host())


def page_url(deployment: Deployment) -> str | None:
    return answers.page_url(deployment, gateway_host())


def page_url_with_token(deployment: Deployment) -> str | None:
    """Return the address with the token behind `#`, which browsers never send to a server."""
    page = page_url(deployment)
    return f"{page}#token={deployment.token}" if page and deployment.token else page


def terminal_line(deployment: Deployment) -> str | None:
    """Return the command that opens a chat with the gateway in the reader's terminal."""
    address = ws_url(deployment)
    return f"openclaw tui --url {address} --token {deployment.token}" if address else None


def page_obstacles(deployment: Deployment) -> tuple[PageObstacle, ...]:
    """Return why the reader's browser can't use the gateway's page."""
    return page_obstacles_of(deployment, visitor(), context=app_context())
