"""The engine's log stream is parsed in chunks of any size."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from app.core.logs.frames import LogFrames
from app.core.logs.lines import RawLine, Stream

_TIME = "2026-11-24T09:43:38.126185215Z"
texts = st.text(
    st.characters(blacklist_characters="\n\r", blacklist_categories=["Cs"]), max_size=40
)
streams = st.sampled_from(Stream)


def frame(stream: Stream, text: bytes, time: str = _TIME) -> bytes:
    message = f"{time} ".encode() + text
    return struct.pack(">BxxxL", 2 if stream is Stream.ERR else 1, len(message)) + message


def read(frames: LogFrames, data: bytes, portion: int) -> list[RawLine]:
    portions = (data[start : start + portion] for start in range(0, len(data), portion))
    return [line for each in portions for line in frames.feed(each)] + frames.end()


@given(st.lists(st.tuples(streams, texts)), st.integers(1, 50))
def test_lines_are_read_as_they_were_sent(lines: list[tuple[Stream, str]], portion: int) -> None:
    data = b"".join(frame(stream, f"{text}\n".encode()) for stream, text in lines)

    found = read(LogFrames(), data, portion)

    assert found == [RawLine(_TIME, stream, text) for stream, text in lines]


def test_a_line_in_several_messages_is_joined_per_stream() -> None:
    data = (
        frame(Stream.OUT, b"begun \xe2\x82")
        + frame(Stream.ERR, b"between\n")
        + frame(Stream.OUT, b"\xac ended\n", time="2026-11-24T09:43:38.126185216Z")
    )

    assert read(LogFrames(), data, 7) == [
        RawLine(_TIME, Stream.ERR, "between"),
        RawLine(_TIME, Stream.OUT, "begun € ended"),
    ]


def test_an_unfinished_line_is_returned_at_the_end_and_bounded() -> None:
    data = b"".join(frame(Stream.OUT, b"x" * 16_000) for _ in range(100))

    [line] = read(LogFrames(), data, 5_000)

    assert line.text == "x" * 65_536


def test_a_terminals_log_is_read_without_frames() -> None:
    data = f"{_TIME} one\r\n{_TIME} two \N{EURO SIGN}\r\n{_TIME} thr".encode()

    assert [line.text for line in read(LogFrames(), data, 3)] == [
        "one",
        "two €",
        "thr",
    ]
