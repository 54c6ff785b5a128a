"""Taking a deployment's containers away, their last words kept."""

from app.core.deployment import Deployment
from app.core.errors import EngineError
from app.core.operations.steps import WORDS
from app.engine.compose import compose_down, compose_stop
from app.usecases.context import AppContext
from app.usecases.history.last_words import keep_words_if_it_can
from app.usecases.operations.operations import Say


def take_down(deployment: Deployment, *, context: AppContext, say: Say) -> None:
    """Stop and remove the containers and networks of a deployment.

    By project, not by folder, so that a damaged `.env` holds nothing up; and
    words that can't be kept hold nothing up either. Raises ComposeFailed.
    """
    seconds = context.settings.stop_timeout
    say("docker compose stop")
    compose_stop(deployment.id, say, seconds)
    say(WORDS)
    try:
        gateway = deployment.gateway_in(context.containers.of(deployment.id))
        keep_words_if_it_can(gateway, deployment, context, say)
    except EngineError as error:
        say(f"Its last words could not be kept: {error.detail}")
    say("docker compose down")
    compose_down(deployment.id, say, seconds)
