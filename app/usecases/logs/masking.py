"""One masker for all that a deployment's gateway may have written."""

from functools import lru_cache

from app.core.deployment import Deployment
from app.core.secrets import Masker
from app.core.snapshot import Container
from app.usecases.context import AppContext


def masker_for(deployment: Deployment, gateway: Container | None, context: AppContext) -> Masker:
    """Mask the secrets of `.env` and those that the container was started with.

    The two differ once somebody has edited `.env`, and where it is damaged the
    container alone may still know them. Raises EngineError.
    """
    running = context.containers.secrets_of(gateway) if gateway else ()
    return _masker((*deployment.secrets, *running))


@lru_cache(1024)
def _masker(secrets: tuple[str, ...]) -> Masker:
    return Masker(secrets)
