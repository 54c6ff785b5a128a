"""Launch: bring a gateway up, and call it done only when it is proven to work."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.core.deployment import Deployment
from app.core.diagnosis.causes import last_words_of
from app.core.errors import (
    DeploymentInvalid,
    EngineError,
    LaunchFailed,
    LaunchTimeout,
    UserError,
)
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation
from app.core.operations.steps import FOLDERS
from app.core.settings.compose_file import SERVICE
from app.core.snapshot import Container, Run
from app.engine.compose import (
    ComposeFailed,
    compose_images,
    compose_pull,
    compose_unpause,
    compose_up,
)
from app.store.applied_settings import applied_now, write_applied
from app.store.deployment_files import read_compose_file
from app.usecases.context import AppContext
from app.usecases.history.last_words import keep_words_if_it_can
from app.usecases.lifecycle.data_folders import prepare_data_folders
from app.usecases.lifecycle.take_down import take_down
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.operations import (
    OperationFailed,
    Say,
    Started,
    start_operation,
    wait_for,
)
from app.usecases.status.capacity import warning_before_launch
from app.usecases.status.causes import cause_of_pull, compose_cause
from app.usecases.updates.rollback import put_back

_CONFIG_SECONDS = 30.0
_UP_SECONDS = 120.0
_UP_PATIENCE_SECONDS = 15.0


def launch_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start the launch of a deployment; it goes on by itself. It may come with a warning.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "launched")
    takes_room = not context.containers.of(deployment_id)
    warning = warning_before_launch(context=context) if takes_room else ""
    started = start_operation(OperationKind.LAUNCH, deployment, actor=actor, context=context)
    return replace(started, warning=warning)


def refuse_what_cant_launch(deployment: Deployment, undone: str) -> None:
    """Raises DeploymentInvalid where a folder lacks what Compose needs."""
    if deployment.problem:
        raise DeploymentInvalid(
            f"It was not {undone}: {deployment.problem}. Correct that in {deployment.folder},"
            " then try again."
        )
    if not deployment.has_compose_file:
        raise DeploymentInvalid(
            f"It was not {undone}: {deployment.folder} has no docker-compose.yml."
            " Put it back, or configure a new deployment."
        )


def wait_for_launch(started: Started, *, context: AppContext) -> Operation | None:
    """Return how a launch ended, or None where it is still going on.

    Raises LaunchFailed or LaunchTimeout with its reason, TooManyWaiting.
    """

    def failure_for(ended: Operation) -> type[UserError]:
        return LaunchTimeout if ended.code == "launch_timeout" else LaunchFailed

    return wait_for(started, failure_for, context=context)


def perform_launch(op: OperationContext, anew: bool = False) -> Run:
    """Do the launch and return the run that was proven to work.

    An update that was broken off is undone first. Raises OperationFailed, EngineError, Cancelled.
    """
    try:
        op = put_back(op) or op
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, op.deployment, op.context)) from None
    return bring_up(op, anew)


def bring_up(op: OperationContext, anew: bool = False) -> Run:
    """Bring a gateway up from its files and return the run that was proven to work.

    `anew` takes down what runs, once everything is ready for what comes after it.
    What a failed or cancelled launch leaves behind is taken down, its last words
    kept, however it failed; a gateway that ran before and was not touched stays.
    Raises OperationFailed, EngineError, Cancelled.
    """
    deployment, context, say = op.deployment, op.context, op.say
    before = deployment.gateway_in(context.containers.of(deployment.id))
    # In a crash loop Docker waits longer and longer: what was mended is to count now.
    anew = anew or bool(before and before.state == "restarting")
    try:
        _start(op, before, anew)
        with op.cancellation.allowed():
            return verify_gateway(deployment, before, context=context, say=say)
    except ComposeFailed as error:
        cause = compose_cause(error, deployment, context)
        _clear_away(deployment, before, context, say)
        raise OperationFailed(cause) from None
    except BaseException:
        _clear_away(deployment, before, context, say)
        raise


def _start(op: OperationContext, before: Container | None, anew: bool) -> None:
    deployment, context, say, cancellation = (
        op.deployment,
        op.context,
        op.say,
        op.cancellation,
    )
    folder, settings = context.store.folder(deployment.id), context.settings
    compose_file = read_compose_file(folder) or ""
    with cancellation.allowed():
        say("docker compose config")
        images = compose_images(folder, _CONFIG_SECONDS)
        pull_missing(op, images)
    gateway_image = images.get(SERVICE) or next(iter(images.values()), settings.image)
    # Files are being written: this is not left half done.
    say(FOLDERS)
    prepare_data_folders(deployment, folder, gateway_image, say)
    if anew and before:
        take_down(deployment, context=context, say=say)
    else:
        # Compose puts another container in its place where the files were changed.
        keep_words_if_it_can(before, deployment, context, say)
    # The engine makes a container that it was asked for, also for a Compose that is gone.
    with cancellation.allowed(patience=_UP_PATIENCE_SECONDS):
        if before and before.state == "paused" and not anew:
            say("docker compose unpause")
            compose_unpause(deployment.id, _UP_SECONDS)
        say("docker compose up -d")
        compose_up(folder, say, _UP_SECONDS)
    _write_down(deployment, compose_file, context, say)


def _write_down(deployment: Deployment, compose_file: str, context: AppContext, say: Say) -> None:
    """Write down what is in force now; where that can't be, the pages only know less."""
    try:
        gateway = deployment.gateway_in(context.containers.of(deployment.id))
        applied = applied_now(gateway.id if gateway else "", deployment.env, compose_file)
        write_applied(context.store.folder(deployment.id), applied)
    except EngineError as error:
        say(f"What was applied could not be written down: {error.detail}")
    except OSError as error:
        say(f"What was applied could not be written down: {error.strerror}")


def pull_missing(
    op: OperationContext, images: Mapping[str, str], env_file: Path | None = None
) -> None:
    """Pull the images that are not on this host, and no others: they may be built here.

    `env_file` is what `.env` is to be. Raises OperationFailed, EngineError.
    """
    deployment, context, say = op.deployment, op.context, op.say
    missing = {
        service: image
        for service, image in images.items()
        if not context.containers.image_id(image)
    }
    if not missing:
        return
    say(f"docker compose pull {' '.join(missing)}  # {', '.join(missing.values())}")
    folder = context.store.folder(deployment.id)
    try:
        compose_pull(folder, list(missing), say, context.settings.pull_timeout, env_file)
    except ComposeFailed as error:
        raise OperationFailed(cause_of_pull(error, missing, deployment, context)) from None


def _clear_away(
    deployment: Deployment, before: Container | None, context: AppContext, say: Say
) -> None:
    """Leave nothing that Docker would revive, but spare what this launch did not start.

    Best effort: the launch has failed already, and its own cause is the one to tell.
    """
    try:
        containers = context.containers.of(deployment.id)
        gateway = deployment.gateway_in(containers)
        untouched = gateway and before and gateway.run == before.run
        if containers and not (untouched and gateway and gateway.state in ("running", "paused")):
            take_down(deployment, context=context, say=say)
            if context.containers.of(deployment.id):
                # What a Compose that was ended had asked for may have come since.
                take_down(deployment, context=context, say=say)
    except ComposeFailed as error:
        say(f"It could not be taken down: {last_words_of(error.output)}")
    except EngineError as error:
        say(f"It could not be taken down: {error.detail}")
