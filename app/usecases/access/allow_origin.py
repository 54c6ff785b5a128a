"""Allow origin: let a gateway's page be opened under one more name, or leave all as it was."""

from pathlib import Path

from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause
from app.core.errors import (
    DeploymentInvalid,
    EngineError,
    InputRejected,
    LaunchFailed,
    LaunchTimeout,
    UserError,
)
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation
from app.core.operations.steps import Step
from app.core.settings.openclaw_config import (
    ConfigUnreadable,
    OriginRejected,
    format_config,
    parse_config,
    parse_origin,
    with_origin,
)
from app.core.snapshot import Container, Run
from app.engine.compose import ComposeFailed, compose_restart, compose_unpause
from app.store.files import Unreadable
from app.usecases.context import AppContext
from app.usecases.lifecycle.data_folders import (
    image_for,
    read_openclaw_config,
    write_openclaw_config,
)
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, start_operation
from app.usecases.operations.wait import wait_for
from app.usecases.status.causes import compose_cause

_UNPAUSE_SECONDS = 60.0


def allow_origin(deployment_id: str, origin: str, *, actor: str, context: AppContext) -> Started:
    """Start allowing an origin: one operation over file, restart and proof.

    Raises NotFound, DeploymentInvalid, InputRejected, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    if deployment.problem or deployment.port is None:
        raise DeploymentInvalid(
            f"Nothing was changed: {deployment.problem}. Correct that in {deployment.folder}."
        )
    try:
        checked = parse_origin(origin.strip(), deployment.port)
    except OriginRejected as rejected:
        raise InputRejected({"origin": str(rejected)}) from None
    context.containers.of(deployment_id)
    return start_operation(
        OperationKind.ALLOW_ORIGIN,
        deployment,
        actor=actor,
        context=context,
        arguments={"origin": checked},
    )


def wait_for_allowed(started: Started, *, context: AppContext) -> Operation | None:
    """Return how it ended, or None where it is still going on.

    Raises LaunchFailed or LaunchTimeout with its reason, TooManyWaiting.
    """

    def failure_for(ended: Operation) -> type[UserError]:
        return LaunchTimeout if ended.code == "launch_timeout" else LaunchFailed

    return wait_for(started, failure_for, context=context)


def perform_allow_origin(op: OperationContext) -> Run | None:
    """Write the argument `origin` into `openclaw.json`, restart the gateway and see that it works.

    Return its run, or None where it is not up: its next launch reads the file.
    It is restarted also where the file had the origin: the gateway may not have
    read it yet. Raises OperationFailed, EngineError.
    """
    deployment, context = op.deployment, op.context
    origin = op.operation.arguments.get("origin", "")
    gateway = deployment.gateway_in(context.containers.of(deployment.id))
    folder = context.store.folder(deployment.id)
    image = image_for(deployment, gateway, context)
    try:
        before, after = _changed(deployment, origin, folder, image)
        if before == after:
            op.step(Step.WRITE, f"config/openclaw.json allows {origin} already")
        else:
            op.step(Step.WRITE, f"Writing {origin} into config/openclaw.json")
            write_openclaw_config(folder, image, after)
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, deployment, context)) from None
    if gateway is None or not gateway.is_up:
        op.say("It is not up: its next launch reads the file")
        return None
    try:
        return _restarted(op, gateway)
    except OperationFailed as failure:
        if before == after:
            raise
        raise _undone(failure, op, gateway, (before, after)) from None


def _changed(deployment: Deployment, origin: str, folder: Path, image: str) -> tuple[bytes, bytes]:
    """Return the file as it is and as it is to be. Raises OperationFailed, ComposeFailed."""
    try:
        before = read_openclaw_config(folder, image)
        if not before:
            raise OperationFailed(
                Cause(
                    "config_missing",
                    "There is no config/openclaw.json yet, so nothing was changed.",
                    "Launch it once, which makes the file; then allow the name.",
                )
            )
        config = parse_config(before)
    except (Unreadable, ConfigUnreadable) as error:
        raise OperationFailed(
            Cause(
                "config_unreadable",
                f"Nothing was changed: {_words_of(error)}, and Deploy Agent rewrites no other.",
                f"Add {origin} to gateway.controlUi.allowedOrigins by hand, beside localhost and"
                " 127.0.0.1, then stop and launch.",
            )
        ) from None
    changed = with_origin(config, origin, deployment.port or 0)
    return before, before if changed == config else format_config(changed)


def _words_of(error: Exception) -> str:
    return f"config/openclaw.json {error}" if isinstance(error, Unreadable) else str(error)


def _restarted(op: OperationContext, gateway: Container) -> Run:
    """Restart the gateway and return the verified run. Raise OperationFailed."""
    deployment, context = op.deployment, op.context
    try:
        if gateway.state == "paused":
            op.say("docker compose unpause")
            compose_unpause(deployment.id, _UNPAUSE_SECONDS)
        op.step(Step.RESTART, "docker compose restart")
        compose_restart(deployment.id, context.settings.stop_timeout)
        # Its restarts count from here: those of the run before are not this one's.
        begun = deployment.gateway_in(context.containers.of(deployment.id))
        return verify_gateway(op, begun)
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, deployment, context)) from None
    except EngineError as error:
        raise OperationFailed(Cause(error.code, error.detail, "")) from None


def _undone(
    failure: OperationFailed, op: OperationContext, gateway: Container, files: tuple[bytes, bytes]
) -> OperationFailed:
    """Put the file back and restart; return the failure with how that went."""
    before, after = files
    folder, cause = op.folder, failure.cause
    op.say(cause.sentence)
    try:
        if read_openclaw_config(folder, gateway.image) != after:
            op.say("config/openclaw.json was changed meanwhile, so it is left alone")
            return failure
        op.say("Putting config/openclaw.json back as it was")
        write_openclaw_config(folder, gateway.image, before)
        run = _restarted(op, gateway)
    except OperationFailed as again:
        words = f"{cause.words} With the file as it was before, too: {again.cause.words}"
        return OperationFailed(Cause(cause.code, words, again.cause.next_step, fix=again.cause.fix))
    except (ComposeFailed, Unreadable, OSError):
        words = f"{cause.words} The file could not be put back as it was."
        return OperationFailed(Cause(cause.code, words, cause.next_step))
    words = f"{cause.words} The name is not allowed; the file is as it was, and the gateway runs."
    return OperationFailed(Cause(cause.code, words, cause.next_step), run)
