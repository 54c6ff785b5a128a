"""Turns the engine's events into history entries, and saves last words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import EngineRefused
from app.core.history.incidents import (
    ContainerEvent,
    ExitSigns,
    Incident,
    exit_code_of,
    next_incident,
    should_write,
    to_entry,
)
from app.core.history.missed_incidents import last_recorded, missed_incident
from app.core.operations.kinds import STOPS
from app.core.operations.operation import Operation, OperationState
from app.core.secrets import Masker
from app.core.settings.compose_file import SERVICE
from app.core.snapshot import Container
from app.store import history
from app.store.last_words import LastWords, last_words_file, read_last_words, save_last_words
from app.store.operations import latest as latest_operation
from app.usecases.context import AppContext
from app.usecases.history.last_words import (
    KEPT_LINES,
    build_last_words,
    describe_removed,
    save_last_words_of,
)

# Events at which to inspect a container: it has new health checks, or is about to go.
_INSPECTED_AT = ("start", "health_status", "kill")
_SERVICE, _ONE_OFF = "com.docker.compose.service", "com.docker.compose.oneoff"


class IncidentRecords:
    """The latest incident of each deployment, and the part of it already in the history."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._latest: dict[str, Incident] = {}
        self._written: dict[str, tuple[int, Incident]] = {}
        self._signs: dict[str, ExitSigns] = {}
        # The secrets in each gateway's container, by container id.
        self._secrets: dict[str, tuple[str, ...]] = {}
        # The last inspect response of each container, because removed containers can't be
        # inspected.
        self._inspected: dict[str, Mapping[str, Any]] = {}
        self._other_services: set[str] = set()

    def handle(self, event: ContainerEvent) -> None:
        """Record an event not caused by our own operations, and save last words.

        Raises OSError, EngineError, NotFound.
        """
        context, container = self._context, event.container_id
        if not (context.store.has(event.deployment_id) and self._is_gateway(event)):
            return
        deployment = context.store.load(event.deployment_id)
        signs = self._signs.setdefault(container, ExitSigns())
        signs.note(event)
        operation = latest_operation(context.store.folder(deployment.id))
        ours = operation is not None and _is_during(event, operation)
        if ours:
            self._latest.pop(deployment.id, None)
        elif incident := next_incident(event, signs, self._latest.get(deployment.id)):
            self._set_latest(deployment.id, incident)
        self._track(event)
        # Our own stop operation saves the last words itself.
        stopped_by_us = ours and operation is not None and operation.kind in STOPS
        if event.action == "die" and not stopped_by_us:
            self._save_last_words(deployment, event)

    def _track(self, event: ContainerEvent) -> None:
        """Update what is remembered about the event's container."""
        container, last_lines = event.container_id, self._context.last_lines
        if event.action.startswith(_INSPECTED_AT):
            self._inspect(container)
        if event.action == "start":
            last_lines.follow(container)
        elif event.action == "die":
            self._signs.pop(container)
        elif event.action == "destroy":
            self._signs.pop(container, None)
            self._secrets.pop(container, None)
            self._inspected.pop(container, None)
            last_lines.forget(container)

    def catch_up(self) -> None:
        """Compare with the engine, and record what happened while no server was recording.

        Raises OSError, EngineError, NotFound.
        """
        context = self._context
        context.snapshots.outdate()
        snapshot = context.snapshots.take()
        if snapshot.problem:
            return
        self._forget_all_but({each.id for each in snapshot.all})
        for deployment in context.store.scan():
            if deployment.problem is None or snapshot.of(deployment.id):
                self._catch_up_with(deployment, snapshot.of(deployment.id) or ())

    def write_due(self) -> None:
        """Write the incidents that have grown since their last write, if due. Raises OSError."""
        now = datetime.now(UTC)
        for deployment_id, (_, written) in list(self._written.items()):
            latest = self._latest.get(deployment_id)
            if latest and latest.at == written.at and should_write(latest, written, now):
                self._write(deployment_id, latest)

    def write_all(self) -> None:
        """Write all incidents that have grown since their last write. Raises OSError."""
        for deployment_id, (_, written) in list(self._written.items()):
            latest = self._latest.get(deployment_id)
            if latest and latest.at == written.at and latest != written:
                self._write(deployment_id, latest)

    def _catch_up_with(self, deployment: Deployment, listed: Iterable[Container]) -> None:
        context = self._context
        containers = context.containers.of(deployment.id) if listed else ()
        gateway = deployment.gateway_in(containers)
        if gateway:
            self._remember(gateway)
        if deployment.running_operation:
            return
        known = last_recorded(history.newest_first(context.store.folder(deployment.id)))
        if known.incident and deployment.id not in self._latest:
            self._latest[deployment.id] = known.incident
            self._written[deployment.id] = (known.number, known.incident)
        if incident := missed_incident(
            gateway, known, deployment.launch_or_stop, datetime.now(UTC)
        ):
            self._set_latest(deployment.id, incident)
            if gateway:
                save_last_words_of(gateway, deployment, context)

    def _is_gateway(self, event: ContainerEvent) -> bool:
        """Return whether an event belongs to the gateway, not to another service."""
        container = event.container_id
        if event.attributes.get(_ONE_OFF) == "True" or container in self._other_services:
            return False
        if container not in self._secrets:
            deployment = self._context.store.load(event.deployment_id)
            gateway = deployment.gateway_in(self._context.containers.of(deployment.id))
            if gateway and gateway.id == container:
                self._remember(gateway)
            elif event.attributes.get(_SERVICE) == SERVICE:
                self._secrets[container] = ()  # The gateway was removed already.
            else:
                self._other_services.add(container)
        return container in self._secrets

    def _remember(self, gateway: Container) -> None:
        """Remember a gateway's secrets, to mask its log after its removal, and follow the log."""
        self._secrets[gateway.id] = gateway.details.secrets if gateway.details else ()
        if gateway.state == "running":
            self._inspect(gateway.id)
            self._context.last_lines.follow(gateway.id)

    def _inspect(self, container: str) -> None:
        if answer := self._context.containers.description(container):
            self._inspected[container] = answer

    def _forget_all_but(self, existing: set[str]) -> None:
        """Forget all other containers: they were removed while no server recorded."""
        for known in (self._signs, self._secrets, self._inspected):
            for container in known.keys() - existing:
                known.pop(container)
        self._other_services &= existing
        self._context.last_lines.keep_only(existing)

    def _set_latest(self, deployment_id: str, incident: Incident) -> None:
        self._latest[deployment_id] = incident
        written = self._written.get(deployment_id)
        if written is None or should_write(incident, written[1], datetime.now(UTC)):
            self._write(deployment_id, incident)

    def _write(self, deployment_id: str, incident: Incident) -> None:
        folder = self._context.store.folder(deployment_id)
        number, before = self._written.get(deployment_id, (0, None))
        entry = to_entry(incident)
        if before and (before.at, before.container) == (incident.at, incident.container):
            added = {key: value for key, value in entry.items() if key not in ("at", "what")}
            history.append(folder, {"of": number, **added})
        else:
            number = history.append(folder, entry)
        self._written[deployment_id] = (number, incident)
        self._context.live_updates.publish()

    def _save_last_words(self, deployment: Deployment, event: ContainerEvent) -> None:
        """Save a container's last words; use the log in memory if the engine has none."""
        context, container_id = self._context, event.container_id
        inspected = context.containers.description(container_id)
        if not inspected and container_id in self._inspected:
            inspected = describe_removed(
                self._inspected[container_id], exit_code_of(event), event.at
            )
        try:
            log = context.containers.logs(container_id, KEPT_LINES)
        except EngineRefused:
            log = b""  # The container is being removed.
        log = log or context.last_lines.of(container_id)
        folder = context.store.folder(deployment.id)
        if log or inspected:
            mask = Masker((*deployment.secrets, *self._secrets.get(container_id, ())))
            words = build_last_words(container_id, log, inspected, mask)
            # A restarted container has no exit code any more, so use the exit code of the event.
            words = replace(words, exit_code=exit_code_of(event))
            save_last_words(folder, words if log else _with_earlier_log(words, folder))


def _with_earlier_log(words: LastWords, folder: Path) -> LastWords:
    """Keep the log of the previously saved last words if the new ones have no log."""
    path = last_words_file(folder, words.container)
    earlier = read_last_words(path) if path else None
    return replace(words, log=earlier.log) if earlier else words


def _is_during(event: ContainerEvent, operation: Operation) -> bool:
    """Return whether an event happened while one of our own operations was running."""
    if operation.state is OperationState.RUNNING:
        return event.at >= operation.started_at
    ended_at = operation.ended_at
    return ended_at is not None and operation.started_at <= event.at <= ended_at
