"""The masker for all secrets that a deployment's gateway may have logged."""

from functools import lru_cache

from app.core.deployment import Deployment
from app.core.secrets import Masker
from app.core.snapshot import Container
from app.usecases.context import AppContext


def masker_for(deployment: Deployment, gateway: Container | None, context: AppContext) -> Masker:
    """Return a masker for the secrets in `.env` and those in the container.

    They differ after an edit of `.env`. If `.env` is damaged, only the container has them. Raises
    EngineError.
    """
    running = context.containers.secrets_of(gateway) if gateway else ()
    return _masker((*deployment.secrets, *running))


@lru_cache(1024)
def _masker(secrets: tuple[str, ...]) -> Masker:
    return Masker(secrets)
