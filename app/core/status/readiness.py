"""Readiness checks, run one after the other: together they prove that a gateway can be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class CheckState(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """The result of one check. `detail` says what was found.

    `next_step` says what to do after a failure.

    `hopeless`: waiting won't fix the failure, somebody has to change something.
    `code` is the gateway's own error code if the gateway refuses something.
    """

    name: str
    state: CheckState
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
# The checks that query the gateway itself, in order.
GATEWAY_CHECKS = ("port", "healthz", "readyz", "websocket", "token")
# The gateway's error codes for a wrong token, and for a host that sent too many wrong tokens.
TOKEN_MISMATCH, LOCKED_OUT = "AUTH_TOKEN_MISMATCH", "AUTH_RATE_LIMITED"


def passed(name: str, detail: str = "", milliseconds: int | None = None) -> ReadinessCheck:
    return ReadinessCheck(name, CheckState.PASSED, detail, milliseconds)


def failed(
    name: str, detail: str, next_step: str = "", hopeless: bool = False, code: str = ""
) -> ReadinessCheck:
    return ReadinessCheck(name, CheckState.FAILED, detail, None, next_step, hopeless, code)


def first_failed(checks: Sequence[ReadinessCheck]) -> ReadinessCheck | None:
    """Return the first failed check; None if an earlier check is still pending."""
    first = next((each for each in checks if each.state is not CheckState.PASSED), None)
    return first if first and first.state is CheckState.FAILED else None


def decisive_failure(checks: Sequence[ReadinessCheck], publishes: bool) -> ReadinessCheck | None:
    """Return the failed check that makes a gateway `unhealthy` although its container is up.

    Checks that do not apply are skipped: a token that `.env` does not have, a gateway that is
    not ready yet, a protocol that is not ours. A gateway that does not publish its port
    (`publishes`) may be reachable elsewhere.
    """
    check = first_failed(checks)
    if check is None or check.name == "readyz":
        return None
    if check.name == "port":
        return check if publishes else None
    if check.name == "token" and check.hopeless:
        return check if check.code in (TOKEN_MISMATCH, LOCKED_OUT) else None
    return check


@dataclass(frozen=True, slots=True)
class Readiness:
    """The results of the checks in one run of a gateway. `failed_check` failed twice in a row.

    `has_passed`: all checks passed at least once in this run. Before that, the gateway may take
    `grace` to start.
    """

    container_id: str
    started_at: datetime | None
    failed_check: ReadinessCheck | None
    has_passed: bool
    grace: timedelta
