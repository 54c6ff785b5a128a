"""Inspections are cached while engine events are followed, and dropped if possibly outdated."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.snapshot import Container, Details
from app.engine.inspections import Inspections

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STARTED = NOW - timedelta(seconds=20)
UP = Container("c1", "n", "p", "openclaw", "i", "running", "Up 20 seconds", STARTED)
EXITED = replace(UP, state="exited", status_text="Exited (1) 20 seconds ago")


def details(started_at: datetime | None = STARTED) -> Details:
    return Details(0, started_at, None, "", 0, False, "", "always", secrets=("secret",))


def inspected(container: Container, following: bool = True) -> Inspections:
    known = Inspections()
    known.set_following(following)
    known.begin(container.id)
    known.keep(container, details())
    return known


@pytest.mark.parametrize(
    "seen",
    [UP, replace(UP, status_text="Up 22 seconds")],
)
def test_a_run_is_inspected_once(seen: Container) -> None:
    assert inspected(UP).details_of(seen, NOW) == details()
    assert inspected(EXITED).details_of(EXITED, NOW) == details()


@pytest.mark.parametrize(
    "seen",
    [
        replace(UP, status_text="Up 2 seconds"),
        replace(UP, status_text="Up 20 seconds (unhealthy)"),
        replace(UP, state="paused", status_text="Up 20 seconds (Paused)"),
        replace(UP, state="restarting", status_text="Restarting (1) 2 seconds ago"),
        EXITED,
    ],
)
def test_a_container_whose_list_entry_changed_is_inspected_again(seen: Container) -> None:
    assert inspected(UP).details_of(seen, NOW) is None


def test_a_different_exit_code_is_a_different_incident() -> None:
    seen = replace(EXITED, status_text="Exited (137) 20 seconds ago")

    assert inspected(EXITED).details_of(seen, NOW) is None


def test_an_event_outdates_an_inspection_even_while_it_is_made() -> None:
    known = inspected(UP)
    known.drop(UP.id)
    assert known.details_of(UP, NOW) is None

    known.begin(UP.id)
    known.drop(UP.id)
    known.keep(UP, details())
    assert known.details_of(UP, NOW) is None


def test_without_events_only_constant_answers_are_cached() -> None:
    known = inspected(UP, following=False)
    assert known.details_of(UP, NOW) is None
    assert known.secrets_of(UP.id) == ("secret",)

    known = inspected(UP)
    known.set_following(False)
    assert known.details_of(UP, NOW) is None

    known.keep_only(set())
    assert known.secrets_of(UP.id) is None
