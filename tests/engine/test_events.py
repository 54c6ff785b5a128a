"""The engine's events: some are reported to listeners, others are ignored."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from app.core.history.incidents import ContainerEvent
from app.engine.client import EngineClient, engine_address
from app.engine.events import EngineEvents
from app.engine.inspections import Inspections
from tests.support.engine.images import STANDIN
from tests.support.waiting import eventually

OWN = "e0e0e0e0e0"


class HeardEvents:
    """The reported events, and the count of reported changes, which include the events."""

    def __init__(self) -> None:
        self.heard: list[ContainerEvent] = []
        self.changed = 0

    @property
    def beside(self) -> int:
        return self.changed - len(self.heard)

    def has(self, container: str) -> bool:
        return any(each.container_id == container for each in self.heard)

    def count(self) -> None:
        self.changed += 1


@pytest.fixture
def heard_events(tmp_path: Path) -> Iterator[HeardEvents]:
    heard_events, connected = HeardEvents(), threading.Event()
    client = EngineClient(engine_address(), 5)
    events = EngineEvents(
        client,
        Inspections(),
        heard_events.count,
        lambda path: path.startswith(f"{tmp_path}/"),
    )
    events.listen(heard_events.heard.append, connected.set)
    events.start()
    assert connected.wait(20)
    yield heard_events
    events.stop()


@contextmanager
def made(engine: docker.APIClient, project: str, working_dir: str) -> Iterator[str]:
    """A container with Compose's labels, created but not started."""
    labels = {
        "com.docker.compose.project": project,
        "com.docker.compose.project.working_dir": working_dir,
    }
    container = engine.create_container(STANDIN, labels=labels)["Id"]
    try:
        yield container
    finally:
        engine.remove_container(container, force=True)


def test_other_projects_events_do_not_outdate_the_snapshot(
    heard_events: HeardEvents, engine: docker.APIClient
) -> None:
    before = heard_events.beside

    with made(engine, "somebody-elses", "/srv/somebody"), made(engine, OWN, "/srv") as own:
        eventually(lambda: heard_events.has(own))

    assert heard_events.beside == before


def test_a_container_started_in_our_folder_outdates_the_snapshot(
    heard_events: HeardEvents, engine: docker.APIClient, tmp_path: Path
) -> None:
    before = heard_events.beside

    with made(engine, "renamed-by-hand", f"{tmp_path}/{OWN}"):
        eventually(lambda: heard_events.beside > before)
