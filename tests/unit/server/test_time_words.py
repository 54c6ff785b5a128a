"""Times in words, also after a clock change."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.time_words import (
    Elapsed,
    SentencePart,
    TimeAgo,
    TimeOfDay,
    ago,
    clock,
    duration,
    spell,
    took,
)

NOW = datetime(2026, 11, 24, 12, 3, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (0.9, "just now"),
        (-3600, "just now"),
        (4, "4 seconds ago"),
        (180, "3 minutes ago"),
        (7200, "2 hours ago"),
        (2 * 86400, "2 days ago"),
    ],
)
def test_a_past_time_is_relative_and_a_future_time_is_just_now(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(4, "4 seconds"), (180, "3 minutes"), (0, "a moment"), (-60, "a moment")]
)
def test_a_duration_is_never_negative(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "< 0.1 s"),
        (0.04, "< 0.1 s"),
        (0.42, "0.4 s"),
        (12.9, "12 s"),
        (125, "2 min 5 s"),
        (7300, "121 min 40 s"),
    ],
)
def test_a_steps_duration_is_short(seconds: float, words: str) -> None:
    assert took(timedelta(seconds=seconds)) == words


def test_a_time_of_day_names_its_zone() -> None:
    assert clock(NOW) == "12:03:40 UTC"
    assert clock(NOW.astimezone(timezone(timedelta(hours=5)))) == "12:03:40 UTC"


@given(st.lists(st.text() | st.datetimes().map(lambda each: TimeAgo(each.replace(tzinfo=UTC)))))
def test_a_schedule_is_described_part_by_part(parts: list[SentencePart]) -> None:
    words = spell(parts, NOW)

    for part in parts:
        assert (part if isinstance(part, str) else ago(part.moment, NOW)) in words


def test_each_kind_of_time_has_words() -> None:
    moment = NOW - timedelta(minutes=3)

    parts = ("seen ", TimeAgo(moment), ", up ", Elapsed(moment), " at ", TimeOfDay(moment))

    assert spell(parts, NOW) == "seen 3 minutes ago, up 3 minutes at 12:00:40 UTC"
