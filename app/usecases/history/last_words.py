"""Last words: a gateway's last log lines, exit code and health, kept when its container ends."""

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
from app.store.last_words import LastWords, last_words_file, read_last_words, save_last_words
from app.usecases.context import AppContext
from app.usecases.logs.masking import masker_for

KEPT_LINES = 2000
EXCERPT_LINES = 10
_LONGEST_EXCERPT = 300
# Docker may report a container's end up to two seconds before its log has the last line.
_LOG_DELAY = timedelta(seconds=2)


def last_log_lines(
    gateway: Container, deployment: Deployment, lines: int, context: AppContext
) -> list[str]:
    """Return a container's last log lines, without times and secrets. Raises EngineError."""
    mask = masker_for(deployment, gateway, context)
    log = context.containers.logs(gateway.id, lines)
    return _without_times(readable(log.decode(errors="replace"), mask))


def save_last_words_of(
    gateway: Container, deployment: Deployment, context: AppContext
) -> list[str]:
    """Save a gateway's last words, and return its log lines without times.

    Raises EngineError, or OSError from the disk.
    """
    mask = masker_for(deployment, gateway, context)
    log = context.containers.logs(gateway.id, KEPT_LINES)
    inspected = context.containers.description(gateway.id)
    words = build_last_words(gateway.id, log, inspected, mask)
    save_last_words(context.store.folder(deployment.id), words)
    return _without_times(words.log)


def _without_times(log: str) -> list[str]:
    return [line.partition(" ")[2] for line in lines_of(log)]


def try_save_last_words(
    gateway: Container | None,
    deployment: Deployment,
    context: AppContext,
    say: Callable[[str], None],
) -> None:
    """Save a gateway's last words before its removal; on failure, report that and continue."""
    try:
        if gateway and gateway.state != "created":
            save_last_words_of(gateway, deployment, context)
    except (EngineError, OSError) as error:
        reason = error.detail if isinstance(error, EngineError) else error.strerror
        say(f"The last words could not be saved: {reason}")


def build_last_words(
    container_id: str, log: bytes, inspected: Mapping[str, Any], mask: Masker
) -> LastWords:
    """Return the last words of a container, secrets masked.

    `inspected` is the engine's inspect response; `log` is the raw log.
    """
    description = _masked(inspected, mask)
    state = description.get("State") or {}
    health = state.get("Health") or {}
    checks = health.get("Log") or [{}]
    ended = state.get("Status") not in ("running", "paused", "restarting", None)
    return LastWords(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        exit_code=state.get("ExitCode") if ended else None,
        health=_health_in(health, ended),
        log=readable(log.decode(errors="replace"), mask),
        container=container_id,
        created=_epoch_seconds(description.get("Created")),
        health_output=str(checks[-1].get("Output") or ""),
        inspect=description,
    )


def _health_in(health: Mapping[str, Any], ended: bool) -> str:
    """Return a gateway's health; after its end, by the last check.

    Docker calls every ended container unhealthy.
    """
    checks = health.get("Log") or ()
    if not ended:
        return str(health.get("Status") or "")
    if not checks:
        return ""
    return "unhealthy" if checks[-1].get("ExitCode") else "healthy"


def describe_removed(
    inspected: Mapping[str, Any], exit_code: int | None, at: datetime
) -> dict[str, Any]:
    """Return the last inspect response of a removed container, with its end added."""
    ending = {"Status": "removed", "Running": False, "ExitCode": exit_code}
    state = {**inspected["State"], **ending, "FinishedAt": at.isoformat()}
    return {**inspected, "State": state}


def excerpt_of(folder: Path, container: str, at: datetime) -> tuple[str, ...]:
    """Return the last log lines before a container ended at `at`, without timestamps."""
    path = last_words_file(folder, container)
    if path is None:
        return ()
    return _excerpt(path, path.stat().st_mtime_ns, (at + _LOG_DELAY).isoformat())


@lru_cache(1024)
def _excerpt(path: Path, _changed: int, until: str) -> tuple[str, ...]:
    words = read_last_words(path)
    if words is None:
        return ()
    parted = (line.partition(" ") for line in lines_of(words.log))
    said = [text[:_LONGEST_EXCERPT] for time, _, text in parted if time[:26] <= until[:26]]
    return tuple(said[-EXCERPT_LINES:])


def _masked(value: Any, mask: Masker) -> Any:
    """Mask and clean each text of an inspect response alone: one joined text would be cut off."""
    match value:
        case str():
            return readable(value, mask)
        case dict():
            return {key: _masked(each, mask) for key, each in value.items()}
        case list():
            return [_masked(each, mask) for each in value]
    return value


def _epoch_seconds(created: str | None) -> int:
    try:
        return int(datetime.fromisoformat(str(created)[:19] + "+00:00").timestamp())
    except ValueError:
        return int(datetime.now(UTC).timestamp())
