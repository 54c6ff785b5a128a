"""Allow origin: add a name under which browsers may open a gateway's page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.errors import DeploymentInvalid, InputRejected
from app.core.operations.kinds import OperationKind
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
from app.engine.compose import compose_restart, compose_unpause
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
from app.usecases.operations.start import Started, require_engine, start_operation
from app.usecases.operations.transaction import RUNS, run_transaction

_CONFIG = "config/openclaw.json"
_UNPAUSE_SECONDS = 60.0


def allow_origin(deployment_id: str, origin: str, *, actor: str, context: AppContext) -> Started:
    """Start allowing an origin: write `openclaw.json`, restart the gateway, verify it.

    Raise NotFound, DeploymentInvalid, InputRejected, Busy, StorageFailed, EngineError.
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
    require_engine(deployment_id, context)
    return start_operation(
        OperationKind.ALLOW_ORIGIN,
        deployment,
        actor=actor,
        context=context,
        arguments={"origin": checked},
    )


def perform_allow_origin(op: OperationContext) -> Run | None:
    """Write the argument `origin` into `openclaw.json`, restart the gateway and verify it.

    Return the verified run, or None if the gateway is down: its next launch reads the file. Restart
    the gateway even if the file has the origin already: the gateway may not have read it yet. Raise
    OperationFailed, ComposeFailed, EngineError, OSError.
    """
    origin = op.operation.arguments.get("origin", "")
    gateway = op.gateway()
    image = image_for(op.deployment, gateway, op.context)
    before, after = _old_and_new(op, origin, image)
    if before == after:
        op.step(Step.WRITE, f"{_CONFIG} allows {origin} already")
    else:
        op.step(Step.WRITE, f"Writing {origin} into {_CONFIG}")
        write_openclaw_config(op.folder, image, after)
    if gateway is None or not gateway.is_up:
        op.say("The gateway is not up: its next launch reads the file")
        return None
    change = _ConfigChange(gateway, before, after)
    return change.apply(op) if before == after else run_transaction(op, change)


@dataclass(frozen=True, slots=True)
class _ConfigChange:
    """The change of `openclaw.json` for a gateway that is up."""

    gateway: Container
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)

    old = f"The old {_CONFIG}"

    def apply(self, op: OperationContext) -> Run:
        return _restart(op, self.gateway)

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        current = read_openclaw_config(op.folder, self.gateway.image)
        if current not in (self.before, self.after):
            return [_CONFIG]
        write_openclaw_config(op.folder, self.gateway.image, self.before)
        return []

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        return RUNS, _restart(op, self.gateway)


def _old_and_new(op: OperationContext, origin: str, image: str) -> tuple[bytes, bytes]:
    """Return the content of `openclaw.json` before and after the change.

    Raise OperationFailed, ComposeFailed, OSError.
    """
    try:
        before = read_openclaw_config(op.folder, image)
        if not before:
            raise OperationFailed.of(
                "config_missing",
                f"There is no {_CONFIG} yet, so nothing was changed.",
                "Launch the gateway once, which makes the file. Then allow the name.",
            )
        config = parse_config(before)
    except (Unreadable, ConfigUnreadable) as error:
        raise OperationFailed.of(
            "config_unreadable",
            f"Nothing was changed: {_words_of(error)}, so Deploy Agent leaves the file alone.",
            f"Add {origin} to gateway.controlUi.allowedOrigins by hand, beside localhost and"
            " 127.0.0.1, then stop and launch.",
        ) from None
    changed = with_origin(config, origin, op.deployment.port or 0)
    return before, before if changed == config else format_config(changed)


def _words_of(error: Exception) -> str:
    return f"{_CONFIG} {error}" if isinstance(error, Unreadable) else str(error)


def _restart(op: OperationContext, gateway: Container) -> Run:
    """Restart the gateway, which may be paused, and return the verified run.

    Raise OperationFailed, ComposeFailed, EngineError.
    """
    if gateway.state == "paused":
        op.say("docker compose unpause")
        compose_unpause(op.deployment.id, _UNPAUSE_SECONDS)
    op.step(Step.RESTART, "docker compose restart")
    compose_restart(op.deployment.id, op.context.settings.stop_timeout)
    # Count restarts from here: the new container data excludes the restarts of the previous run.
    return verify_gateway(op, op.gateway())
