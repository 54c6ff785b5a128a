"""Archive: take a deployment's containers down and move its folder to the archive."""

from app.core.errors import InputRejected, NotFound
from app.core.operations.kinds import OperationKind
from app.core.operations.steps import Step
from app.store.archive import ArchivedDeployment
from app.store.storage_errors import storage_cause, storage_errors
from app.usecases.context import AppContext
from app.usecases.lifecycle.stop import perform_stop
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, require_engine, start_operation


def archive_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start archiving a deployment, even if its `.env` can't be read.

    Before anything is stopped, check that the archive can be written. Raise NotFound,
    DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_engine(deployment_id, context)
    with storage_errors("The deployment was not archived."):
        context.store.archive.open()
    return start_operation(OperationKind.ARCHIVE, deployment, actor=actor, context=context)


def perform_archive(op: OperationContext) -> None:
    """Take the containers down, then move the folder.

    Raise OperationFailed, ComposeFailed, EngineError.
    """
    perform_stop(op)
    op.step(Step.MOVE, "Moving the folder to the archive")
    archive = op.context.store.archive
    try:
        name = archive.add(op.deployment.id)
    except OSError as error:
        cause = storage_cause(error)
        words = f"The containers are down, but the folder was not moved: {cause.words}"
        raise OperationFailed.of("not_moved", words, cause.next_step) from None
    op.say(f"The folder is in {archive.root}/{name}, and the port is free")


def list_archived(*, context: AppContext) -> list[ArchivedDeployment]:
    """Return the archived deployments, the latest archived first."""
    return context.store.archive.all()


def search_archived(asked: str, *, context: AppContext) -> list[ArchivedDeployment]:
    """Return the archived deployments whose name or id contains `asked`, ignoring case."""
    text = asked.casefold()
    return [
        each
        for each in list_archived(context=context)
        if text in each.deployment.name.casefold() or text in each.deployment.id
    ]


def newest_archived(deployment_id: str, *, context: AppContext) -> str | None:
    """Return the name of the folder in the archive where a deployment was last archived."""
    found = (each for each in list_archived(context=context) if each.deployment.id == deployment_id)
    return next((each.name for each in found), None)


def find_archived(given: str, *, context: AppContext) -> ArchivedDeployment:
    """Return the archived deployment with the given id or, to tell several apart, `<id>-<time>`.

    Raise NotFound, InputRejected.
    """
    found = [
        each for each in list_archived(context=context) if given in (each.name, each.deployment.id)
    ]
    if not found:
        raise NotFound(f"{given} is not in the archive.")
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise InputRejected({"deployment_id": f"was archived more than once: give one of {names}"})
    return found[0]
