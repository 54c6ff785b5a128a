"""Last words: what a gateway said and how it ended, kept before its container goes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import EngineError
from app.core.secrets import Masker, readable
from app.core.snapshot import Container
from app.core.text import lines_of
from app.store.last_words import LastWords, keep_last_words, words_in, words_of
from app.usecases.context import AppContext
from app.usecases.logs.masking import masker_for

KEPT_LINES = 2000
EXCERPT_LINES = 10
_LONGEST_EXCERPT = 300
# The engine tells of an end a little before or after the last line is written down.
_LATE = timedelta(seconds=2)


def said_by(
    gateway: Container, deployment: Deployment, lines: int, context: AppContext
) -> list[str]:
    """Return a container's last lines, without times and secrets. Raises EngineError."""
    mask = masker_for(deployment, gateway, context)
    log = context.containers.logs(gateway.id, lines)
    return _without_times(readable(log.decode(errors="replace"), mask))


def keep_words_of(gateway: Container, deployment: Deployment, context: AppContext) -> list[str]:
    """Keep a gateway's last lines, exit code and health, and return the lines without times.

    Raises EngineError, or OSError from the disk.
    """
    mask = masker_for(deployment, gateway, context)
    log = context.containers.logs(gateway.id, KEPT_LINES)
    inspected = context.containers.description(gateway.id)
    words = last_words_from(gateway.id, log, inspected, mask)
    keep_last_words(context.store.folder(deployment.id), words)
    return _without_times(words.log)


def _without_times(log: str) -> list[str]:
    return [line.partition(" ")[2] for line in lines_of(log)]


def keep_words_if_it_can(
    gateway: Container | None,
    deployment: Deployment,
    context: AppContext,
    say: Callable[[str], None],
) -> None:
    """Keep a gateway's words before it goes; where they can't be had, that holds nothing up."""
    try:
        if gateway and gateway.state != "created":
            keep_words_of(gateway, deployment, context)
    except (EngineError, OSError) as error:
        said = error.detail if isinstance(error, EngineError) else error.strerror
        say(f"Its last words could not be kept: {said}")


def last_words_from(
    container_id: str, log: bytes, inspected: Mapping[str, Any], mask: Masker
) -> LastWords:
    """Put together what is known of a container that ended, with no secret in it."""
    said = _readable(inspected, mask)
    state = said.get("State") or {}
    health = state.get("Health") or {}
    checks = health.get("Log") or [{}]
    ended = state.get("Status") not in ("running", "paused", "restarting", None)
    return LastWords(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        exit_code=state.get("ExitCode") if ended else None,
        health=_health_in(health, ended),
        log=readable(log.decode(errors="replace"), mask),
        container=container_id,
        created=_seconds(said.get("Created")),
        health_output=str(checks[-1].get("Output") or ""),
        inspect=said,
    )


def _health_in(health: Mapping[str, Any], ended: bool) -> str:
    """Return a gateway's health; Docker calls whatever has ended unhealthy."""
    checks = health.get("Log") or ()
    if not ended:
        return str(health.get("Status") or "")
    if not checks:
        return ""
    return "unhealthy" if checks[-1].get("ExitCode") else "healthy"


def as_it_ended(
    described: Mapping[str, Any], exit_code: int | None, at: datetime
) -> dict[str, Any]:
    """Return what the engine would say of a container that it has forgotten by now."""
    ending = {"Status": "removed", "Running": False, "ExitCode": exit_code}
    state = {**described["State"], **ending, "FinishedAt": at.isoformat()}
    return {**described, "State": state}


def excerpt_of(folder: Path, container: str, at: datetime) -> tuple[str, ...]:
    """Return the last lines that a container had said when it ended, without their times."""
    path = words_of(folder, container)
    if path is None:
        return ()
    return _excerpt(path, path.stat().st_mtime_ns, (at + _LATE).isoformat())


@lru_cache(1024)
def _excerpt(path: Path, _changed: int, until: str) -> tuple[str, ...]:
    words = words_in(path)
    if words is None:
        return ()
    parted = (line.partition(" ") for line in lines_of(words.log))
    said = [text[:_LONGEST_EXCERPT] for time, _, text in parted if time[:26] <= until[:26]]
    return tuple(said[-EXCERPT_LINES:])


def _readable(value: Any, mask: Masker) -> Any:
    """Return what the engine said, each text in it readable: as one text it would be cut."""
    match value:
        case str():
            return readable(value, mask)
        case dict():
            return {key: _readable(each, mask) for key, each in value.items()}
        case list():
            return [_readable(each, mask) for each in value]
    return value


def _seconds(created: str | None) -> int:
    try:
        return int(datetime.fromisoformat(str(created)[:19] + "+00:00").timestamp())
    except ValueError:
        return int(datetime.now(UTC).timestamp())
