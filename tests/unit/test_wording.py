"""Times in words, also where a clock was moved."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.core.wording import ago, clock, duration

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
def test_the_past_is_told_in_words_and_the_future_is_just_now(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(4, "4 seconds"), (180, "3 minutes"), (0, "a moment"), (-60, "a moment")]
)
def test_a_span_is_never_negative(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_the_time_of_day_says_its_zone() -> None:
    assert clock(NOW) == "12:03:40 UTC"
    assert clock(NOW.astimezone(timezone(timedelta(hours=5)))) == "12:03:40 UTC"
