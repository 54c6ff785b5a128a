"""Check and equalize a token in its four places: `.env`, `openclaw.json`, container, gateway."""

from app.core.deployment import Deployment
from app.core.errors import DeploymentInvalid, EngineError
from app.core.operations.kinds import OperationKind
from app.core.settings.fields import TOKEN
from app.core.settings.openclaw_config import ConfigUnreadable, parse_config
from app.core.snapshot import Container, Run
from app.core.tokens import (
    TokenCheck,
    TokenComparison,
    TokenPlace,
    at_gateway,
    in_config,
    in_container,
    in_env,
    unknown,
)
from app.engine.compose_call import ComposeFailed
from app.store.files import Unreadable
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import image_for, read_openclaw_config
from app.usecases.lifecycle.launch import require_launchable
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, require_engine, start_operation
from app.usecases.tokens.token_change import restart_if_up, write_token_to_config

_CONFIG_SECONDS = 15.0
# Seconds that a gateway's refusal is cached: after ten refusals, the gateway locks us out.
_GATEWAY_SECONDS = 8.0


def check_token(deployment_id: str, *, context: AppContext) -> TokenCheck:
    """Compare the tokens in all four places; an unreadable token is unknown, with the reason.

    Raise NotFound.
    """
    deployment = context.store.load(deployment_id)
    env = (
        unknown(TokenPlace.ENV, deployment.problem)
        if deployment.problem
        else in_env(deployment.token)
    )
    if deployment.problem or not deployment.token:
        others = [place for place in TokenPlace if place is not TokenPlace.ENV]
        nothing = "the token of .env is missing or unreadable"
        return TokenCheck((env, *(unknown(place, nothing) for place in others)))
    try:
        gateway = deployment.gateway_in(context.containers.of(deployment_id))
    except EngineError as error:
        places = [
            unknown(place, error.detail) for place in (TokenPlace.CONTAINER, TokenPlace.GATEWAY)
        ]
        return TokenCheck((env, _in_config(deployment, None, context), *places))
    config = _in_config(deployment, gateway, context)
    return TokenCheck((env, config, *_at_what_runs(deployment, gateway, context)))


def equalize_token(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start making the tokens in the four places equal.

    Raise NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_launchable(deployment, "changed")
    if not deployment.token:
        raise DeploymentInvalid(
            "Nothing was changed: .env has no token. Rotate the token, which makes a new one."
        )
    require_engine(deployment_id, context)
    return start_operation(OperationKind.EQUALIZE_TOKEN, deployment, actor=actor, context=context)


def perform_equalize_token(op: OperationContext) -> Run | None:
    """Write `.env`'s token into `openclaw.json`; restart a gateway that runs with another token.

    Return the verified run, or None if the gateway is down. Raise OperationFailed, ComposeFailed,
    EngineError, OSError.
    """
    check = check_token(op.deployment.id, context=op.context)
    for each in check.places:
        op.say(f"{each.label}: {each.match}{f', {each.reason}' if each.reason else ''}")
    gateway = op.gateway()
    if gateway and gateway.is_up and not check.needs_restart:
        write_token_to_config(op, gateway)
        return verify_gateway(op, gateway)
    return restart_if_up(op, gateway)


def _in_config(
    deployment: Deployment, gateway: Container | None, context: AppContext
) -> TokenComparison:
    folder = context.store.folder(deployment.id)
    try:
        image = image_for(deployment, gateway, context)
        data = read_openclaw_config(folder, image, _CONFIG_SECONDS)
        return in_config(deployment.token, parse_config(data) if data else None)
    except FileNotFoundError:
        return in_config(deployment.token, None)
    except ConfigUnreadable as error:
        return unknown(TokenPlace.CONFIG, str(error))
    except Unreadable as error:
        return unknown(TokenPlace.CONFIG, f"the file {error}")
    except (ComposeFailed, OSError):
        return unknown(
            TokenPlace.CONFIG,
            "only the gateway may read the file, and a container could not read it",
        )


def _at_what_runs(
    deployment: Deployment, gateway: Container | None, context: AppContext
) -> tuple[TokenComparison, TokenComparison]:
    if gateway is None or not gateway.is_up:
        down = "the gateway is not running"
        return unknown(TokenPlace.CONTAINER, down), unknown(TokenPlace.GATEWAY, down)
    try:
        found = context.containers.environment_of(gateway).get(TOKEN.env)
        container = in_container(deployment.token, found)
    except EngineError as error:
        container = unknown(TokenPlace.CONTAINER, error.detail)
    checks = context.readiness.checks_of(deployment, gateway, _GATEWAY_SECONDS)
    return container, at_gateway(checks)
