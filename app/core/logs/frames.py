"""Parse the engine's log stream into lines while the stream arrives.

Without a terminal, each message is a frame: one byte for the stream, three zero bytes, the length
in four bytes, then `TIME text`. A line over 16 KiB comes as several messages, each with its time;
only the last message ends the line. With a terminal there are no frames and no streams. The first
byte shows whether there is a terminal: it is a digit of a time, or a frame's stream number.
"""

import struct

from app.core.logs.lines import RawLine, Stream

_HEADER = struct.Struct(">BxxxL")
_ERR = 2
_HIGHEST_STREAM = 3
# Longer than any line on the page.
_LONGEST = 64 * 1024


def _frames_in(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the complete frames in some data as (stream, content), and the rest of the data."""
    frames, start = [], 0
    while start + _HEADER.size <= len(data):
        number, length = _HEADER.unpack_from(data, start)
        body = start + _HEADER.size
        if body + length > len(data):
            break
        frames.append((number, data[body : body + length]))
        start = body + length
    return frames, data[start:]


def text_in(data: bytes) -> bytes:
    """Return the content of all frames, of any stream, including an incomplete last one."""
    frames, rest = _frames_in(data)
    return b"".join(content for _, content in frames) + rest[_HEADER.size :]


class LogFrames:
    """Takes one log stream's bytes in chunks of any size and returns complete lines."""

    def __init__(self) -> None:
        self._terminal: bool | None = None
        self._rest = b""
        self._partial: dict[Stream, _PartialLine] = {}

    def feed(self, data: bytes) -> list[RawLine]:
        if self._terminal is None and data:
            self._terminal = data[0] > _HIGHEST_STREAM
        return self._plain(data) if self._terminal else self._framed(data)

    def end(self) -> list[RawLine]:
        """Return the lines that have no line end yet, when the stream has ended."""
        if self._terminal and self._rest:
            return [_line(Stream.OUT, *_split_time(self._rest))]
        return [each.line(stream) for stream, each in self._partial.items()]

    def _framed(self, data: bytes) -> list[RawLine]:
        data = self._rest + data if self._rest else data
        frames, self._rest = _frames_in(data)
        lines = []
        for number, message in frames:
            stream = Stream.ERR if number == _ERR else Stream.OUT
            if line := self._message(stream, message):
                lines.append(line)
        return lines

    def _message(self, stream: Stream, message: bytes) -> RawLine | None:
        time, text = _split_time(message)
        partial = self._partial.get(stream)
        if text.endswith(b"\n"):
            if partial is None:
                return _line(stream, time, text)
            del self._partial[stream]
            partial.add(text)
            return partial.line(stream)
        if partial is None:
            partial = self._partial[stream] = _PartialLine(time)
        partial.add(text)
        return None

    def _plain(self, data: bytes) -> list[RawLine]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[:_LONGEST]
        return [_line(Stream.OUT, *_split_time(each)) for each in lines]


class _PartialLine:
    """A line whose end has not arrived yet."""

    def __init__(self, time: bytes) -> None:
        self._time = time
        self._text = bytearray()

    def add(self, text: bytes) -> None:
        self._text += text[: _LONGEST - len(self._text)]

    def line(self, stream: Stream) -> RawLine:
        return _line(stream, self._time, bytes(self._text))


def _split_time(message: bytes) -> tuple[bytes, bytes]:
    time, _, text = message.partition(b" ")
    return time, text


def _line(stream: Stream, time: bytes, text: bytes) -> RawLine:
    text = text[:_LONGEST].removesuffix(b"\n").removesuffix(b"\r")
    return RawLine(time.decode(errors="replace"), stream, text.decode(errors="replace"))
