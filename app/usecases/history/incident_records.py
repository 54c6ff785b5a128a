"""What a witness makes of the engine's events: entries in histories, and last words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import EngineRefused
from app.core.history.container_events import ContainerEvent
from app.core.history.incidents import (
    ExitSigns,
    Incident,
    entry_of,
    exit_code_of,
    is_due,
    known_from,
    missed,
    next_incident,
)
from app.core.operations.kinds import STOPS
from app.core.operations.operation import Operation, OperationState
from app.core.secrets import Masker
from app.core.settings.compose_file import SERVICE
from app.core.snapshot import Container
from app.store import history
from app.store.last_words import LastWords, keep_last_words, words_in, words_of
from app.store.operations import latest as latest_operation
from app.usecases.context import AppContext
from app.usecases.history.last_words import KEPT_LINES, as_it_ended, keep_words_of, last_words_from

# Then it may say something new of its health, or for the last time.
_DESCRIBED_AT = ("start", "health_status", "kill")
_SERVICE, _ONE_OFF = "com.docker.compose.service", "com.docker.compose.oneoff"


class Records:
    """The latest incident of each deployment, and how much of it is written down."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._latest: dict[str, Incident] = {}
        self._written: dict[str, tuple[int, Incident]] = {}
        self._signs: dict[str, ExitSigns] = {}
        # The secrets of each gateway's container, by its id.
        self._secrets: dict[str, tuple[str, ...]] = {}
        # What the engine said of each: of one that is removed it may say nothing any more.
        self._described: dict[str, Mapping[str, Any]] = {}
        self._helpers: set[str] = set()

    def take(self, event: ContainerEvent) -> None:
        """Record an event that is none of our own operations' doing, and keep last words.

        Raises OSError, EngineError, NotFound.
        """
        context, container = self._context, event.container_id
        if not (context.store.has(event.deployment_id) and self._is_gateway(event)):
            return
        deployment = context.store.load(event.deployment_id)
        signs = self._signs.setdefault(container, ExitSigns())
        signs.hear(event)
        operation = latest_operation(context.store.folder(deployment.id))
        ours = operation is not None and _is_of(event, operation)
        if ours:
            self._latest.pop(deployment.id, None)
        elif incident := next_incident(event, signs, self._latest.get(deployment.id)):
            self._put(deployment.id, incident)
        if event.action.startswith(_DESCRIBED_AT):
            self._describe(container)
        if event.action == "start":
            context.last_lines.follow(container)
        elif event.action == "die":
            self._signs.pop(container)
            if not (ours and operation and operation.kind in STOPS):  # That keeps them itself.
                self._keep_words(deployment, event)
        elif event.action == "destroy":
            self._signs.pop(container, None)
            self._secrets.pop(container, None)
            self._described.pop(container, None)
            context.last_lines.forget(container)

    def look(self) -> None:
        """Record what happened while nobody listened: once, by what the engine says now.

        Raises OSError, EngineError, NotFound.
        """
        context = self._context
        context.containers.changed()
        snapshot = context.containers.snapshot()
        if snapshot.problem:
            return
        self._forget_all_but({each.id for each in snapshot.all})
        for deployment in context.store.scan():
            if deployment.problem is None or snapshot.of(deployment.id):
                self._look_at(deployment, snapshot.of(deployment.id) or ())

    def write_due(self) -> None:
        """Write down what has grown and was not written at once. Raises OSError."""
        now = datetime.now(UTC)
        for deployment_id, (_, written) in list(self._written.items()):
            latest = self._latest.get(deployment_id)
            if latest and latest.at == written.at and is_due(latest, written, now):
                self._write(deployment_id, latest)

    def write_all(self) -> None:
        """Write down all that was not yet. Raises OSError."""
        for deployment_id, (_, written) in list(self._written.items()):
            latest = self._latest.get(deployment_id)
            if latest and latest.at == written.at and latest != written:
                self._write(deployment_id, latest)

    def _look_at(self, deployment: Deployment, listed: Iterable[Container]) -> None:
        context = self._context
        containers = context.containers.of(deployment.id) if listed else ()
        gateway = deployment.gateway_in(containers)
        if gateway:
            self._learn(gateway)
        if deployment.running_operation:
            return
        known = known_from(history.newest_first(context.store.folder(deployment.id)))
        if known.incident and deployment.id not in self._latest:
            self._latest[deployment.id] = known.incident
            self._written[deployment.id] = (known.number, known.incident)
        if incident := missed(gateway, known, deployment.launch_or_stop, datetime.now(UTC)):
            self._put(deployment.id, incident)
            if gateway:
                keep_words_of(gateway, deployment, context)

    def _is_gateway(self, event: ContainerEvent) -> bool:
        """Say whether an event is of the gateway itself: helpers beside it decide nothing."""
        container = event.container_id
        if event.attributes.get(_ONE_OFF) == "True" or container in self._helpers:
            return False
        if container not in self._secrets:
            deployment = self._context.store.load(event.deployment_id)
            gateway = deployment.gateway_in(self._context.containers.of(deployment.id))
            if gateway and gateway.id == container:
                self._learn(gateway)
            elif event.attributes.get(_SERVICE) == SERVICE:
                self._secrets[container] = ()  # It is gone already.
            else:
                self._helpers.add(container)
        return container in self._secrets

    def _learn(self, gateway: Container) -> None:
        """Listen to a gateway, and know what it must not be quoted with once it is gone."""
        self._secrets[gateway.id] = gateway.details.secrets if gateway.details else ()
        if gateway.state == "running":
            self._describe(gateway.id)
            self._context.last_lines.follow(gateway.id)

    def _describe(self, container: str) -> None:
        if said := self._context.containers.description(container):
            self._described[container] = said

    def _forget_all_but(self, there: set[str]) -> None:
        """Let go of containers that went while nobody listened."""
        for known in (self._signs, self._secrets, self._described):
            for container in known.keys() - there:
                known.pop(container)
        self._helpers &= there
        self._context.last_lines.keep_only(there)

    def _put(self, deployment_id: str, incident: Incident) -> None:
        self._latest[deployment_id] = incident
        written = self._written.get(deployment_id)
        if written is None or is_due(incident, written[1], datetime.now(UTC)):
            self._write(deployment_id, incident)

    def _write(self, deployment_id: str, incident: Incident) -> None:
        folder = self._context.store.folder(deployment_id)
        number, before = self._written.get(deployment_id, (0, None))
        entry = entry_of(incident)
        if before and (before.at, before.container) == (incident.at, incident.container):
            added = {key: value for key, value in entry.items() if key not in ("at", "what")}
            history.append(folder, {"of": number, **added})
        else:
            number = history.append(folder, entry)
        self._written[deployment_id] = (number, incident)
        self._context.changes.beat()

    def _keep_words(self, deployment: Deployment, event: ContainerEvent) -> None:
        """Keep what a container said, from its log or, where that is gone, from memory."""
        context, container_id = self._context, event.container_id
        inspected = context.containers.description(container_id)
        if not inspected and container_id in self._described:
            inspected = as_it_ended(self._described[container_id], exit_code_of(event), event.at)
        try:
            log = context.containers.logs(container_id, KEPT_LINES)
        except EngineRefused:
            log = b""  # It is being removed.
        log = log or context.last_lines.of(container_id)
        folder = context.store.folder(deployment.id)
        if log or inspected:
            mask = Masker((*deployment.secrets, *self._secrets.get(container_id, ())))
            words = last_words_from(container_id, log, inspected, mask)
            # By now it may run again, and have no exit code any more.
            words = replace(words, exit_code=exit_code_of(event))
            keep_last_words(folder, words if log else _with_earlier_log(words, folder))


def _with_earlier_log(words: LastWords, folder: Path) -> LastWords:
    """Let what can't be read any more, or was not said, take no earlier words' place."""
    path = words_of(folder, words.container)
    earlier = words_in(path) if path else None
    return replace(words, log=earlier.log) if earlier else words


def _is_of(event: ContainerEvent, operation: Operation) -> bool:
    """Say whether an event came while one of our own operations was under way."""
    if operation.state is OperationState.RUNNING:
        return event.at >= operation.started_at
    ended_at = operation.ended_at
    return ended_at is not None and operation.started_at <= event.at <= ended_at
