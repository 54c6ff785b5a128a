"""Launch: bring a gateway up, and call it done only when it is proven to work."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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
from app.core.diagnosis import Cause, engine_cause, exit_cause, last_words_of
from app.core.errors import (
    DeploymentInvalid,
    LaunchFailed,
    LaunchTimeout,
    TooManyWaiting,
)
from app.core.ladder import first_broken
from app.core.ports import probe_address
from app.core.secrets import Masker, secret_values
from app.engine.compose import (
    ComposeFailed,
    compose_down,
    compose_images,
    compose_pull,
    compose_up,
)
from app.engine.host import listener_on
from app.engine.probe import climb
from app.usecases.data_folders import prepare_data_folders
from app.usecases.last_words import keep_words_of
from app.usecases.operations import (
    OperationFailed,
    Started,
    describe,
    operation_of,
    start_operation,
)
from app.usecases.world import World

# Older scripts give up at 120 s.
WAIT_SECONDS = 110.0
_WAITING = BoundedSemaphore(20)

_CONFIG_SECONDS = 30.0
_UP_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 0.5
# OpenClaw's exit code for a configuration that another start can't mend.
_CONFIGURATION_ERROR = 78
_RESTARTS_TOLERATED = 1

Say = Callable[[str], None]


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
            ended.reason or "The launch was interrupted. Launch again.",
            extra={"operation": describe(ended), "cause": ended.code},
        )
    return ended


@dataclass(frozen=True, slots=True)
class _Launch:
    """One launch under way, in the operation process."""

    deployment: Deployment
    folder: Path
    world: World
    mask: Masker
    say: Say
    before: Container | None

    def gateway(self) -> Container | None:
        return gateway_of(self.world.containers.of(self.deployment.id))


def perform_launch(deployment: Deployment, *, world: World, say: Say) -> Run:
    """Do the launch and return the run that was proven to work.

    What a failed launch leaves behind is taken down, its last words kept; a
    gateway that ran before and was not touched stays. Raises OperationFailed, EngineError.
    """
    before = gateway_of(world.containers.of(deployment.id))
    launch = _Launch(
        deployment=deployment,
        folder=world.store.folder(deployment.id),
        world=world,
        mask=Masker(secret_values(deployment.env)),
        say=say,
        before=before,
    )
    try:
        _bring_up(launch)
        return _verify(launch)
    except ComposeFailed as error:
        cause = _compose_cause(launch, error)
        _take_down(launch)
        raise OperationFailed(cause) from None
    except OperationFailed:
        _take_down(launch)
        raise


def _bring_up(launch: _Launch) -> None:
    folder, say, settings = launch.folder, launch.say, launch.world.settings
    say("Reading docker-compose.yml")
    images = compose_images(folder, _CONFIG_SECONDS)
    missing = [name for name in images.values() if not launch.world.containers.image_id(name)]
    if missing:
        say(f"Pulling {', '.join(missing)}")
        compose_pull(folder, say, settings.pull_timeout)
    gateway_image = images.get(SERVICE) or next(iter(images.values()), settings.image)
    prepare_data_folders(launch.deployment, folder, gateway_image, say)
    say("docker compose up -d")
    compose_up(folder, say, _UP_SECONDS)


def _verify(launch: _Launch) -> Run:
    """Wait until the gateway proves that it works, or can't any more.

    `up --wait` would call a crash loop a success, so the rule is our own: the
    same run is up, and every rung of the ladder holds.
    """
    settings = launch.world.settings
    deadline = time.monotonic() + settings.launch_timeout
    address = probe_address(launch.deployment.env.get("BIND_ADDRESS", ""))
    port = launch.deployment.port
    assert port is not None, "a launch starts only with a port"
    launch.say("Waiting for the gateway to answer")
    told = ""
    while True:
        gateway = _still_there(launch)
        broken = first_broken(climb(address, port, launch.deployment.token))
        if broken is None and (run := _same_run(launch, gateway)):
            launch.say("The gateway answers and accepts the token")
            return run
        if broken and broken.name == "token" and "refuses" in broken.detail:
            raise OperationFailed(Cause("token_refused", broken.detail, ""))
        if broken and broken.detail != told:
            told = broken.detail
            launch.say(told)
        if time.monotonic() > deadline:
            raise OperationFailed(
                Cause(
                    "launch_timeout", f"not ready after {settings.launch_timeout:g} s: {told}", ""
                )
            )
        time.sleep(_LOOK_AGAIN_SECONDS)


def _same_run(launch: _Launch, before: Container) -> Run | None:
    """Return the run that was probed, if it is still the one that is up."""
    gateway = launch.gateway()
    if gateway and gateway.state == "running" and gateway.run == before.run:
        return gateway.run
    return None


def _still_there(launch: _Launch) -> Container:
    """Return the gateway's container. Raises OperationFailed where it ended or loops."""
    gateway = launch.gateway()
    if gateway is None or gateway.details is None:
        raise OperationFailed(
            Cause("container_gone", "Its container was removed while it was starting.", "")
        )
    details = gateway.details
    before = launch.before
    known = before.details if before and before.id == gateway.id else None
    restarts = details.restart_count - (known.restart_count if known else 0)
    ended = gateway.state in ("exited", "dead", "created")
    hopeless = gateway.state == "restarting" and details.exit_code == _CONFIGURATION_ERROR
    if ended or hopeless or restarts > _RESTARTS_TOLERATED:
        raise OperationFailed(_exit_cause(launch, gateway))
    return gateway


def _exit_cause(launch: _Launch, gateway: Container) -> Cause:
    details = gateway.details
    assert details is not None, "asked only for inspected containers"
    if details.error and gateway.state == "created":
        return _engine_cause(launch, details.error)
    lines = keep_words_of(gateway, launch.folder, launch.world.containers, launch.mask)
    return exit_cause(details.exit_code, details.out_of_memory, lines[-200:])


def _compose_cause(launch: _Launch, error: ComposeFailed) -> Cause:
    if error.timed_out:
        return Cause(
            "compose_timeout",
            "Compose did not come to an end in time and was ended.",
            "Look at Docker Engine's load and disk, then launch again.",
        )
    return _engine_cause(launch, error.output)


def _engine_cause(launch: _Launch, text: str) -> Cause:
    said = launch.mask(last_words_of(text))
    cause = engine_cause(text)
    if cause is None:
        return Cause("compose_failed", said, "")
    if cause.code == "port_taken":
        return Cause(cause.code, _who_has_the_port(launch), cause.next_step)
    return Cause(cause.code, f"{cause.words} {cause.next_step}", f"Docker's own words: {said}")


def _who_has_the_port(launch: _Launch) -> str:
    port = launch.deployment.port or 0
    own = launch.gateway()
    owner = launch.world.containers.publishers().get(port)
    if owner and not (own and own.name == owner):
        return f"Port {port} is taken by the container {owner}."
    program = listener_on(port)
    return f"Port {port} is taken by {program or 'another program'} on this host."


def _take_down(launch: _Launch) -> None:
    """Leave nothing that Docker would revive, but spare what this launch did not start."""
    gateway = launch.gateway()
    before = launch.before
    untouched = gateway and before and gateway.state == "running" and gateway.run == before.run
    if untouched or (gateway is None and before is None):
        return
    if gateway and gateway.state != "created":
        keep_words_of(gateway, launch.folder, launch.world.containers, launch.mask)
    launch.say("docker compose down")
    try:
        compose_down(launch.deployment.id, launch.say, launch.world.settings.stop_timeout)
    except ComposeFailed as error:
        launch.say(f"It could not be taken down: {last_words_of(error.output)}")
