"""The whole readiness ladder of a deployment, with what its gateway was not asked."""

from collections.abc import Sequence

from app.core.status.readiness_checks import PROBED, Rung, RungState, failed, first_broken, passed
from app.core.status.status import Status, Verdict


def ladder(
    verdict: Verdict,
    probed: Sequence[Rung] | None,
    tokens_equal: bool | None,
    *,
    has_container: bool = True,
) -> tuple[Rung, ...]:
    """Return all rungs of a deployment, those above a broken one as pending.

    `probed` is None while no probe has come back; `tokens_equal` is None where
    `openclaw.json` is not ours to read; a launch has no container while it pulls. What a
    broken rung says itself is not said of the container too.
    """
    told = verdict.status is Status.UNHEALTHY and first_broken(probed or ()) is not None
    rungs = [_container_rung(verdict, has_container, "" if told else verdict.reason)]
    if verdict.status.up and probed:
        rungs += probed
    rungs += [Rung(name, RungState.PENDING) for name in PROBED[len(rungs) - 1 :]]
    rungs.append(_config_rung(tokens_equal))
    return tuple(rungs)


def _container_rung(verdict: Verdict, has_container: bool, reason: str) -> Rung:
    if verdict.status.up and has_container:
        return passed("container", reason)
    if verdict.status is Status.FAILED:
        return failed("container", reason)
    return Rung("container", RungState.PENDING, reason)


def _config_rung(tokens_equal: bool | None) -> Rung:
    if tokens_equal is None:
        return Rung("config_token", RungState.PENDING, "only the gateway may read the file")
    if tokens_equal:
        return passed("config_token")
    return failed(
        "config_token", "The tokens differ.", "Launch again: that writes the one of .env into it."
    )
