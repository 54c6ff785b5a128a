"""Launch: bring a gateway up, and call it done only when it is proven to work."""

import subprocess
from threading import BoundedSemaphore

from app.core.composefile import SERVICE
from app.core.deployment import (
    Container,
    Deployment,
    Operation,
    OperationKind,
    OperationState,
    Run,
    gateway_of,
)
from app.core.diagnosis import last_words_of
from app.core.errors import DeploymentInvalid, LaunchFailed, LaunchTimeout, TooManyWaiting
from app.core.secrets import Masker, secret_values
from app.engine.compose import (
    ComposeFailed,
    compose_down,
    compose_images,
    compose_pull,
    compose_up,
)
from app.usecases.causes import compose_cause
from app.usecases.data_folders import prepare_data_folders
from app.usecases.last_words import keep_words_of
from app.usecases.operations import (
    OperationFailed,
    Say,
    Started,
    describe,
    failure_of,
    operation_of,
    start_operation,
)
from app.usecases.verify import verify_gateway
from app.usecases.world import World

# Older scripts give up at 120 s.
WAIT_SECONDS = 110.0
_WAITING = BoundedSemaphore(20)

_CONFIG_SECONDS = 30.0
_UP_SECONDS = 120.0


def launch_deployment(deployment_id: str, *, actor: str, world: World) -> Started:
    """Start the launch of a deployment; it goes on by itself.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = world.store.load(deployment_id)
    if deployment.problem:
        raise DeploymentInvalid(
            f"It was not launched: {deployment.problem}. Correct {deployment.folder}/.env,"
            " then launch again."
        )
    if not deployment.has_compose_file:
        raise DeploymentInvalid(
            f"It was not launched: {deployment.folder} has no docker-compose.yml."
            " Put it back, or configure a new deployment."
        )
    world.containers.of(deployment_id)
    return start_operation(OperationKind.LAUNCH, deployment, actor=actor, world=world)


def wait_for_launch(started: Started, *, world: World) -> Operation | None:
    """Return how a launch ended, or None where it is still going on after WAIT_SECONDS.

    Raises LaunchFailed or LaunchTimeout with its reason, TooManyWaiting.
    """
    if not _WAITING.acquire(blocking=False):
        raise TooManyWaiting(
            "Twenty calls already wait for a launch. It was started all the same: ask for its"
            " status, or pass “wait”: false.",
            extra={"operation": describe(started.operation)},
        )
    try:
        started.process.wait(WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _WAITING.release()
    operation = started.operation
    ended = operation_of(operation.deployment_id, operation.number, world=world)
    if ended.state is not OperationState.SUCCEEDED:
        failure = LaunchTimeout if ended.code == "launch_timeout" else LaunchFailed
        raise failure(
            failure_of(ended),
            extra={"operation": describe(ended), "cause": ended.code},
        )
    return ended


def perform_launch(deployment: Deployment, *, world: World, say: Say) -> Run:
    """Do the launch and return the run that was proven to work.

    What a failed launch leaves behind is taken down, its last words kept; a
    gateway that ran before and was not touched stays. Raises OperationFailed, EngineError.
    """
    before = gateway_of(world.containers.of(deployment.id))
    try:
        _bring_up(deployment, world, say)
        return verify_gateway(deployment, before, world=world, say=say)
    except ComposeFailed as error:
        cause = compose_cause(error, deployment, world)
        _take_down(deployment, before, world, say)
        raise OperationFailed(cause) from None
    except OperationFailed:
        _take_down(deployment, before, world, say)
        raise


def _bring_up(deployment: Deployment, world: World, say: Say) -> None:
    folder, settings = world.store.folder(deployment.id), world.settings
    say("docker compose config")
    images = compose_images(folder, _CONFIG_SECONDS)
    missing = [name for name in images.values() if not world.containers.image_id(name)]
    if missing:
        say(f"docker compose pull  # {', '.join(missing)}")
        compose_pull(folder, say, settings.pull_timeout)
    gateway_image = images.get(SERVICE) or next(iter(images.values()), settings.image)
    prepare_data_folders(deployment, folder, gateway_image, say)
    say("docker compose up -d")
    compose_up(folder, say, _UP_SECONDS)


def _take_down(deployment: Deployment, before: Container | None, world: World, say: Say) -> None:
    """Leave nothing that Docker would revive, but spare what this launch did not start."""
    gateway = gateway_of(world.containers.of(deployment.id))
    running = gateway is not None and gateway.state == "running"
    if gateway and before and running and gateway.run == before.run:
        return
    if gateway and gateway.state != "created":
        mask = Masker(secret_values(deployment.env))
        keep_words_of(gateway, world.store.folder(deployment.id), world.containers, mask)
    say("docker compose down")
    try:
        compose_down(deployment.id, say, world.settings.stop_timeout)
    except ComposeFailed as error:
        say(f"It could not be taken down: {last_words_of(error.output)}")
