"""Launch and restart: bring a gateway up, and succeed only once the gateway is verified."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.core.deployment import Deployment
from app.core.diagnosis.causes import last_words_of
from app.core.errors import DeploymentInvalid, EngineError
from app.core.operations.kinds import OperationKind
from app.core.operations.steps import Step
from app.core.settings.compose_file import SERVICE
from app.core.snapshot import Container, Run
from app.engine.compose import compose_images, compose_pull, compose_unpause, compose_up
from app.engine.compose_call import ComposeFailed
from app.store.applied_settings import applied_now, write_applied
from app.store.deployment_files import read_compose_file
from app.usecases.context import AppContext
from app.usecases.history.last_words import try_save_last_words
from app.usecases.lifecycle.data_folders import prepare_data_folders
from app.usecases.lifecycle.stop import take_down
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, require_engine, start_operation
from app.usecases.status.capacity import warning_before_launch
from app.usecases.status.causes import cause_of_pull, compose_cause
from app.usecases.updates.rollback import finish_or_undo

_CONFIG_SECONDS = 30.0
_UP_SECONDS = 120.0
_UP_PATIENCE_SECONDS = 15.0


def launch_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start a launch; warn if the host is short of memory or disk.

    Raise NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_launchable(deployment, "launched")
    takes_room = not context.containers.of(deployment_id)
    warning = warning_before_launch(context=context) if takes_room else ""
    started = start_operation(OperationKind.LAUNCH, deployment, actor=actor, context=context)
    return replace(started, warning=warning)


def restart_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start a restart; launch a deployment that is down.

    Raise NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_launchable(deployment, "restarted")
    require_engine(deployment_id, context)
    return start_operation(OperationKind.RESTART, deployment, actor=actor, context=context)


def require_launchable(deployment: Deployment, undone: str) -> None:
    """Raise DeploymentInvalid if a folder lacks what Compose needs."""
    if deployment.problem:
        raise DeploymentInvalid(
            f"The deployment was not {undone}: {deployment.problem}. Correct that in"
            f" {deployment.folder}, then try again."
        )
    if not deployment.has_compose_file:
        raise DeploymentInvalid(
            f"The deployment was not {undone}: {deployment.folder} has no docker-compose.yml."
            " Put the file back, or configure a new deployment."
        )


def perform_launch(op: OperationContext, recreate: bool = False) -> Run:
    """Roll back an interrupted update, then bring the gateway up; return the verified run.

    `recreate`: see `bring_up`. Raise OperationFailed, ComposeFailed, EngineError, Cancelled.
    """
    return bring_up(finish_or_undo(op), recreate)


def perform_restart(op: OperationContext) -> Run:
    """Restart a gateway and return the verified run.

    If Compose refuses a file, or an image can't be pulled, fail while the gateway still runs. Raise
    OperationFailed, ComposeFailed, EngineError, Cancelled.
    """
    return perform_launch(op, recreate=True)


def bring_up(op: OperationContext, recreate: bool = False) -> Run:
    """Bring a gateway up from its files and return the verified run.

    With `recreate`, prepare everything for the new container, then take the running one down. If
    the launch fails or is cancelled, keep the last words of the containers it started, and take
    them down. An earlier gateway that was not taken down yet keeps running.

    Raise OperationFailed, EngineError, Cancelled.
    """
    before = op.gateway()
    # In a crash loop, Docker waits longer before each restart, so recreate the container now.
    recreate = recreate or bool(before and before.state == "restarting")
    try:
        _start(op, before, recreate)
        with op.cancellation.allowed():
            return verify_gateway(op, before)
    except ComposeFailed as error:
        cause = compose_cause(error, op.deployment, op.context)
        _clear_away(op, before)
        raise OperationFailed(cause) from None
    except BaseException:
        _clear_away(op, before)
        raise


def _start(op: OperationContext, before: Container | None, recreate: bool) -> None:
    compose_file = read_compose_file(op.folder) or ""
    with op.cancellation.allowed():
        op.step(Step.CHECK, "docker compose config")
        images = compose_images(op.folder, _CONFIG_SECONDS)
        pull_missing(op, images)
    image = images.get(SERVICE) or next(iter(images.values()), op.context.settings.image)
    # Not cancellable while files are written: a cancellation would leave them half-written.
    op.step(Step.FOLDERS, "Preparing the data folders")
    prepare_data_folders(op, image)
    if recreate and before:
        take_down(op)
    else:
        # Compose replaces the container if the files have changed, so save the last words first.
        try_save_last_words(before, op.deployment, op.context, op.say)
    # Be patient: even if Compose is killed, the engine still creates the requested container.
    with op.cancellation.allowed(patience=_UP_PATIENCE_SECONDS):
        if before and before.state == "paused" and not recreate:
            op.step(Step.CREATE, "docker compose unpause")
            compose_unpause(op.deployment.id, _UP_SECONDS)
        op.step(Step.CREATE, "docker compose up -d")
        compose_up(op.folder, op.log, _UP_SECONDS)
    _record_applied(op, compose_file)


def _record_applied(op: OperationContext, compose_file: str) -> None:
    """Record which settings the container has. Without that record, pages only show less."""
    try:
        gateway = op.gateway()
        applied = applied_now(gateway.id if gateway else "", op.deployment.env, compose_file)
        write_applied(op.folder, applied)
    except EngineError as error:
        op.say(f"The applied settings could not be recorded: {error.detail}")
    except OSError as error:
        op.say(f"The applied settings could not be recorded: {error.strerror}")


def pull_missing(
    op: OperationContext, images: Mapping[str, str], env_file: Path | None = None
) -> None:
    """Pull the images that are missing on this host. Others may have been built here.

    `env_file` replaces `.env`. Raise OperationFailed, EngineError.
    """
    missing = {
        service: image for service, image in images.items() if not op.context.images.id_of(image)
    }
    if not missing:
        return
    named = f"{' '.join(missing)}  # {', '.join(missing.values())}"
    op.step(Step.PULL, f"docker compose pull {named}")
    try:
        seconds = op.context.settings.pull_timeout
        compose_pull(op.folder, list(missing), op.log, seconds, env_file)
    except ComposeFailed as error:
        cause = cause_of_pull(error, missing, op.deployment, op.context)
        raise OperationFailed(cause) from None


def _clear_away(op: OperationContext, before: Container | None) -> None:
    """Remove this launch's containers, which Docker would restart. Leave untouched ones alone.

    Best effort: the launch has failed already, and its own cause is the one to report.
    """
    try:
        containers = op.context.containers.of(op.deployment.id)
        gateway = op.deployment.gateway_in(containers)
        untouched = gateway and before and gateway.run == before.run
        if containers and not (untouched and gateway and gateway.state in ("running", "paused")):
            take_down(op)
            if op.context.containers.of(op.deployment.id):
                # A killed Compose may have requested containers that the engine created only now.
                take_down(op)
    except ComposeFailed as error:
        op.say(f"The containers could not be taken down: {last_words_of(error.output)}")
    except EngineError as error:
        op.say(f"The containers could not be taken down: {error.detail}")
