"""A readiness failure counts after two failed checks in a row of the same container run."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from socket import socket
from typing import Any

import pytest

from app.core.deployment import Deployment
from app.core.snapshot import Container, PublishedPort
from app.engine.gateway.readiness import ReadinessChecker
from tests.support.builders import a_container, a_deployment
from tests.support.engine.fake_gateway import FakeGateway, good, greet_then
from tests.support.waiting import eventually

STARTED = datetime(2026, 11, 24, 11, 3, 40, tzinfo=UTC)


class Host:
    """A deployment, a fake gateway that answers as a test wants, and the readiness checker."""

    def __init__(self) -> None:
        self.listens = FakeGateway(
            {"/healthz": good, "/readyz": good, "/": greet_then(lambda _: "{}")}
        )
        self.deployment: Deployment = a_deployment(
            port=self.listens.port, env={"OPENCLAW_GATEWAY_TOKEN": "a"}
        )
        self.gateway: Container = self.run(STARTED)
        self.changes = 0
        self.checker = ReadinessChecker(
            lambda: [(self.deployment, self.gateway)], self._changed, timedelta(minutes=3)
        )

    def run(self, started_at: datetime) -> Container:
        ports = (PublishedPort("127.0.0.1", self.listens.port),)
        return a_container(ports=ports, started_at=started_at)

    def answers(self, **more: Any) -> None:
        self.listens.answers.update({f"/{path}": answer for path, answer in more.items()})

    def failed_check(self) -> str:
        """Run the checks. Return the name of the failed check that counts, or an empty string."""
        self.checker.check_now(self.deployment, self.gateway)
        readiness = self.checker.readiness_of(self.deployment)
        assert readiness and (readiness.container_id, readiness.started_at) == ("c0ffee", STARTED)
        return readiness.failed_check.name if readiness.failed_check else ""

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.checker.stop()
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


def test_one_failure_does_not_count_and_a_second_one_does(host: Host) -> None:
    host.answers(**{"": WELCOME})
    assert host.failed_check() == ""

    host.answers(healthz=once(busy, good))
    assert host.failed_check() == ""

    host.answers(healthz=busy)
    assert host.failed_check() == "healthz"

    host.answers(healthz=good)
    assert host.failed_check() == ""


def test_a_refused_token_says_nothing_of_another_token(host: Host) -> None:
    host.answers(**{"": REFUSAL})
    assert host.failed_check() == "token"

    host.deployment = a_deployment(
        port=host.deployment.port, env={"OPENCLAW_GATEWAY_TOKEN": "another"}
    )

    assert host.checker.readiness_of(host.deployment) is None


@pytest.mark.soak
def test_periodic_checks_announce_what_changed_and_nothing_else(host: Host) -> None:
    host.answers(**{"": WELCOME})
    host.checker.start()
    eventually(lambda: (found := host.checker.readiness_of(host.deployment)) and found.has_passed)
    # The first run is a change, because no result was known before.
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
    found = host.checker.readiness_of(host.deployment)
    assert found and found.has_passed and found.failed_check
    assert found.failed_check.name == "healthz"
