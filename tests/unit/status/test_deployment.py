"""Equality and properties of deployments, containers and snapshots."""

from datetime import datetime

import pytest

from app.core.deployment import is_id, parse_id
from app.core.errors import NotFound
from app.core.operations.operation import OperationState
from app.core.snapshot import EngineProblem, PublishedPort, Run, Snapshot
from tests.support.builders import (
    ID,
    NOW,
    a_container,
    a_deployment,
    a_snapshot,
    an_operation,
    before,
    details,
)


def test_ten_hexadecimal_digits_are_an_id() -> None:
    assert is_id("0b7a3361be")
    assert parse_id("0123456789") == "0123456789"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0b7a3361b",
        "0b7a3361be0",
        "0B7A3361BE",
        "0b7a3361bg",
        "0b7a3361be\n",
        " 0b7a3361be",
        "../../etc/",
        "٠١٢٣٤٥٦٧٨٩",
        ".archive/x",
        None,
        1234567890,
        ["0b7a3361be"],
        b"0b7a3361be",
    ],
)
def test_anything_else_is_no_deployment_id(text: object) -> None:
    with pytest.raises(NotFound) as caught:
        parse_id(text)

    assert "not a deployment's id" in caught.value.detail
    if isinstance(text, str):
        assert not is_id(text)


def test_secrets_of_a_deployment_are_not_in_its_repr() -> None:
    deployment = a_deployment(env={"OPENCLAW_GATEWAY_TOKEN": "t0ken", "DEPLOYMENT_NAME": "Bot"})

    assert (deployment.token, deployment.name) == ("t0ken", "Bot")
    assert "t0ken" not in repr(deployment)


def test_a_bare_deployment_has_an_empty_name_and_token() -> None:
    assert (a_deployment().token, a_deployment().name) == ("", "")


@pytest.mark.parametrize(
    ("state", "runs"), [(each, each is OperationState.RUNNING) for each in OperationState]
)
def test_only_a_running_operation_is_running(state: OperationState, runs: bool) -> None:
    operation = an_operation(state=state)

    assert a_deployment(operation=operation).running_operation == (operation if runs else None)


def test_without_operations_none_is_running() -> None:
    assert a_deployment().running_operation is None


@pytest.mark.parametrize(
    ("status_text", "health"),
    [
        ("Up 2 hours", None),
        ("Up 4 seconds (health: starting)", "starting"),
        ("Up 2 hours (healthy)", "healthy"),
        ("Up 4 seconds (unhealthy)", "unhealthy"),
        ("Up 2 minutes (Paused)", None),
        ("Exited (0) 3 minutes ago", None),
        ("Created", None),
    ],
)
def test_health_is_parsed_from_the_engines_container_list(
    status_text: str, health: str | None
) -> None:
    assert a_container(status_text=status_text).health == health


@pytest.mark.parametrize(
    ("status_text", "exit_code"),
    [
        ("Exited (78) 1 second ago", 78),
        ("Exited (0) 3 minutes ago", 0),
        ("Exited (-1) 3 minutes ago", -1),
        ("Restarting (78) 2 seconds ago", 78),
        ("Up 2 hours", None),
        ("Created", None),
    ],
)
def test_the_exit_code_is_parsed_from_the_engines_container_list(
    status_text: str, exit_code: int | None
) -> None:
    assert a_container(status_text=status_text).exit_code == exit_code


@pytest.mark.parametrize(
    ("state", "status_text", "needed"),
    [
        ("running", "Up 2 hours (healthy)", False),
        ("running", "Up 2 hours", False),
        ("running", "Up 15 minutes (healthy)", False),
        ("running", "Up Less than a second", True),
        ("running", "Up 1 second", True),
        ("running", "Up 59 seconds (healthy)", True),
        ("running", "Up 2 hours (unhealthy)", True),
        ("running", "Up 2 minutes (health: starting)", True),
        ("restarting", "Restarting (78) 2 seconds ago", True),
        ("created", "Created", True),
        ("exited", "Exited (0) 3 weeks ago", True),
        ("paused", "Up 2 hours (Paused)", True),
    ],
)
def test_only_details_that_the_list_lacks_are_inspected(
    state: str, status_text: str, needed: bool
) -> None:
    assert a_container(state, status_text).needs_inspection is needed


def test_a_restarted_container_is_a_new_run() -> None:
    first = a_container(details=details(started_at_text="1"))
    second = a_container(details=details(started_at_text="2"))

    assert first.run == Run("c0ffee", "1")
    assert first.run != second.run
    assert a_container().run is None


def test_the_gateway_is_distinguished_from_other_services() -> None:
    gateway = a_container(created_at=before(900))
    helper = a_container(service="helper", created_at=before(1))

    assert a_deployment().gateway_in((helper, gateway)) is gateway


def test_the_service_that_publishes_the_port_is_the_gateway() -> None:
    deployment = a_deployment(port=20000)
    gateway = a_container(service="web", ports=(PublishedPort("0.0.0.0", 20000),))
    helper = a_container(created_at=before(1), ports=(PublishedPort("0.0.0.0", 20001),))

    assert deployment.gateway_in((gateway, helper)) is gateway
    assert deployment.gateway_in((helper, gateway)) is gateway


def test_with_two_gateways_the_running_or_else_the_youngest_counts() -> None:
    deployment = a_deployment()
    old, young = a_container(created_at=before(900)), a_container(created_at=before(1))
    ended = a_container("exited", created_at=before(0))

    assert deployment.gateway_in((old, young)) is young
    assert deployment.gateway_in((young, old)) is young
    assert deployment.gateway_in((young, ended)) is young


def test_a_one_off_container_is_not_the_gateway() -> None:
    one_off = a_container(one_off=True, created_at=before(1))
    gateway = a_container()

    assert a_deployment().gateway_in((one_off, gateway)) is gateway
    assert a_deployment().gateway_in((one_off,)) is None
    assert a_deployment().gateway_in(()) is None


@pytest.mark.parametrize(
    ("ports", "address"),
    [
        ((), "127.0.0.1"),
        ((PublishedPort("0.0.0.0", 20000), PublishedPort("::", 20000)), "127.0.0.1"),
        ((PublishedPort("192.168.1.5", 20000),), "192.168.1.5"),
        ((PublishedPort("0.0.0.0", 20001),), None),
    ],
)
def test_a_gateway_is_asked_at_the_port_that_the_engine_publishes(
    ports: tuple[PublishedPort, ...], address: str | None
) -> None:
    assert a_container(ports=ports).address_of(20000) == address


def test_no_containers_and_no_answer_are_different() -> None:
    silent = Snapshot(NOW, problem=EngineProblem("engine_silent", "Docker Engine is silent"))

    assert a_snapshot().of(ID) == ()
    assert silent.of(ID) is None
    assert a_snapshot(a_container()).of("ffffffffff") == ()


def test_a_container_that_only_gets_older_counts_as_unchanged() -> None:
    def said(status_text: str, started_at: datetime | None) -> tuple[object, ...]:
        return a_snapshot(a_container(status_text=status_text, started_at=started_at)).content

    assert said("Up 20 seconds", before(20)) == said("Up 21 seconds", before(20))
    assert said("Up 20 seconds", before(20)) != said("Up 2 seconds", before(2))
    assert said("Up 1 hour (healthy)", before(9)) != said("Up 1 hour (unhealthy)", before(9))
    # Without a start time, only the engine's text tells when the container started.
    assert said("Up 20 seconds", None) != said("Up 21 seconds", None)
