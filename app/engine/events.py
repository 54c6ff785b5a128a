"""The engine's events: one thread follows them for the whole server."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from docker.errors import NotFound
from docker.types.daemon import CancellableStream

from app.core.deployment import is_id
from app.core.errors import EngineError
from app.core.history.incidents import ContainerEvent
from app.engine.answers import Row, inside, moment, number, text
from app.engine.client import EngineClient
from app.engine.container_answers import PROJECT, WORKING_DIR
from app.engine.inspections import Inspections

_log = logging.getLogger("deploy_agent")
# Short, because pages show `unknown` until the engine answers again.
_AGAIN_SECONDS = 0.5
# Docker sends these events before its list shows the change, so `changed` is called twice.
_EARLY_ACTIONS = ("die", "pause", "unpause")
_LISTED_AFTER_SECONDS = 0.15

Listener = Callable[[ContainerEvent], None]


class EngineEvents:
    """Calls `changed` when a deployment's container changes, and when the stream ends or resumes.

    `is_within` says whether a path is in our deployments folder. Events of other projects, which
    are many on a busy host, are ignored. Events are lost while the stream is broken: after the
    next `changed`, read the engine's state again. The container's cached
    inspection is discarded before `changed` is called.
    """

    def __init__(
        self,
        client: EngineClient,
        inspections: Inspections,
        changed: Callable[[], None],
        is_within: Callable[[str], bool],
    ) -> None:
        self._client = client
        self._inspections = inspections
        self._changed = changed
        self._is_within = is_within
        self._listeners: list[Listener] = []
        self._connected: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._stream: CancellableStream[Any] | None = None

    def listen(self, listener: Listener, connected: Callable[[], None] = lambda: None) -> None:
        """Call `listener` for each event of our deployments, in the thread that follows events.

        `connected` is called each time that the stream resumes.
        """
        self._listeners.append(listener)
        self._connected.append(connected)

    def start(self) -> None:
        """Start the thread that follows events, once. `stop` ends the thread."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="events", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if stream := self._stream:
            stream.close()

    def _follow(self) -> None:
        while not self._ending.is_set():
            try:
                self._read_stream()
            except (EngineError, NotFound):
                pass  # Pages show the engine's error; this thread tries again.
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("the engine's events could not be read")
            self._inspections.set_following(False)
            self._changed()
            self._ending.wait(_AGAIN_SECONDS)

    def _read_stream(self) -> None:
        with self._client.calls() as client:
            # Without the events of health checks' commands: thirty a second on a full host.
            self._stream = client.events(
                filters={"type": "container", "label": PROJECT, "event": list(_ACTIONS)},
                decode=True,
            )
            self._inspections.set_following(True)
            self._changed()
            for connected in self._connected:
                connected()
            for event in self._stream:
                self.publish(event)

    def publish(self, row: Row) -> None:
        """Pass an event on to the listeners."""
        event = _event_of(row)
        if event is None:
            if self._is_within(_attributes(row).get(WORKING_DIR, "")):
                self._changed()
            return
        self._inspections.drop(event.container_id)
        self._changed()
        if event.action in _EARLY_ACTIONS:
            again = threading.Timer(_LISTED_AFTER_SECONDS, self._changed)
            again.daemon = True
            again.start()
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - the other listeners must still be called
                _log.exception("an event of the engine could not be handled")


# Actions that change a page. A health_status event has an action such as `health_status: healthy`.
_ACTIONS = (
    "create",
    "start",
    "restart",
    "kill",
    "die",
    "oom",
    "stop",
    "destroy",
    "pause",
    "unpause",
    "rename",
    "update",
    "health_status",
)


def _event_of(row: Row) -> ContainerEvent | None:
    """Return the event of a deployment's container; None for other projects."""
    attributes = _attributes(row)
    deployment_id = attributes.get(PROJECT, "")
    if not is_id(deployment_id):
        return None
    return ContainerEvent(
        deployment_id,
        text(inside(row, "Actor"), "ID"),
        text(row, "Action"),
        moment(number(row, "timeNano") / 1e9),
        attributes,
    )


def _attributes(row: Row) -> dict[str, str]:
    attributes = inside(inside(row, "Actor"), "Attributes")
    return {name: value for name, value in attributes.items() if isinstance(value, str)}
