"""The addresses of a gateway, as the reader's own machine reaches it."""

from app.core.deployment import Deployment
from app.web.request import gateway_host


def ws_url(deployment: Deployment) -> str | None:
    return f"ws://{gateway_host()}:{deployment.port}" if deployment.port else None


def page_url(deployment: Deployment) -> str | None:
    return f"http://{gateway_host()}:{deployment.port}/" if deployment.port else None


def page_url_with_token(deployment: Deployment) -> str | None:
    """A browser keeps what stands behind `#` to itself, so the token is not sent."""
    page = page_url(deployment)
    return f"{page}#token={deployment.token}" if page and deployment.token else page
