"""Restart: take a gateway down and bring it up again from its files as they are now, proven."""

from app.core.operations.kinds import OperationKind
from app.core.snapshot import Run
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import perform_launch, refuse_what_cant_launch
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.operations import Started, start_operation


def restart_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start the restart of a deployment; one that is down is launched.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "restarted")
    context.containers.of(deployment_id)
    return start_operation(OperationKind.RESTART, deployment, actor=actor, context=context)


def perform_restart(op: OperationContext) -> Run:
    """Do the restart and return the run that was proven to work.

    What can be known beforehand, such as a file that Compose refuses or an image
    that no registry gives, fails it while the gateway still runs. Raises
    OperationFailed, EngineError, Cancelled.
    """
    return perform_launch(op, anew=True)
