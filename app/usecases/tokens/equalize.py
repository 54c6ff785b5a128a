"""Equalize token: let every place have the one of `.env`, and see that the gateway takes it."""

from app.core.deployment import OperationKind, Run
from app.core.errors import DeploymentInvalid
from app.usecases.tokens.check import check_token
from app.usecases.lifecycle.launch import refuse_what_cant_launch
from app.usecases.operations.operations import Started, start_operation
from app.usecases.tokens.rotate import bring_up_as_written, write_token_of_env
from app.usecases.operations.operation_context import Task
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.context import World


def equalize_token(deployment_id: str, *, actor: str, world: World) -> Started:
    """Start making the four places equal.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = world.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "changed")
    if not deployment.token:
        raise DeploymentInvalid(
            "Nothing was changed: there is no token in .env to go by. Rotate it, which makes one."
        )
    world.containers.of(deployment_id)
    return start_operation(OperationKind.EQUALIZE_TOKEN, deployment, actor=actor, world=world)


def perform_equalize_token(task: Task) -> Run | None:
    """Write `openclaw.json` from `.env`; start the gateway anew where it runs with another token.

    Return the run that takes it, or None where it is not up. Raises OperationFailed,
    EngineError, OSError.
    """
    deployment, world = task.deployment, task.world
    check = check_token(deployment.id, world=world)
    for each in check.places:
        task.say(f"{each.label}: {each.match}{f', {each.reason}' if each.reason else ''}")
    gateway = deployment.gateway_in(world.containers.of(deployment.id))
    if gateway and gateway.is_up and not check.needs_restart:
        write_token_of_env(task, gateway)
        return verify_gateway(deployment, gateway, world=world, say=task.say)
    return bring_up_as_written(task, gateway)
