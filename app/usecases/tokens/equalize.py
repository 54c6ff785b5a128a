"""Equalize token: let every place have the one of `.env`, and see that the gateway takes it."""

from app.core.errors import DeploymentInvalid
from app.core.operations.kinds import OperationKind
from app.core.snapshot import Run
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import refuse_what_cant_launch
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, start_operation
from app.usecases.tokens.check import check_token
from app.usecases.tokens.rotate import bring_up_as_written, write_token_of_env


def equalize_token(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start making the four places equal.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "changed")
    if not deployment.token:
        raise DeploymentInvalid(
            "Nothing was changed: there is no token in .env to go by. Rotate it, which makes one."
        )
    context.containers.of(deployment_id)
    return start_operation(OperationKind.EQUALIZE_TOKEN, deployment, actor=actor, context=context)


def perform_equalize_token(op: OperationContext) -> Run | None:
    """Write `openclaw.json` from `.env`; start the gateway anew where it runs with another token.

    Return the run that takes it, or None where it is not up. Raises OperationFailed,
    EngineError, OSError.
    """
    deployment, context = op.deployment, op.context
    check = check_token(deployment.id, context=context)
    for each in check.places:
        op.say(f"{each.label}: {each.match}{f', {each.reason}' if each.reason else ''}")
    gateway = deployment.gateway_in(context.containers.of(deployment.id))
    if gateway and gateway.is_up and not check.needs_restart:
        write_token_of_env(op, gateway)
        return verify_gateway(op, gateway)
    return bring_up_as_written(op, gateway)
