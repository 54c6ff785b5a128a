"""Provider check: does the provider accept a gateway's key and model?

A short request is sent from inside the gateway. The check is not part of readiness, and only its
caller waits for it. The latest answer is kept in the deployment's folder, together with the run of
the gateway in which the check was made.
"""

import hashlib
import secrets
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from app.core.access.provider import ASK_SECONDS, ProviderAnswer, interpret, read_reply, remarks_on
from app.core.deployment import Deployment
from app.core.errors import EngineError, GatewayNotRunning
from app.core.operations.operation import OperationState
from app.core.records import as_record, parse_moment
from app.core.snapshot import Container
from app.core.status.status import Status
from app.engine.gateway.provider import NotAnswered
from app.store import history
from app.store.provider_answers import keep_answer, read_answer
from app.usecases.context import AppContext
from app.usecases.logs.masking import masker_for
from app.usecases.status.overview import DeploymentView

WAIT_SECONDS = 15.0
# The actor of the automatic check after each launch.
AUTOMATIC_ACTOR = "Deploy Agent"

_NOT_ANSWERED = {
    "no_node": (
        "The gateway's image has no node, so the provider can't be asked from inside it.",
        "Check the image's name in .env (OPENCLAW_IMAGE).",
    ),
    "container_busy": (
        "The gateway's container accepts no command: the container is paused or has just ended.",
        "Ask again when the gateway is running.",
    ),
    "no_output": (
        "The gateway's container did not report the provider's answer in time.",
        "Ask again. If this happens again, the container is short of memory or CPU time.",
    ),
}


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer with its time. `current`: the checked run of the gateway still goes on."""

    answer: ProviderAnswer
    at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """The provider check of one deployment. `askable`: the gateway is up, so a check can start."""

    kept: KeptAnswer | None
    asking: bool
    askable: bool


def latest_provider_check(view: DeploymentView, *, context: AppContext) -> ProviderCheck:
    """Return the latest answer. The first call after a launch starts a check."""
    deployment, gateway = view.deployment, view.gateway
    askable = gateway is not None and gateway.state == "running" and view.report.status.up
    asking = context.provider.is_asking(deployment.id)
    kept = _read_kept(deployment, gateway, context)
    if gateway and askable and not asking and _is_due(view, gateway, kept, context):
        _start(deployment, gateway, AUTOMATIC_ACTOR, context)
        asking = True
    return ProviderCheck(kept, asking, askable)


def start_provider_check(
    deployment_id: str, *, actor: str, context: AppContext
) -> Future[ProviderAnswer]:
    """Start a check in the background; the outcome is recorded in the history.

    Raises NotFound, EngineError, GatewayNotRunning.
    """
    deployment = context.store.load(deployment_id)
    gateway = deployment.gateway_in(context.containers.of(deployment_id))
    if gateway is None or gateway.state != "running":
        raise GatewayNotRunning(
            "The provider is asked from inside the gateway, with the gateway's own network and"
            " key. Launch the gateway, then ask again."
        )
    return _start(deployment, gateway, actor, context)


def ask_provider(deployment_id: str, *, actor: str, context: AppContext) -> bool:
    """Check the provider; return whether its answer arrived within WAIT_SECONDS.

    Raises NotFound, EngineError, GatewayNotRunning.
    """
    future = start_provider_check(deployment_id, actor=actor, context=context)
    with suppress(TimeoutError):
        future.result(WAIT_SECONDS)
    return future.done()


def _is_due(
    view: DeploymentView, gateway: Container, kept: KeptAnswer | None, context: AppContext
) -> bool:
    operation = view.deployment.operation
    verified = operation.verified if operation else None
    if operation is None or verified is None or operation.state is not OperationState.SUCCEEDED:
        return False
    if view.report.status is not Status.RUNNING or verified.container_id != gateway.id:
        return False
    run_id = _run_id(view.deployment, gateway)
    if (kept and kept.current) or context.provider_checked.get(view.deployment.id) == run_id:
        return False
    # Remember the check here too: if the answer can't be saved, the check must not repeat forever.
    context.provider_checked[view.deployment.id] = run_id
    return True


def _run_id(deployment: Deployment, gateway: Container) -> str:
    number = deployment.operation.number if deployment.operation else 0
    return f"{gateway.id}/{number}"


def _start(
    deployment: Deployment, gateway: Container, actor: str, context: AppContext
) -> Future[ProviderAnswer]:
    folder = context.store.folder(deployment.id)

    def ask_and_keep() -> ProviderAnswer:
        answer = _ask(deployment, gateway, context)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {**asdict(answer), "at": at, "occasion": _run_id(deployment, gateway)}
        with suppress(OSError):
            keep_answer(folder, entry)
        return answer

    def record(done: Future[ProviderAnswer]) -> None:
        answer = done.result()
        with suppress(OSError):
            history.record(folder, "ask provider", actor, code=answer.code, model=answer.model)

    future = context.provider.begin(deployment.id, ask_and_keep)
    future.add_done_callback(record)
    future.add_done_callback(lambda _: context.live_updates.publish())
    return future


def _ask(deployment: Deployment, gateway: Container, context: AppContext) -> ProviderAnswer:
    env = deployment.env
    nonce = secrets.token_hex(16)
    try:
        mask = masker_for(deployment, gateway, context)
        printed = context.provider.ask(
            gateway.id,
            base_url=env.get("OPENROUTER_BASE_URL", ""),
            model=env.get("OPENCLAW_MODEL", ""),
            nonce=nonce,
            seconds=ASK_SECONDS,
        )
    except NotAnswered as error:
        return ProviderAnswer(error.code, *_NOT_ANSWERED[error.code])
    except EngineError as error:
        return ProviderAnswer(error.code, error.detail)
    reply = read_reply(printed, mask)
    ours = hashlib.sha256(f"{nonce}{env.get('OPENROUTER_API_KEY', '')}".encode()).hexdigest()
    return replace(interpret(reply), remarks=remarks_on(reply, env, ours))


def _read_kept(
    deployment: Deployment, gateway: Container | None, context: AppContext
) -> KeptAnswer | None:
    entry = read_answer(context.store.folder(deployment.id))
    if entry is None:
        return None
    try:
        answer, at = as_record(ProviderAnswer, entry), parse_moment(entry["at"])
        run_id = entry["occasion"]
    except (KeyError, TypeError, ValueError):
        return None
    current = gateway is not None and run_id == _run_id(deployment, gateway)
    return KeptAnswer(answer, at, current)
