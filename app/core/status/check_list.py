"""All readiness checks of a deployment: checks of its gateway, its container and its files."""

from collections.abc import Sequence

from app.core.status.readiness import (
    GATEWAY_CHECKS,
    CheckState,
    ReadinessCheck,
    failed,
    first_failed,
    passed,
)
from app.core.status.status import Status, StatusReport


def check_list(
    report: StatusReport,
    gateway_checks: Sequence[ReadinessCheck] | None,
    tokens_equal: bool | None,
    *,
    has_container: bool = True,
) -> tuple[ReadinessCheck, ...]:
    """Return every check in order; the checks after a failed check are pending.

    `gateway_checks` is None before the gateway's checks have run. `tokens_equal` is None if we may
    not read `openclaw.json`. During a pull a launch has no container yet.
    """
    # A failed check gives the reason, so the container's check does not repeat the reason.
    explained = report.status is Status.UNHEALTHY and first_failed(gateway_checks or ()) is not None
    checks = [_container_check(report, has_container, "" if explained else report.reason)]
    if report.status.up and gateway_checks:
        checks += gateway_checks
    checks += [
        ReadinessCheck(name, CheckState.PENDING) for name in GATEWAY_CHECKS[len(checks) - 1 :]
    ]
    checks.append(_config_check(tokens_equal))
    return tuple(checks)


def _container_check(report: StatusReport, has_container: bool, reason: str) -> ReadinessCheck:
    if report.status.up and has_container:
        return passed("container", reason)
    if report.status is Status.FAILED:
        return failed("container", reason)
    return ReadinessCheck("container", CheckState.PENDING, reason)


def _config_check(tokens_equal: bool | None) -> ReadinessCheck:
    if tokens_equal is None:
        return ReadinessCheck(
            "config_token", CheckState.PENDING, "only the gateway may read the file"
        )
    if tokens_equal:
        return passed("config_token")
    return failed(
        "config_token",
        "The tokens differ.",
        "Launch again: this writes the token of .env into openclaw.json.",
    )
