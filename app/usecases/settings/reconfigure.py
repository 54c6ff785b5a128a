"""Reconfigure: change the fields of a deployment, its port too, and restart it where needed."""

from typing import Any

from app.core.errors import NothingToUndo, ReconfigureFailed
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import RESUMPTIONS, Operation
from app.core.settings.fields import PORT
from app.core.settings.file_changes import DeploymentFiles
from app.store import operations
from app.store.files import storage_errors
from app.usecases.context import AppContext, signing_key
from app.usecases.operations.operations import Started, start_operation, wait_for
from app.usecases.settings.plan import ChangeRequest, plan_reconfiguration
from app.usecases.status.overview import show_deployment


def describe_reconfigured(
    deployment_id: str, started: Started | None, *, context: AppContext
) -> dict[str, Any]:
    """Return what came of it as scripts get it; where nothing was started, all was so."""
    view = show_deployment(deployment_id, context=context)
    return {
        "deployment_id": deployment_id,
        "status": view.report.status,
        "port": view.deployment.port,
        "changed": started.operation.arguments["changed"].split(", ") if started else [],
    }


def reconfigure_deployment(
    deployment_id: str, wish: ChangeRequest, then: str, *, actor: str, context: AppContext
) -> Started | None:
    """Start changing a deployment's files; None where they are as wished already.

    `then` is what comes after: `restart` where it runs and its container would be
    different, `launch` also where it does not run, `save` neither.
    Raises NotFound, DeploymentInvalid, InputRejected, Stale, Busy, StorageFailed, EngineError.
    """
    if then != "save":
        context.containers.of(deployment_id)
    key = signing_key(context)
    # Two that want the same port come one after the other.
    with storage_errors("Nothing was changed."), context.store.creating():
        plan = plan_reconfiguration(deployment_id, wish, context=context, key=key)
        if not plan.changes:
            return None
        arguments = {"changed": ", ".join(each.name for each in plan.changes)}
        if then == "launch" or (then == "restart" and plan.restart):
            arguments["then"] = "restart" if plan.runs else "launch"
        if any(each.env == PORT.env for each in plan.changes):
            # Until it is over both are its own: it may have to go back to the first.
            arguments["port"] = plan.after.values[PORT.env]
            arguments["port_before"] = plan.before.values.get(PORT.env, "")
        return start_operation(
            OperationKind.RECONFIGURE,
            plan.deployment,
            actor=actor,
            context=context,
            arguments=arguments,
            files=_kept(plan.before, plan.after),
        )


def wait_for_reconfigured(started: Started, *, context: AppContext) -> Operation | None:
    """Return how it ended, or None where it is still going on.

    Raises ReconfigureFailed with its reason, TooManyWaiting.
    """
    return wait_for(started, lambda ended: ReconfigureFailed, context=context)


def resume_reconfiguration(
    deployment_id: str, verb: str, *, actor: str, context: AppContext
) -> Started:
    """Start to `finish` or to `undo` a reconfiguration that was left half done.

    Raises NotFound, NotUndone, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    left = deployment.operation
    if left is None or not left.can_be_resumed:
        raise NothingToUndo(
            "No reconfiguration of it is left half done, or something was done since."
        )
    context.containers.of(deployment_id)
    folder = context.store.folder(deployment_id)
    kept = operations.kept_files(folder, left.number)
    if not kept:
        raise NothingToUndo("What its files were is not kept any more; they stay as they are.")
    before = {name: value for name, value in left.arguments.items() if name not in RESUMPTIONS}
    return start_operation(
        OperationKind.RECONFIGURE,
        deployment,
        actor=actor,
        context=context,
        arguments={**before, verb: str(left.number)},
        files=kept,
    )


def _kept(before: DeploymentFiles, after: DeploymentFiles) -> dict[str, bytes]:
    kept = {"env.old": before.env, "env.new": after.env}
    if before.compose is not None and after.compose is not None:
        kept["compose.old"] = before.compose.encode()
        kept["compose.new"] = after.compose.encode()
    return kept
