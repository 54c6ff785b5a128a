"""Rotate token: a new one in both files and in the gateway, proven, and the old one refused.

The new token is made in the operation's own process, and is nowhere but in the two files
and in the container. `.env` is written first and put back last: it is the source from
which each launch writes `openclaw.json`. So wherever the process is killed, the next
launch ends in a whole state:

- before `.env` is written, nothing has changed;
- after it, the gateway runs on with the old token, and its page says that it refuses the
  one of `.env`: a launch writes `openclaw.json`, where that is not done yet, and makes
  another container, since a variable of it changed (of a compose file that hands none on,
  equalizing does);
- while the containers are down, or up and not proven, a launch brings up and proves the
  new token. Neither a file nor a container has the old one any more;
- while the old token is put back, the new one counts until `.env` is written, as above,
  and from then on the old one.

Measured on OpenClaw 2026.9.6: afterwards a paired device is refused with the old token, and
with its own from before; with the new one it comes in without another approval.
"""

import secrets
from dataclasses import replace

from app.core.errors import EngineError, LaunchTimeout, TokenNotVerified, UserError
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation
from app.core.operations.steps import Step
from app.core.snapshot import Container, Run
from app.engine.compose import ComposeFailed
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import image_for, prepare_data_folders
from app.usecases.lifecycle.launch import perform_launch, refuse_what_cant_launch
from app.usecases.operations.failures import OperationFailed, cause_of
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, start_operation
from app.usecases.operations.wait import wait_for
from app.usecases.tokens.rollback import put_back, see_refused, what_stands, write_new_token

_BYTES = 32


def rotate_token(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start the rotation of a deployment's token; one that is down gets it written only.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "given a new token")
    context.containers.of(deployment_id)
    return start_operation(OperationKind.ROTATE_TOKEN, deployment, actor=actor, context=context)


def wait_for_token(started: Started, *, context: AppContext) -> Operation | None:
    """Return how a rotation or equalization ended, or None where it is still going on.

    Raises TokenNotProven or LaunchTimeout with its reason, TooManyWaiting.
    """

    def failure_for(ended: Operation) -> type[UserError]:
        return LaunchTimeout if ended.code == "launch_timeout" else TokenNotVerified

    return wait_for(started, failure_for, context=context)


def perform_rotate_token(op: OperationContext) -> Run | None:
    """Write a new token, bring the gateway up with it, and see that it refuses the old one.

    Return its run, or None where it is not up: its next launch proves the token. Raises
    OperationFailed, with the old token back where the new one does not work; EngineError.
    """
    before = what_stands(op)
    token = secrets.token_hex(_BYTES)
    op.log.hide((token, *before.tokens))
    op.step(Step.TOKEN, "Writing a new token into .env")
    written = write_new_token(op, before, token)
    renewed = replace(op, deployment=op.context.store.load(op.deployment.id))
    try:
        run = bring_up_as_written(renewed, before.gateway)
    except (OperationFailed, EngineError, OSError) as failure:
        raise put_back(op, before, written, cause_of(failure, op)) from None
    if run:
        see_refused(renewed, before.tokens, run)
    return run


def bring_up_as_written(op: OperationContext, gateway: Container | None) -> Run | None:
    """Start a gateway anew from its files as they are now; one that is down stays so.

    Raises OperationFailed, EngineError, OSError.
    """
    if gateway and gateway.is_up:
        return perform_launch(op, anew=True)
    write_token_of_env(op, gateway)
    op.say("It is not running: its next launch takes the token and proves it")
    return None


def write_token_of_env(op: OperationContext, gateway: Container | None) -> None:
    """Write it into `openclaw.json`, as a launch does. Raises OSError."""
    deployment, context = op.deployment, op.context
    op.step(Step.FOLDERS, "Preparing the data folders")
    try:
        image = image_for(deployment, gateway, context)
        prepare_data_folders(deployment, context.store.folder(deployment.id), image, op.say)
    except ComposeFailed:
        op.say("config/openclaw.json could not be written; the next launch does that")
