"""Log lines: level, text without secrets, position and filters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.logs.lines import (
    Level,
    LineKey,
    LogFilter,
    LogPosition,
    Numbering,
    RawLine,
    Stream,
    read_line,
    seconds_before,
)
from app.core.logs.terminal_colors import ColoredText
from app.core.secrets import MASK, Masker

_TIME = "2026-11-24T09:43:38.126185215Z"
_OWN = "2026-11-24T11:43:38.125+02:00"
_CONTAINER = "f112a4e28268b2ffbe517cb317c9270b37133f90e3dce8c6251967fe6a47f341"
OUT, ERR = Stream.OUT, Stream.ERR


def line(text: str, stream: Stream = OUT, *secrets: str):
    return read_line(RawLine(_TIME, stream, text), Masker(secrets))


@pytest.mark.parametrize(
    ("stream", "text", "level"),
    [
        # Lines that OpenClaw 2026.9.6 wrote in its container.
        (OUT, f"{_OWN} [gateway] http server listening (15 plugins: anthropic; 4.2s)", "info"),
        (OUT, f"{_OWN} [gateway] remote model catalog refresh failed", "info"),
        (OUT, "- openrouter/auto model configured, enabled automatically.", ""),
        (ERR, f"{_OWN} [gateway] ⚠️  Gateway is binding to a non-loopback address. Ensure", "warn"),
        (ERR, "[openrouter-model-capabilities] Failed to fetch OpenRouter models", "error"),
        (ERR, "Gateway failed to start: EACCES: permission denied, mkdir '/home/node'", "error"),
        (OUT, '{"time":"2026-11-24T09:43:38.125Z","level":"warn","message":"x"}', "warn"),
        (OUT, '{"level":50,"msg":"pino"}', "error"),
        (OUT, "Gateway failed to start: as last words have it, without the stream", "error"),
        # Log formats of other programs.
        (OUT, "time=2026-11-24T09:43:38Z level=debug msg=x", "debug"),
        (OUT, "2026-11-24 09:43:38,126 ERROR root: x", "error"),
        (OUT, "[warn] x", "warn"),
        (OUT, "<notice> x", "info"),
        (OUT, "npm ERR! code E404", "error"),
        (OUT, "npm warn deprecated x", ""),
        (ERR, "(node:1) Warning: x", "warn"),
        (ERR, "    at Module._compile (node:internal/modules/cjs/loader:1198:14)", "error"),
        (ERR, "TypeError: x is not a function", "error"),
        (ERR, "usage: x", "warn"),
        (OUT, "no errors, no warnings", ""),
        (OUT, "level=unheard-of", ""),
        (OUT, "ERROR_CODES", ""),
        (OUT, "x" * 300 + " ERROR", ""),
        (OUT, "", ""),
    ],
)
def test_the_level_of_a_line_is_recognized(stream: Stream, text: str, level: str) -> None:
    assert line(text, stream).level == level


def test_a_secret_split_by_colors_is_masked() -> None:
    found = line("\x1b[1mkey \x1b[31msecret\x1b[32m-token\x1b[0m end", OUT, "secret-token")

    assert found.text == f"key {MASK} end"
    assert [tuple(each) for each in found.pieces] == [(f"key {MASK} end", "")]


def test_a_secret_is_masked_before_a_long_line_is_cut() -> None:
    found = line("x" * 9_995 + "secret-token", OUT, "secret-token")

    assert "secret" not in found.text


def test_too_many_colors_are_left_out() -> None:
    assert line("\x1b[31mx\x1b[32my" * 4_000).pieces == (ColoredText("xy" * 4_000),)
    assert len(line("\x1b[31mx\x1b[32my" * 200).pieces) == 400


def test_a_line_that_is_too_long_is_cut_and_says_so() -> None:
    found = line("\x1b[31m" + "x" * 20_000)

    assert found.text.endswith("… (10000 characters left out)")
    assert len("".join(each.text for each in found.pieces)) <= len(found.text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{_OWN} [gateway] ready", "[gateway] ready"),
        (f"\x1b[90m{_OWN}\x1b[39m \x1b[36m[gateway]\x1b[39m ready", "[gateway] ready"),
        ("2026-11-24T09:43:38Z ready", "ready"),
        ("2001-01-01T00:00:00.000000000Z [gateway] ready", None),
        ("2026-99-24T09:43:38Z ready", None),
        ("9999-12-31T23:59:59-14:00 ready", None),
    ],
)
def test_a_time_that_a_line_begins_with_is_not_shown_twice(text: str, shown: str | None) -> None:
    found = line(text)

    assert "".join(each.text for each in found.pieces) == (shown or found.text)
    assert found.text == re.sub(r"\x1b\[\d+m", "", text)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (LogFilter(), [0, 1, 2, 3]),
        (LogFilter(level=Level.ERROR), [0]),
        (LogFilter(level=Level.WARN), [0, 1]),
        (LogFilter(level=Level.INFO), [0, 1, 2]),
        (LogFilter(level=Level.DEBUG), [0, 1, 2, 3]),
        (LogFilter(stream=ERR), [1]),
        (LogFilter(text="PLAIN"), [2]),
        (LogFilter(text="secret"), []),
    ],
)
def test_a_filter_selects_lines(wanted: LogFilter, numbers: list[int]) -> None:
    lines = [
        line("error: secret-token", OUT, "secret-token"),
        line("on stderr", ERR),
        line("plain"),
        line("debug: x"),
    ]

    assert [index for index, each in enumerate(lines) if wanted.wants(each)] == numbers


def test_lines_with_equal_times_have_different_keys() -> None:
    numbering = Numbering()
    raw = [RawLine(_TIME, OUT, "a"), RawLine(_TIME, ERR, "b"), RawLine(_TIME, OUT, "c")]

    assert [numbering.key(each).nth for each in raw] == [1, 1, 2]
    assert numbering.key(RawLine("2026-11-24T09:43:38.2Z", OUT, "d")).nth == 1


@pytest.mark.parametrize("key", [None, LineKey(_TIME, ERR, 12)])
def test_a_position_survives_the_browser(key: LineKey | None) -> None:
    position = LogPosition.parse(str(LogPosition(_CONTAINER, key)))

    assert position.key == key
    assert position.is_in(_CONTAINER)
    assert not position.is_in("0" * 64)


@given(st.text() | st.from_regex(r"[0-9a-f]{12}_2026-\d\d-\d\dT[\d:.]*Z_std(out|err)\d*"))
def test_a_malformed_position_is_the_beginning(text: str) -> None:
    position = LogPosition.parse(text)

    assert position == LogPosition() or str(position) == text
    assert not LogPosition().is_in(_CONTAINER)


def test_earlier_times_are_in_the_engines_format() -> None:
    assert seconds_before(_TIME, 2) == "1795513416.126185215"
    assert seconds_before("2026-11-24T09:43:38Z", 0) == "1795513418.000000000"
    assert seconds_before("1970-01-01T00:00:01.5Z", 2) == "0000000000.500000000"
