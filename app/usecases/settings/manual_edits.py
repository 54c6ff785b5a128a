"""Manual edits: records which keys somebody edited by hand in a deployment's files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.deployment import Deployment
from app.core.history.incidents import BY_HAND
from app.core.history.timeline import TimelineEntry
from app.core.history.timeline_words import COMPOSE_EDITED, ENV_EDITED, EntryKind
from app.core.operations.kinds import OperationKind
from app.store import history
from app.usecases.context import AppContext
from app.usecases.history.history import latest_entries

# Our own changes are in the history within this time of the file's modification time.
_CLOSE = timedelta(seconds=5)
_RECENT_ENTRIES = 10
_RECENT = timedelta(minutes=1)
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class _FileState:
    """A deployment's files at one poll: values of `.env`, modification times of both files."""

    env: Mapping[str, str]
    env_at: datetime
    compose_at: datetime

    def is_fresh(self, before: "_FileState") -> bool:
        """Return whether a file was modified within the last seconds.

        If we changed the file ourselves, the history entry may not be written yet.
        """
        times = ((self.env_at, before.env_at), (self.compose_at, before.compose_at))
        since = datetime.now(UTC) - _CLOSE
        return any(now != then and now > since for now, then in times)


class ManualEdits:
    """Remembers each deployment's files from one poll to the next."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._states: dict[str, _FileState] = {}

    def poll(self) -> None:
        """Record the edits since the previous poll. Raises OSError."""
        deployments = self._context.store.scan()
        for gone in self._states.keys() - {each.id for each in deployments}:
            del self._states[gone]
        for deployment in deployments:
            self._compare(deployment)

    def _compare(self, deployment: Deployment) -> None:
        before = self._states.get(deployment.id)
        env_at, compose_at = deployment.env_at or _NEVER, deployment.compose_at or _NEVER
        if before and (before.env_at, before.compose_at) == (env_at, compose_at):
            return
        now = _FileState(deployment.env, env_at, compose_at)
        if before is None:
            self._states[deployment.id] = now
        elif not (deployment.problem or deployment.running_operation or now.is_fresh(before)):
            self._states[deployment.id] = now
            self._record_edits(deployment, before, now)

    def _record_edits(self, deployment: Deployment, before: _FileState, now: _FileState) -> None:
        folder = self._context.store.folder(deployment.id)
        keys = _differing(before.env, now.env)
        if keys and self._is_by_hand(deployment, now.env_at):
            self._record(folder, ENV_EDITED, now.env_at, keys=keys)
        if now.compose_at != before.compose_at and self._is_by_hand(deployment, now.compose_at):
            self._record(folder, COMPOSE_EDITED, now.compose_at)

    def _is_by_hand(self, deployment: Deployment, at: datetime) -> bool:
        found = latest_entries(deployment.id, _RECENT_ENTRIES, context=self._context)
        return not any(_may_write(each) and _is_close(each, at) for each in found)

    def _record(self, folder: Path, what: str, at: datetime, **more: object) -> None:
        now = datetime.now(UTC)
        # A copied file may have the modification time of its original.
        at = at if timedelta(0) <= now - at < _RECENT else now
        stamp = at.isoformat(timespec="milliseconds")
        history.append(folder, {"at": stamp, "what": what, "who": BY_HAND, **more})
        self._context.live_updates.publish()


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _may_write(entry: TimelineEntry) -> bool:
    """Return whether this history entry is an action of ours that may have written the files."""
    if entry.kind is EntryKind.OPERATION:
        others = [each for each in OperationKind if not each.facts.writes_settings]
        return entry.what not in others
    return entry.kind is EntryKind.CHANGE and entry.who != BY_HAND


def _is_close(entry: TimelineEntry, at: datetime) -> bool:
    return entry.at - _CLOSE <= at <= (entry.ended_at or entry.at) + _CLOSE
