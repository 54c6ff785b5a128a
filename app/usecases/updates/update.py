"""Update: run another image, with the state for it; or go back to the previous version."""

from app.core.deployment import Deployment
from app.core.errors import AlreadyRunsImage, InputRejected, NoPreviousVersion
from app.core.operations.kinds import OperationKind
from app.core.settings.field_checks import ValueRejected, check_value
from app.core.updates.journal import KeptVersion
from app.store import update_files
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import require_launchable
from app.usecases.operations.start import Started, require_engine, start_operation
from app.usecases.updates.rollback import IMAGE, current_name


def update_deployment(
    deployment_id: str, image: str, *, actor: str, context: AppContext
) -> Started:
    """Start the update to an image, by tag or digest; launch a deployment that is down.

    Raise NotFound, InputRejected, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_launchable(deployment, "updated")
    wanted = checked_image(image)
    gateway = deployment.gateway_in(context.containers.of(deployment_id))
    found = context.images.find(wanted)
    if gateway and found and found.id == gateway.image_id and deployment.env.get(IMAGE) == wanted:
        raise AlreadyRunsImage(
            {"image": "is the deployment's image already; a restart needs no update"}
        )
    return _start(deployment, {"image": wanted}, actor, context)


def go_back(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start the update to the previous version and its kept state; keep the current ones instead.

    Raise NotFound, NoPreviousVersion, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_launchable(deployment, "updated")
    kept = kept_version(deployment, context=context)
    if kept is None:
        raise NoPreviousVersion(
            "No previous version is kept: there was no update yet. The first update keeps one."
        )
    require_engine(deployment_id, context)
    arguments = {"image": current_name(kept.version, context), "returning": "true"}
    return _start(deployment, arguments, actor, context)


def kept_version(deployment: Deployment, *, context: AppContext) -> KeptVersion | None:
    """Return the version that an update has kept; None without one."""
    return update_files.read_kept(context.store.folder(deployment.id))


def checked_image(given: str) -> str:
    """Return an image's name in normal form. Raise InputRejected."""
    try:
        if wanted := check_value("image", given):
            return wanted
    except ValueRejected as rejected:
        raise InputRejected({"image": str(rejected)}) from None
    raise InputRejected({"image": "is needed"})


def _start(
    deployment: Deployment, arguments: dict[str, str], actor: str, context: AppContext
) -> Started:
    return start_operation(
        OperationKind.UPDATE, deployment, actor=actor, context=context, arguments=arguments
    )
