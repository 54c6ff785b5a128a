"""A page's address selects the lines of a log that are shown."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.logs.lines import Level, LogFilter, Stream
from app.core.logs.query import LAST, LEVELS, STREAMS, LogSelection
from tests.support.builders import NOW

choices = st.builds(
    LogSelection,
    st.sampled_from(list(LAST)),
    st.sampled_from(list(LEVELS)),
    st.sampled_from(list(STREAMS)),
    st.text(max_size=200).map(str.strip),
    st.booleans(),
)


@given(choices)
def test_an_address_holds_the_whole_selection(choice: LogSelection) -> None:
    assert LogSelection.read(choice.arguments) == choice


def test_defaults_are_left_out_of_the_address() -> None:
    assert LogSelection().arguments == {}
    assert LogSelection(last="1h", before=True).arguments == {"last": "1h", "run": "before"}


@pytest.mark.parametrize(
    ("last", "tail", "span"),
    [
        ("200", 200, None),
        ("1000", 1_000, None),
        ("5000", 5_000, None),
        ("5m", 5_000, timedelta(minutes=5)),
        ("1h", 5_000, timedelta(hours=1)),
        ("24h", 5_000, timedelta(hours=24)),
    ],
)
def test_a_selection_goes_back_by_lines_or_time(
    last: str, tail: int, span: timedelta | None
) -> None:
    choice = LogSelection.read({"last": last})

    assert choice.tail == tail
    assert choice.since(NOW) == (NOW - span if span else None)


def test_a_selection_has_a_level_a_stream_and_a_text() -> None:
    said = {"level": "warn", "stream": "stderr", "text": "  Disk full "}

    assert LogSelection.read(said).wanted == LogFilter(Level.WARN, Stream.ERR, "Disk full")
    assert LogSelection.read({}).wanted == LogFilter()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("last", "201"),
        ("last", "-1"),
        ("last", "1H"),
        ("last", ""),
        ("level", "debug"),
        ("level", "WARN"),
        ("level", "<script>"),
        ("stream", "both"),
        ("stream", "stdout "),
        ("run", "after"),
        ("run", "1"),
        ("text", " \t"),
        ("unheard-of", "x"),
    ],
)
def test_invalid_arguments_are_ignored(name: str, value: str) -> None:
    assert LogSelection.read({name: value}) == LogSelection()


def test_a_long_text_is_cut() -> None:
    assert LogSelection.read({"text": "x" * 100_000}).text == "x" * 200
