"""Deployments, operations and containers for tests, with defaults for irrelevant values."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.snapshot import Container, Details, Snapshot

NOW = datetime(2026, 11, 24, 12, 3, 40, tzinfo=UTC)
ID = "0b7a3361be"


def before(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def a_deployment(**more: Any) -> Deployment:
    return Deployment(**{"id": ID, "folder": f"/srv/{ID}", "port": 30163, **more})


def an_operation(
    kind: OperationKind = OperationKind.LAUNCH,
    state: OperationState = OperationState.SUCCEEDED,
    **more: Any,
) -> Operation:
    ended = None if state is OperationState.RUNNING else before(180)
    given = {"number": 1, "actor": "ana", "started_at": before(240), "ended_at": ended, **more}
    return Operation(deployment_id=ID, kind=kind, state=state, **given)


def details(**more: Any) -> Details:
    """Return the inspected details of a container that started an hour ago and still runs."""
    given = {
        "restart_count": 0,
        "started_at": before(3600),
        "finished_at": None,
        "started_at_text": "2026-11-24T11:03:40.123456789Z",
        "exit_code": 0,
        "out_of_memory": False,
        "error": "",
        "restart_policy": "always",
    }
    return Details(**{**given, **more})


def a_container(state: str = "running", status_text: str = "Up 1 hour", **more: Any) -> Container:
    given = {
        "id": "c0ffee",
        "name": f"{ID}-openclaw-1",
        "project": ID,
        "service": "openclaw",
        "image": "openclaw",
        "created_at": before(3700),
    }
    return Container(**{**given, "state": state, "status_text": status_text, **more})


def a_snapshot(*containers: Container) -> Snapshot:
    return Snapshot(NOW, {ID: containers} if containers else {})
