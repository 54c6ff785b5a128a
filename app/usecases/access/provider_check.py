"""Answer: whether the provider takes a gateway's key and model, asked from inside the gateway.

It stands apart from readiness: nothing waits for it but a caller who asks. The latest
answer is kept in the deployment's folder, with the run that it was given to.
"""

import hashlib
import secrets
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.core.access.provider import (
    ASK_SECONDS,
    ProviderAnswer,
    interpret,
    read_reply,
    remarks_on,
    unanswered,
)
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
# Who asks where nobody did: once after each launch.
ITSELF = "Deploy Agent"

_NOT_HEARD = {
    "no_node": (
        "The gateway's image has no node, so the provider can't be asked from inside it.",
        "Check the image's name in .env (OPENCLAW_IMAGE).",
    ),
    "container_busy": (
        "The gateway's container takes no command now: it is paused, or just ended.",
        "Ask again when it runs.",
    ),
    "no_output": (
        "The gateway's container did not say in time what the provider answered.",
        "Ask again. If it stays, the container is short of memory or of processor time.",
    ),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer with its time. `current` says that the gateway that was asked still runs."""

    answer: ProviderAnswer
    at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of the provider's answer to one deployment."""

    kept: Kept | None
    asking: bool
    askable: bool


def latest_answer(view: DeploymentView, *, context: AppContext) -> Heard:
    """Return what is known; after a launch, the first who looks has the provider asked once."""
    deployment, gateway = view.deployment, view.gateway
    askable = gateway is not None and gateway.state == "running" and view.verdict.status.up
    asking = context.provider.is_asking(deployment.id)
    kept = _kept(deployment, gateway, context)
    if gateway and askable and not asking and _is_due(view, gateway, kept, context):
        _begin(deployment, gateway, ITSELF, context)
        asking = True
    return Heard(kept, asking, askable)


def begin_asking(deployment_id: str, *, actor: str, context: AppContext) -> Future[ProviderAnswer]:
    """Have the provider asked, beside; the outcome goes into the history.

    Raises NotFound, EngineError, GatewayNotRunning.
    """
    deployment = context.store.load(deployment_id)
    gateway = deployment.gateway_in(context.containers.of(deployment_id))
    if gateway is None or gateway.state != "running":
        raise GatewayNotRunning(
            "The provider is asked from inside the gateway, so that its own way and its own key"
            " are tried. Launch it, then ask."
        )
    return _begin(deployment, gateway, actor, context)


def ask_provider(deployment_id: str, *, actor: str, context: AppContext) -> bool:
    """Have the provider asked, and say whether the answer came within WAIT_SECONDS.

    Raises NotFound, EngineError, GatewayNotRunning.
    """
    future = begin_asking(deployment_id, actor=actor, context=context)
    with suppress(TimeoutError):
        future.result(WAIT_SECONDS)
    return future.done()


def _is_due(
    view: DeploymentView, gateway: Container, kept: Kept | None, context: AppContext
) -> bool:
    operation = view.deployment.operation
    verified = operation.verified if operation else None
    if operation is None or verified is None or operation.state is not OperationState.SUCCEEDED:
        return False
    if view.verdict.status is not Status.RUNNING or verified.container_id != gateway.id:
        return False
    occasion = _occasion(view.deployment, gateway)
    if (kept and kept.current) or context.asked.get(view.deployment.id) == occasion:
        return False
    # Also where the answer can't be kept, it is not asked for again and again.
    context.asked[view.deployment.id] = occasion
    return True


def _occasion(deployment: Deployment, gateway: Container) -> str:
    number = deployment.operation.number if deployment.operation else 0
    return f"{gateway.id}/{number}"


def _begin(
    deployment: Deployment, gateway: Container, actor: str, context: AppContext
) -> Future[ProviderAnswer]:
    folder = context.store.folder(deployment.id)

    def ask_and_keep() -> ProviderAnswer:
        answer = _ask(deployment, gateway, context)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = {**asdict(answer), "at": at, "occasion": _occasion(deployment, gateway)}
        with suppress(OSError):
            keep_answer(folder, entry)
        return answer

    def record(done: Future[ProviderAnswer]) -> None:
        answer = done.result()
        with suppress(OSError):
            history.record(folder, "ask provider", actor, code=answer.code, model=answer.model)

    future = context.provider.begin(deployment.id, ask_and_keep)
    future.add_done_callback(record)
    future.add_done_callback(lambda _: context.changes.beat())
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
        return unanswered(error.code, *_NOT_HEARD[error.code])
    except EngineError as error:
        return unanswered(error.code, error.detail, "")
    reply = read_reply(printed, mask)
    ours = hashlib.sha256(f"{nonce}{env.get('OPENROUTER_API_KEY', '')}".encode()).hexdigest()
    return replace(interpret(reply), remarks=remarks_on(reply, env, ours))


def _kept(deployment: Deployment, gateway: Container | None, context: AppContext) -> Kept | None:
    entry = read_answer(context.store.folder(deployment.id))
    if entry is None:
        return None
    try:
        answer, at = as_record(ProviderAnswer, entry), parse_moment(entry["at"])
        occasion = entry["occasion"]
    except (KeyError, TypeError, ValueError):
        return None
    current = gateway is not None and occasion == _occasion(deployment, gateway)
    return Kept(answer, at, current)


def describe_answer(heard: Heard) -> dict[str, Any]:
    """Return it as the API shows it."""
    kept = heard.kept
    if kept is None:
        return {"answer": None, "asking": heard.asking}
    answer = {**asdict(kept.answer), "at": kept.at.isoformat(), "current": kept.current}
    return {"answer": answer, "asking": heard.asking}
