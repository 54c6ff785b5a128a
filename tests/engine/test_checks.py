"""For any answer of a gateway, each readiness check ends in time and names the failure."""

import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from app.core.diagnosis.causes import check_cause
from app.core.status.readiness import CheckState, ReadinessCheck
from app.engine.gateway.checks import run_checks_at
from tests.support.engine.fake_gateway import (
    CHALLENGE,
    Answer,
    FakeGateway,
    accept_websocket,
    frame,
    good,
    greet_then,
)


@pytest.fixture
def gateway() -> Iterator[Callable[..., FakeGateway]]:
    made: list[FakeGateway] = []

    def make(**answers: Answer) -> FakeGateway:
        paths = {"/healthz": good, "/readyz": good}
        made.append(FakeGateway({**paths, **{f"/{name}": each for name, each in answers.items()}}))
        return made[-1]

    yield make
    for each in made:
        each.close()


def failed_check(checks: list[ReadinessCheck]) -> ReadinessCheck:
    assert checks[-1].state is CheckState.FAILED, checks
    assert all(check.state is CheckState.PASSED for check in checks[:-1])
    return checks[-1]


def test_a_gateway_that_answers_byte_by_byte_is_cut_off_at_the_deadline(
    gateway: Callable[..., FakeGateway],
) -> None:
    def drip(connection: socket.socket, _request: str) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
            connection.sendall(bytes((byte,)))
            if one.ended.wait(0.05):
                return

    one = gateway(healthz=drip)
    begun = time.monotonic()

    check = failed_check(run_checks_at("127.0.0.1", one.port, "token", seconds=0.5))

    assert check.name == "healthz"
    assert "no answer within" in check.detail
    # The gateway would drip its answer for minutes. This limit checks the end, not the speed.
    assert time.monotonic() - begun < 60


def test_a_closed_connection_and_a_silent_one_are_distinguished(
    gateway: Callable[..., FakeGateway],
) -> None:
    hangs_up = gateway(healthz=lambda _connection, _request: None)
    says_nothing = gateway(healthz=lambda *_: silent.wait(10))
    silent = says_nothing.ended

    first = failed_check(run_checks_at("127.0.0.1", hangs_up.port, "token", seconds=0.5))
    second = failed_check(run_checks_at("127.0.0.1", says_nothing.port, "token", seconds=0.5))

    assert "cut off" in first.detail
    assert "accepts connections and does not answer" in second.detail


@pytest.mark.parametrize(
    "greeting",
    ["{", "[]", "[" * 100_000, "null", '{"event": "hello"}', '{"event": ["connect.challenge"]}'],
)
def test_an_unknown_greeting_is_not_a_gateways(
    gateway: Callable[..., FakeGateway], greeting: str
) -> None:
    def greet(connection: socket.socket, request: str) -> None:
        accept_websocket(connection, request)
        connection.sendall(frame(greeting))
        one.ended.wait(10)

    one = gateway(**{"": greet})

    assert (
        failed_check(run_checks_at("127.0.0.1", one.port, "token", seconds=1)).name == "websocket"
    )


@pytest.mark.parametrize(
    ("error", "words", "cause"),
    [
        ("no", "no reason", "connect_refused"),
        ({"details": [1]}, "no reason", "connect_refused"),
        ({"code": {"a": 1}}, "refuses the connection", "connect_refused"),
        ({"code": "<b>" * 100}, "refuses the connection", "connect_refused"),
        ({"details": {"code": "AUTH_RATE_LIMITED"}}, "locked this host", "token_locked_out"),
        ({"details": {"code": "AUTH_TOKEN_MISMATCH"}}, "refuses the token", "token_refused"),
    ],
)
def test_an_unknown_refusal_counts_as_a_refusal(
    gateway: Callable[..., FakeGateway], error: object, words: str, cause: str
) -> None:
    answer = {"ok": False, "error": error}
    one = gateway(**{"": greet_then(lambda each: json.dumps({**answer, "id": each}))})

    check = failed_check(run_checks_at("127.0.0.1", one.port, "token", seconds=2))

    assert check.name == "token"
    assert check.hopeless
    assert words in check.detail
    assert check_cause(check).code == cause
    assert len(check.detail) < 200


@pytest.mark.parametrize("payload", [[1], "x", {"server": []}, {"server": {"version": {}}}])
def test_an_unknown_welcome_counts_as_a_welcome(
    gateway: Callable[..., FakeGateway], payload: object
) -> None:
    def welcome(identifier: str) -> str:
        return json.dumps({"id": identifier, "ok": True, "payload": payload})

    one = gateway(**{"": greet_then(welcome)})

    checks = run_checks_at("127.0.0.1", one.port, "token", seconds=2)

    assert {check.state for check in checks} == {CheckState.PASSED}


def test_a_flood_of_frames_before_the_answer_ends_at_the_deadline(
    gateway: Callable[..., FakeGateway],
) -> None:
    def flood(connection: socket.socket, request: str) -> None:
        accept_websocket(connection, request)
        connection.sendall(CHALLENGE)
        while not one.ended.is_set():
            connection.sendall(frame('{"event": "tick"}'))

    one = gateway(**{"": flood})

    check = failed_check(run_checks_at("127.0.0.1", one.port, "token", seconds=1))

    assert check.name == "token"
    assert "No answer to the token" in check.detail
    assert check_cause(check).code == "token_unanswered"
