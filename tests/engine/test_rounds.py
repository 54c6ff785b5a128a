"""Rounds of readiness checks: a failure counts the second time, and only for the same run."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from socket import socket
from typing import Any

import pytest

from app.core.deployment import Deployment
from app.core.snapshot import Container, PublishedPort
from app.engine.gateway.rounds import Rounds
from tests.support.builders import a_container, a_deployment
from tests.support.engine.fake_gateway import FakeGateway, good, greet_then
from tests.support.waiting import eventually

STARTED = datetime(2026, 11, 24, 11, 3, 40, tzinfo=UTC)


class Host:
    """One deployment with a gateway that a test controls, and the rounds that check it."""

    def __init__(self) -> None:
        self.listens = FakeGateway(
            {"/healthz": good, "/readyz": good, "/": greet_then(lambda _: "{}")}
        )
        self.deployment: Deployment = a_deployment(
            port=self.listens.port, env={"OPENCLAW_GATEWAY_TOKEN": "a"}
        )
        self.gateway: Container = self.run(STARTED)
        self.changes = 0
        self.rounds = Rounds(
            lambda: [(self.deployment, self.gateway)], self._changed, timedelta(minutes=3)
        )

    def run(self, started_at: datetime) -> Container:
        ports = (PublishedPort("127.0.0.1", self.listens.port),)
        return a_container(ports=ports, started_at=started_at)

    def answers(self, **more: Any) -> None:
        self.listens.answers.update({f"/{path}": answer for path, answer in more.items()})

    def broken(self) -> str:
        """Readiness, and return the name of the rung that is broken by now, if one is."""
        self.rounds.climb(self.deployment, self.gateway)
        climb = self.rounds.climb_of(self.deployment)
        assert climb and (climb.container_id, climb.started_at) == ("c0ffee", STARTED)
        return climb.failed_check.name if climb.failed_check else ""

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.rounds.stop()
    made.listens.close()


def busy(connection: socket, _request: str) -> None:
    connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")


def once(first: Callable[..., None], then: Callable[..., None]) -> Callable[..., None]:
    answers = iter([first])
    return lambda *arguments: next(answers, then)(*arguments)


def says(**answer: Any) -> Callable[..., None]:
    return greet_then(lambda each: json.dumps({"id": each, **answer}))


WELCOME = says(ok=True)
REFUSAL = says(ok=False, error={"details": {"code": "AUTH_TOKEN_MISMATCH"}})


def test_one_failed_round_of_checks_is_ignored_and_a_second_is_shown(host: Host) -> None:
    host.answers(**{"": WELCOME})
    assert host.broken() == ""

    host.answers(healthz=once(busy, good))
    assert host.broken() == ""

    host.answers(healthz=busy)
    assert host.broken() == "healthz"

    host.answers(healthz=good)
    assert host.broken() == ""


def test_a_refused_token_says_nothing_about_its_successor(host: Host) -> None:
    host.answers(**{"": REFUSAL})
    assert host.broken() == "token"

    host.deployment = a_deployment(
        port=host.deployment.port, env={"OPENCLAW_GATEWAY_TOKEN": "another"}
    )

    assert host.rounds.climb_of(host.deployment) is None


@pytest.mark.soak
def test_a_round_of_checks_reports_only_changes(host: Host) -> None:
    host.answers(**{"": WELCOME})
    host.rounds.start()
    eventually(lambda: (climb := host.rounds.climb_of(host.deployment)) and climb.has_passed)
    # The first round is a change too: before it nothing was known.
    assert host.changes == 1
    asked = threading.Event()

    def ask(*arguments: Any) -> None:
        asked.set()
        good(*arguments)

    host.answers(healthz=ask)
    assert asked.wait(30)
    assert host.changes == 1

    host.answers(healthz=busy)
    eventually(lambda: host.changes == 2)
    climb = host.rounds.climb_of(host.deployment)
    assert (
        climb and climb.has_passed and climb.failed_check and climb.failed_check.name == "healthz"
    )
