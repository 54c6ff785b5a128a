"""The addresses of a gateway, as the reader's own machine reaches it."""

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
    """A browser keeps what stands behind `#` to itself, so the token is not sent."""
    page = page_url(deployment)
    return f"{page}#token={deployment.token}" if page and deployment.token else page


def terminal_line(deployment: Deployment) -> str | None:
    """Return the command that opens a chat with the gateway in a terminal of the reader's."""
    address = ws_url(deployment)
    return f"openclaw tui --url {address} --token {deployment.token}" if address else None


def walls(deployment: Deployment) -> tuple[PageObstacle, ...]:
    """Return what a gateway will say when its page is opened from where the reader stands."""
    return page_obstacles_of(deployment, visitor(), context=app_context())
