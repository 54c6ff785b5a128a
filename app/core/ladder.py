"""The readiness ladder: what proves, rung by rung, that a gateway can be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.status import Status, Verdict


class RungState(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step. `detail` says what was seen; at a broken rung `next_step` says what to do.

    `hopeless`: it will not hold later either, unless somebody changes something.
    `code` is the gateway's own for what it refuses.
    """

    name: str
    state: RungState
    detail: str = ""
    milliseconds: int | None = None
    next_step: str = ""
    hopeless: bool = False
    code: str = ""


LABELS = {
    "container": "The container runs",
    "port": "Its port answers",
    "healthz": "/healthz says live",
    "readyz": "/readyz says ready",
    "websocket": "The WebSocket greets",
    "token": "It accepts the token of .env",
    "config_token": "openclaw.json has the same token",
}
# What a gateway calls a token that is not its own.
TOKEN_MISMATCH = "AUTH_TOKEN_MISMATCH"  # noqa: S105
_PROBED = ("port", "healthz", "readyz", "websocket", "token")


def passed(name: str, detail: str = "", milliseconds: int | None = None) -> Rung:
    return Rung(name, RungState.PASSED, detail, milliseconds)


def failed(
    name: str, detail: str, next_step: str = "", hopeless: bool = False, code: str = ""
) -> Rung:
    return Rung(name, RungState.FAILED, detail, None, next_step, hopeless, code)


def first_broken(rungs: Sequence[Rung]) -> Rung | None:
    return next((rung for rung in rungs if rung.state is RungState.FAILED), None)


def ladder(
    verdict: Verdict,
    probed: Sequence[Rung] | None,
    tokens_equal: bool | None,
    *,
    has_container: bool = True,
) -> tuple[Rung, ...]:
    """Return all rungs of a deployment, those above a broken one as pending.

    `probed` is None while no probe has come back; `tokens_equal` is None where
    `openclaw.json` is not ours to read; a launch has no container while it pulls.
    """
    rungs = [_container_rung(verdict, has_container)]
    if verdict.status.up and probed:
        rungs += probed
    rungs += [Rung(name, RungState.PENDING) for name in _PROBED[len(rungs) - 1 :]]
    rungs.append(_config_rung(tokens_equal))
    return tuple(rungs)


def _container_rung(verdict: Verdict, has_container: bool) -> Rung:
    if verdict.status.up and has_container:
        return passed("container", verdict.reason)
    if verdict.status is Status.FAILED:
        return failed("container", verdict.reason)
    return Rung("container", RungState.PENDING, verdict.reason)


def _config_rung(tokens_equal: bool | None) -> Rung:
    if tokens_equal is None:
        return Rung("config_token", RungState.PENDING, "only the gateway may read the file")
    if tokens_equal:
        return passed("config_token")
    return failed(
        "config_token", "The tokens differ.", "Launch again: that writes the one of .env into it."
    )
