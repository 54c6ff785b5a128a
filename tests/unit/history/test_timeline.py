"""The timeline shows every recorded kind of entry as text, with actor, outcome and duration."""

import ast
from datetime import UTC, datetime
from typing import Any

import pytest

from app.config import PROJECT
from app.core.history.timeline import TimelineEntry, timeline_of
from app.core.history.timeline_words import WORDS, EntryKind
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState

ID = "0b7a3361be"


def entry(what: str, **more: Any) -> dict[str, Any]:
    return {"n": 1, "at": "2026-11-24T12:00:00.000+00:00", "what": what, "who": "ana", **more}


def entries(*oldest_first: dict[str, Any], running: int | None = None) -> list[TimelineEntry]:
    return list(timeline_of(ID, oldest_first[::-1], running))


def words(*oldest_first: dict[str, Any], running: int | None = None) -> list[str]:
    return [each.words for each in entries(*oldest_first, running=running)]


def exited(**more: Any) -> dict[str, Any]:
    given = {"container": "c0ffee", "last_at": "2026-11-24T12:03:40+00:00", "who": "the gateway"}
    return entry("exited", **{**given, "code": 78, **more})


def test_an_operation_and_its_outcome_are_one_item() -> None:
    begun = entry("launch", operation=3, **{"from": "10.1.2.3"})
    ended = entry(
        "launch failed", operation=3, at="2026-11-24T12:00:09+00:00", reason="Port 1 is taken."
    )

    [moment] = entries(begun, entry("reveal"), ended)[1:]

    assert (moment.words, moment.outcome, moment.tone) == ("Launch failed", "failed", "bad")
    assert (moment.operation, moment.source, moment.who) == (3, "10.1.2.3", "ana")
    assert moment.detail == "Port 1 is taken."
    assert moment.lasted is not None
    assert moment.lasted.total_seconds() == 9
    assert moment.at == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_an_operation_without_outcome_is_running_or_was_interrupted() -> None:
    begun = entry("stop", operation=4)

    assert words(begun, running=4) == ["Stop is under way"]
    assert words(begun) == ["Stop was interrupted"]


def test_a_failed_action_on_a_device_is_one_item() -> None:
    device = {"request": "r", "device": "d", "label": "Firefox on Linux", "address": "10.0.0.5"}

    assert words(entry("approve_device", **device)) == [
        "Firefox on Linux was approved, at 10.0.0.5"
    ]
    assert words(entry("approve_device", **device), entry("approve_device_failed", **device)) == [
        "Firefox on Linux could not be approved, at 10.0.0.5"
    ]


@pytest.mark.parametrize(
    ("given", "expected", "tone"),
    [
        ({}, "Crashed with exit code 78", "bad"),
        ({"restarted": True}, "Crashed with exit code 78; Docker started it again", "bad"),
        (
            {"count": 12, "restarted": True},
            "Crashed with exit code 78, 12 times, the last at 2026-11-24T12:03:40+00:00;"
            " Docker started it again",
            "bad",
        ),
        ({"code": 0}, "Exited with code 0", "warn"),
        ({"code": 137, "out_of_memory": True}, "Killed: out of memory", "bad"),
        ({"how": "removed"}, "Crashed with exit code 78; then its container was removed", "bad"),
        ({"who": "outside", "how": "stopped", "code": 0}, "Stopped, exit code 0", "warn"),
        ({"who": "outside", "how": "restarted", "code": 0}, "Restarted, exit code 0", "warn"),
        (
            {"who": "outside", "how": "removed", "code": 137},
            "Stopped and its container removed, exit code 137",
            "warn",
        ),
        (
            {"who": "outside", "signal": 9, "code": 137},
            "Ended by signal 9, exit code 137",
            "warn",
        ),
    ],
)
def test_an_exit_says_how_it_came_about(given: dict[str, Any], expected: str, tone: str) -> None:
    [moment] = entries(exited(**given))

    assert (moment.words, moment.tone, moment.kind) == (expected, tone, EntryKind.GATEWAY)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry("reveal", field="openclaw_gateway_token"), "Gateway token revealed"),
        (entry("configure"), "Configured"),
        (entry("env_edited", keys=["PORT", "TZ"]), ".env was edited: PORT, TZ"),
        (
            entry("unhealthy", count=2, well=True),
            "Its health check failed, 2 times; healthy again since",
        ),
        (entry("add_user", user="ben"), "User ben added"),
        (
            entry("allow-origin", operation=1, arguments={"origin": "https://a.example"}),
            "Allowing https://a.example was interrupted",
        ),
        (entry("some_new_thing"), "Some new thing"),
    ],
)
def test_each_kind_of_history_entry_has_words(given: dict[str, Any], expected: str) -> None:
    assert words(given) == [expected]


@pytest.mark.parametrize(
    "damaged", [{}, {"what": 7}, {"what": "launch"}, {"what": "launch", "at": "soon"}]
)
def test_a_damaged_entry_is_skipped(damaged: dict[str, Any]) -> None:
    assert words(damaged, entry("configure")) == ["Configured"]


def test_every_recorded_kind_has_words() -> None:
    recorded = {what for path in (PROJECT / "app").rglob("*.py") for what in _recorded(path)}

    assert {"reveal", "configure", "approve_device_failed", "launch succeeded"} <= recorded
    assert {what for what in recorded if not _has_words(what)} == set()


def _has_words(what: str) -> bool:
    kind, _, state = what.partition(" ")
    is_operation = kind in list(OperationKind) and (not state or state in list(OperationState))
    return what in WORDS or is_operation


# The possible values of variables in place of a constant `what`.
_VARIABLES = {
    "operation.kind": list(OperationKind),
    "ended.kind": list(OperationKind),
    "ended.state": [each for each in OperationState if each is not OperationState.RUNNING],
    "what": ["approve_device", "reject_device", "remove_device"],
}


def _recorded(path: Any) -> list[str]:
    """Return every `what` that a source file passes to `record`."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or len(node.args) < 3:
            continue
        name = ast.unparse(node.func)
        if name in ("history.record", "_record") and path.name != "history.py":
            found += _values(node.args[1])
    return found


def _values(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        values = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            values = [before + each for before in values for each in _values(inner)]
        return values
    source = ast.unparse(node)
    # For example, `_record(context, what, who)` passes on its own argument `what`.
    assert source in _VARIABLES, f"{source} is recorded, and this test does not know what it is"
    return [str(each) for each in _VARIABLES[source]]
