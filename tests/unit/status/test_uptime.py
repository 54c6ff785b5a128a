"""A remembered start time counts only while the engine's text for the uptime agrees."""

from datetime import timedelta

import pytest

from app.core.status.uptime import fits

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=0.2), "Up Less than a second"),
        (timedelta(seconds=59), "Up 59 seconds"),
        (timedelta(seconds=119), "Up About a minute"),
        (timedelta(minutes=59), "Up 59 minutes (healthy)"),
        (timedelta(minutes=89), "Up About an hour"),
        (timedelta(minutes=91), "Up 2 hours"),
        (47 * HOUR, "Up 47 hours"),
        (13.5 * 24 * HOUR, "Up 13 days"),
        (20 * 24 * HOUR, "Up 2 weeks (unhealthy)"),
        (100 * 24 * HOUR, "Up 3 months"),
        (800 * 24 * HOUR, "Up 2 years"),
    ],
)
def test_dockers_own_messages_match(span: timedelta, text: str) -> None:
    assert fits(span, text)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (3 * HOUR, "Up 5 minutes"),
        (3 * HOUR, "Up About a minute"),
        (timedelta(minutes=2), "Up 3 hours"),
        (10 * 24 * HOUR, "Up 2 days"),
        (HOUR, "Exited (0) 1 hour ago"),
        (HOUR, "Restarting (1) 2 seconds ago"),
    ],
)
def test_checks_of_an_earlier_start_do_not_count(span: timedelta, text: str) -> None:
    assert not fits(span, text)
