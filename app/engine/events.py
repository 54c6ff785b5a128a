"""The engine's own word on what changes: one thread follows its events for the whole server."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from docker.errors import NotFound
from docker.types.daemon import CancellableStream

from app.core.deployment import is_id
from app.core.errors import EngineError
from app.core.history.container_events import ContainerEvent
from app.engine.answers import Row, inside, moment, number, text
from app.engine.client import EngineClient

_log = logging.getLogger("deploy_agent")
_PROJECT = "com.docker.compose.project"
_WORKING_DIR = "com.docker.compose.project.working_dir"
# Soon, since a page shows `unknown` until the engine is heard again.
_AGAIN_SECONDS = 0.5
# Docker tells of these before its own list has them: who looks at once sees it as it was.
_TOLD_EARLY = ("die", "pause", "unpause")
_BELIEVED_SECONDS = 0.15

Heard = Callable[[ContainerEvent], None]


class EngineEvents:
    """Calls `changed` at every change of a container of ours, and when the stream breaks or
    comes back.

    `is_within` tells whether a path is in our deployments folder: of others' projects, which
    a busy host tells of all day long, nothing is passed on. What happened while the stream was
    broken is not told: whoever needs to know it asks the engine at the next `changed`. Before
    that, `first` is told of an event, and `following` whether events are heard from then on.
    """

    def __init__(
        self,
        client: EngineClient,
        changed: Callable[[], None],
        first: Heard,
        following: Callable[[bool], None],
        is_within: Callable[[str], bool],
    ) -> None:
        self._client = client
        self._changed = changed
        self._first = first
        self._following = following
        self._is_within = is_within
        self._listeners: list[Heard] = []
        self._connected: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._stream: CancellableStream[Any] | None = None

    def listen(self, heard: Heard, connected: Callable[[], None] = lambda: None) -> None:
        """Have `heard` called for each event of our deployments, in the following thread.

        `connected` is called each time that the engine is heard from then on.
        """
        self._listeners.append(heard)
        self._connected.append(connected)

    def start(self) -> None:
        """Begin to follow, once; the thread ends with the process or by `stop`."""
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
                self._hear_out()
            except (EngineError, NotFound):
                pass  # Whoever asks the engine is told why; here it is asked again.
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("the engine's events could not be read")
            self._following(False)
            self._changed()
            self._ending.wait(_AGAIN_SECONDS)

    def _hear_out(self) -> None:
        with self._client.calls() as client:
            # Not those of health checks' commands, thirty a second on a full host.
            self._stream = client.events(
                filters={"type": "container", "label": _PROJECT, "event": list(_ACTIONS)},
                decode=True,
            )
            self._following(True)
            self._changed()
            for connected in self._connected:
                connected()
            for event in self._stream:
                self._tell(event)

    def _tell(self, event: Row) -> None:
        heard = _event_of(event)
        if heard is None:
            if self._is_within(_attributes(event).get(_WORKING_DIR, "")):
                self._changed()
            return
        self._first(heard)
        self._changed()
        if heard.action in _TOLD_EARLY:
            again = threading.Timer(_BELIEVED_SECONDS, self._changed)
            again.daemon = True
            again.start()
        for listener in self._listeners:
            try:
                listener(heard)
            except Exception:  # noqa: BLE001 - the other listeners are told all the same
                _log.exception("an event of the engine could not be dealt with")


# Those that change what a page shows; health_status comes as `health_status: healthy`.
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


def _event_of(event: Row) -> ContainerEvent | None:
    """Return an event of one of our deployments, or None."""
    attributes = _attributes(event)
    deployment_id = attributes.get(_PROJECT, "")
    if not is_id(deployment_id):
        return None
    return ContainerEvent(
        deployment_id,
        text(inside(event, "Actor"), "ID"),
        text(event, "Action"),
        moment(number(event, "timeNano") / 1e9),
        attributes,
    )


def _attributes(event: Row) -> dict[str, str]:
    named = inside(inside(event, "Actor"), "Attributes")
    return {name: value for name, value in named.items() if isinstance(value, str)}
