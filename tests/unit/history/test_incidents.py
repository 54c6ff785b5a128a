"""Related engine events become one incident entry, and a crash loop has a count."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.history.incidents import (
    ContainerEvent,
    ExitSigns,
    Incident,
    incident_in,
    next_incident,
    should_write,
    to_entry,
)
from app.core.history.missed_incidents import RecordedState, last_recorded, missed_incident
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from tests.support.builders import ID, NOW, a_container, an_operation, before, details

CONTAINER = "c0ffee" + "0" * 58


def event(action: str, seconds: float = 0, **attributes: str) -> ContainerEvent:
    return ContainerEvent(ID, CONTAINER, action, NOW + timedelta(seconds=seconds), attributes)


def heard(events: Sequence[ContainerEvent]) -> list[Incident]:
    """Return the incidents that follow from these events, each in its final state."""
    signs, found = ExitSigns(), list[Incident]()
    for each in events:
        signs.note(each)
        incident = next_incident(each, signs, found[-1] if found else None)
        if each.action == "die":
            signs = ExitSigns()
        if incident is None:
            continue
        if found and found[-1].at == incident.at and found[-1].what == incident.what:
            found.pop()
        found.append(incident)
    return found


def crash(seconds: float, code: int = 1) -> ContainerEvent:
    return event("die", seconds, exitCode=str(code))


@pytest.mark.parametrize(
    ("events", "what", "who", "more"),
    [
        ([crash(0, 78)], "exited", "the gateway", {"code": 78}),
        (
            [event("oom"), crash(0.1, 137)],
            "exited",
            "the gateway",
            {"code": 137, "out_of_memory": True},
        ),
        (
            [event("kill", signal="15"), crash(8, 0), event("stop", 8)],
            "exited",
            "outside",
            {"code": 0, "signal": 15, "how": "stopped"},
        ),
        (
            [event("kill", signal="9"), crash(0.1, 137), event("destroy", 0.2)],
            "exited",
            "outside",
            {"code": 137, "signal": 9, "how": "removed"},
        ),
        (
            [
                event("kill", signal="15"),
                crash(1, 0),
                event("stop", 1.1),
                event("start", 1.5),
                event("restart", 1.5),
            ],
            "exited",
            "outside",
            {"code": 0, "signal": 15, "how": "restarted", "restarted": True},
        ),
        (
            [event("kill", signal="9"), crash(0, 137)],
            "exited",
            "outside",
            {"code": 137, "signal": 9},
        ),
        ([event("start")], "started", "outside", {}),
        ([event("destroy")], "removed", "outside", {}),
        ([event("pause")], "paused", "outside", {}),
        ([event("health_status: unhealthy")], "unhealthy", "the gateway", {}),
        (
            [event("health_status: unhealthy"), event("health_status: healthy", 9)],
            "unhealthy",
            "the gateway",
            {"well": True},
        ),
    ],
)
def test_related_events_are_one_incident(
    events: list[ContainerEvent], what: str, who: str, more: dict[str, object]
) -> None:
    [incident] = heard(events)

    assert (incident.what, incident.who) == (what, who)
    assert incident.more == more
    assert incident.at == next(each.at for each in events if each.action not in ("kill", "oom"))


@pytest.mark.parametrize("action", ["create", "health_status: healthy", "rename", "kill"])
def test_meaningless_events_are_no_incident(action: str) -> None:
    assert heard([event(action)]) == []


def test_a_crash_loop_is_one_incident_with_a_count() -> None:
    events = [each for n in range(500) for each in (crash(n * 60), event("start", n * 60 + 1))]

    [incident] = heard(events)

    assert incident.count == 500
    assert incident.at == NOW
    assert incident.last_at == NOW + timedelta(seconds=499 * 60 + 1)


def test_a_manual_start_or_a_much_later_exit_is_a_new_incident() -> None:
    by_hand = heard([crash(0), event("start", 3600), crash(3610)])
    later = heard([crash(0), event("start", 1), crash(7200)])

    assert [each.what for each in by_hand] == ["exited", "started", "exited"]
    assert [each.count for each in later] == [1, 1]


def test_a_crash_loop_is_written_less_and_less_often() -> None:
    written: list[int] = []
    latest: Incident | None = None
    kept: Incident | None = None
    for n in range(3000):
        for each in (crash(n * 3), event("start", n * 3 + 1)):
            latest = next_incident(each, ExitSigns(), latest)
            assert latest is not None
            if kept is None or should_write(latest, kept, each.at):
                kept = latest
                written.append(latest.count)

    assert sorted(set(written))[:8] == [1, 2, 5, 10, 20, 50, 100, 200]
    assert len(written) < 40


def test_the_end_of_a_loop_is_written_after_a_quiet_time() -> None:
    crashed = heard([crash(0), event("start", 1), crash(2), event("start", 3)])[0]
    again = heard([crash(0), event("start", 1), crash(2), event("start", 3), crash(4)])[0]

    assert not should_write(again, crashed, again.last_at)
    assert should_write(again, crashed, again.last_at + timedelta(minutes=3))
    assert not should_write(again, again, again.last_at + timedelta(hours=3))


ACTIONS = ["create", "start", "restart", "kill", "die", "oom", "stop", "destroy", "pause"]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.floats(0, 900)), max_size=30))
def test_incidents_of_any_events_read_back_unchanged(given: list[tuple[str, float]]) -> None:
    seconds = 0.0
    events = []
    for action, pause in given:
        seconds += pause
        events.append(event(action, seconds, exitCode="1", signal="9"))

    for incident in heard(events):
        read = incident_in(to_entry(incident))
        assert read is not None
        assert to_entry(read) == to_entry(incident)


def ended(at: datetime, **more: object) -> object:
    return a_container(
        "exited", "Exited (1)", id=CONTAINER, details=details(finished_at=at, exit_code=1, **more)
    )


LAUNCHED = an_operation(OperationKind.LAUNCH, OperationState.SUCCEEDED)


def test_a_missed_exit_is_found_from_the_containers_state() -> None:
    found = missed_incident(ended(before(60)), RecordedState(before(600)), LAUNCHED, NOW)  # type: ignore[arg-type]

    assert found is not None
    assert (found.what, found.at, found.detail("code")) == ("exited", before(60), 1)
    assert found.detail("missed")


@pytest.mark.parametrize(
    "known",
    [
        RecordedState(),
        RecordedState(before(10)),
        RecordedState(before(61), Incident("exited", CONTAINER[:12], before(61), before(61), "")),
    ],
)
def test_a_recorded_or_older_exit_is_not_found_again(
    known: RecordedState,
) -> None:
    assert missed_incident(ended(before(60)), known, LAUNCHED, NOW) is None  # type: ignore[arg-type]


def test_a_missed_removal_is_found_once() -> None:
    found = missed_incident(None, RecordedState(before(600)), LAUNCHED, NOW)

    assert found is not None
    assert found.what == "removed"
    known = last_recorded([{**to_entry(found), "n": 7}])
    assert known.number == 7
    assert missed_incident(None, known, LAUNCHED, NOW) is None
    stopped = an_operation(OperationKind.STOP)
    assert missed_incident(None, RecordedState(before(600)), stopped, NOW) is None
