"""Reconfigure: change a deployment's fields, port included; if needed, restart the gateway."""

from app.core.deployment import parse_id
from app.core.errors import NothingToUndo
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import RESUMPTIONS
from app.core.settings.fields import PORT
from app.core.settings.file_changes import DeploymentFiles
from app.store.kept_files import kept_files
from app.store.operations import operation_folder
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext, signing_key
from app.usecases.operations.start import Started, require_engine, start_operation
from app.usecases.settings.answers import ReconfiguredAnswer
from app.usecases.settings.change_request import ChangeRequest
from app.usecases.settings.reconfigure_plan import ReconfigurePlan, plan_reconfiguration
from app.usecases.status.overview import show_deployment


def reconfigured(
    deployment_id: str, started: Started | None, *, context: AppContext
) -> ReconfiguredAnswer:
    """Return the outcome of a reconfiguration. If `started` is None, nothing had to change."""
    view = show_deployment(deployment_id, context=context)
    return ReconfiguredAnswer(
        deployment_id=deployment_id,
        status=view.report.status,
        port=view.deployment.port,
        changed=started.operation.arguments["changed"].split(", ") if started else [],
    )


def reconfigure_deployment(
    deployment_id: str, request: ChangeRequest, then: str, *, actor: str, context: AppContext
) -> Started | None:
    """Start changing a deployment's files; return None if nothing has to change.

    `then`: `restart` restarts a running gateway if its container would differ, `launch` also
    launches a gateway that is down, `save` does neither. Raises NotFound, DeploymentInvalid,
    InputRejected, StaleForm, Busy, StorageFailed, EngineError.
    """
    if then != "save":
        require_engine(parse_id(deployment_id), context)
    key = signing_key(context)
    # Hold the creation lock, so that two deployments can't get the same port.
    with storage_errors("Nothing was changed."), context.store.creation_lock():
        plan = plan_reconfiguration(deployment_id, request, context=context, key=key)
        if not plan.changes:
            return None
        return start_operation(
            OperationKind.RECONFIGURE,
            plan.deployment,
            actor=actor,
            context=context,
            arguments=_arguments(plan, then),
            files=_files_to_keep(plan.before, plan.after),
        )


def _arguments(plan: ReconfigurePlan, then: str) -> dict[str, str]:
    arguments = {"changed": ", ".join(each.name for each in plan.changes)}
    if then == "launch" or (then == "restart" and plan.restart):
        arguments["then"] = "restart" if plan.runs else "launch"
    if any(each.env == PORT.env for each in plan.changes):
        # Reserve both ports until the end, since a rollback needs the old one.
        arguments["port"] = plan.after.values[PORT.env]
        arguments["port_before"] = plan.before.values.get(PORT.env, "")
    return arguments


def resume_reconfiguration(
    deployment_id: str, verb: str, *, actor: str, context: AppContext
) -> Started:
    """Start an operation that finishes or undoes a half-done reconfiguration.

    `verb` is `finish` or `undo`. Raises NotFound, NothingToUndo, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    left = deployment.operation
    if left is None or not left.can_be_resumed:
        raise NothingToUndo(
            "There is no half-done reconfiguration, or another operation has run since."
        )
    require_engine(deployment_id, context)
    folder = context.store.folder(deployment_id)
    kept = kept_files(operation_folder(folder, left.number))
    if not kept:
        raise NothingToUndo(
            "The reconfiguration's files are not kept any more, so it can't be finished or undone."
        )
    before = {name: value for name, value in left.arguments.items() if name not in RESUMPTIONS}
    return start_operation(
        OperationKind.RECONFIGURE,
        deployment,
        actor=actor,
        context=context,
        arguments={**before, verb: str(left.number)},
        files=kept,
    )


def _files_to_keep(before: DeploymentFiles, after: DeploymentFiles) -> dict[str, bytes]:
    kept = {"env.old": before.env, "env.new": after.env}
    if before.compose is not None and after.compose is not None:
        kept["compose.old"] = before.compose.encode()
        kept["compose.new"] = after.compose.encode()
    return kept
