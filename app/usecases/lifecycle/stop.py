"""Stop: take a deployment's containers down; its folder, data and token stay."""

from contextlib import suppress

from app.core.errors import EngineError, NothingToCancel
from app.core.operations.kinds import OperationKind
from app.core.operations.steps import Step
from app.engine.compose import compose_down, compose_stop
from app.usecases.context import AppContext
from app.usecases.history.last_words import try_save_last_words
from app.usecases.operations.cancel import cancel_operation, wait_for_cancelled
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, require_engine, start_operation

# Seconds for a cancelled launch to end: longer than containers may take to end by themselves. After
# that, a waiting caller has another 110 s for the stop.
_CANCEL_SECONDS = 40.0


def stop_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start stopping a deployment, even if its `.env` can't be read.

    First cancel a running launch: nothing may come up after a stop. Raise NotFound,
    DeploymentInvalid, Busy, StorageFailed, EngineError, TooManyWaiting.
    """
    deployment = context.store.load(deployment_id)
    require_engine(deployment_id, context)
    running = deployment.running_operation
    if running and running.kind.facts.can_be_cancelled:
        with suppress(NothingToCancel):
            cancelled = cancel_operation(deployment_id, actor=actor, context=context)
            wait_for_cancelled(cancelled, context=context, seconds=_CANCEL_SECONDS)
    return start_operation(OperationKind.STOP, deployment, actor=actor, context=context)


def perform_stop(op: OperationContext) -> None:
    """Take the containers down and check that they are gone.

    Raise OperationFailed, ComposeFailed, EngineError.
    """
    take_down(op)
    if left := op.context.containers.of(op.deployment.id):
        names = ", ".join(each.name for each in left)
        raise OperationFailed.of(
            "containers_left", f"These still exist after the stop: {names}.", "Stop again."
        )


def take_down(op: OperationContext) -> None:
    """Stop and remove the containers and networks of a deployment; keep the last words.

    Select them by Compose project, not by folder: a damaged `.env` must not prevent a stop, and
    neither must a failure to keep the last words. Raise ComposeFailed.
    """
    seconds = op.context.settings.stop_timeout
    op.step(Step.STOP, "docker compose stop")
    compose_stop(op.deployment.id, op.log, seconds)
    op.step(Step.LAST_WORDS, "Keeping the last words")
    try:
        try_save_last_words(op.gateway(), op.deployment, op.context, op.say)
    except EngineError as error:
        op.say(f"The last words could not be kept: {error.detail}")
    op.step(Step.REMOVE, "docker compose down")
    compose_down(op.deployment.id, op.log, seconds)
