"""Followers of a deployment's log get every line in order, or the number of skipped lines."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.logs.lines import (
    EVERYTHING,
    Level,
    LogFilter,
    LogNotice,
    RawLine,
    Stream,
    seconds_before,
)
from app.core.secrets import MASK
from app.core.snapshot import Container
from app.core.status.status import Status, StatusReport
from app.engine.logs.followers import LogFollowers
from app.usecases.logs.follow import LogTail
from app.usecases.status.overview import DeploymentView
from tests.support.builders import NOW, a_container, a_deployment

A, B = "a" * 64, "b" * 64
ANOTHER = "Another container: its log begins here."
OUT, ERR = Stream.OUT, Stream.ERR


class Log:
    """A container's log that a test writes and followers read."""

    def __init__(self) -> None:
        self.lines: list[RawLine] = []
        self.read = 0
        self.changed = threading.Condition()

    def write(self, *texts: str, stream: Stream = OUT) -> None:
        """Write lines with timestamps one millisecond apart."""
        with self.changed:
            for text in texts:
                second, thousandth = divmod(len(self.lines), 1000)
                time = f"2026-11-24T12:{second // 60:02}:{second % 60:02}.{thousandth:03}000000Z"
                self.lines.append(RawLine(time, stream, text))
            self.changed.notify_all()

    def await_read(self) -> None:
        """Wait until the follower has read all lines."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.read == len(self.lines), 20)

    def open(self, tail: int | None, since: str | None, follow: bool) -> "Answer":
        return Answer(self, tail, since or "", follow)


class Answer:
    def __init__(self, log: Log, tail: int | None, since: str, follow: bool) -> None:
        self._log = log
        self._tail = tail
        self._since = since
        self._follow = follow
        self._closed = False

    def batches(self) -> Iterator[list[RawLine]]:
        log, at = self._log, 0
        if not self._follow:
            yield log.lines[-(self._tail or 0) :]
            return
        while True:
            with log.changed:
                log.read = at
                log.changed.notify_all()
                log.changed.wait_for(lambda at=at: self._closed or len(log.lines) > at)
                if self._closed:
                    return
                start, at = at, len(log.lines)
            # The engine's format of `since` differs but sorts in the same order.
            yield [
                each for each in log.lines[start:at] if seconds_before(each.time, 0) >= self._since
            ]

    def close(self) -> None:
        with self._log.changed:
            self._closed = True
            self._log.changed.notify_all()


class Following:
    """A deployment with two successive containers, and readers of its log."""

    def __init__(self, clock: "Clock") -> None:
        self.a, self.b = Log(), Log()
        self.clock = clock
        self._tails: list[LogTail] = []
        logs = {A: self.a, B: self.b}

        def opened(container_id: str, **how: Any) -> Answer:
            return logs[container_id].open(
                how.get("tail"), how.get("since"), how.get("follow", False)
            )

        def secrets_of(gateway: Container) -> tuple[str, ...]:
            return (f"secret-of-{gateway.id[0]}",)

        source = cast(Any, SimpleNamespace(open=opened))
        self._context = cast(
            Any,
            SimpleNamespace(
                log_followers=LogFollowers(source),
                containers=SimpleNamespace(secrets_of=secrets_of),
            ),
        )

    def tail(
        self, container_id: str, position: str = "", wanted: LogFilter = EVERYTHING
    ) -> LogTail:
        tail = LogTail(wanted, position, lambda: None, self._context)
        tail.update(card_of(container_id))
        self._tails.append(tail)
        return tail

    def end(self) -> None:
        for tail in self._tails:
            tail.close()


class Clock:
    """A clock that a test advances."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    clock = Clock()
    monkeypatch.setattr("app.usecases.logs.follow.time", clock)
    following = Following(clock)
    yield following
    following.end()


def card_of(container_id: str) -> DeploymentView:
    report = StatusReport(Status.RUNNING, (), NOW)
    gateway = a_container(id=container_id)
    return DeploymentView(a_deployment(), report, (gateway,), gateway)


def texts(read: list[Any]) -> list[str]:
    return [each.words if isinstance(each, LogNotice) else each.text for each in read]


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


def test_lines_above_the_limit_are_skipped_and_counted(following: Following) -> None:
    following.a.write(*numbered(1, 10))
    tail = following.tail(A)
    assert texts(tail.more(await_existing=True)) == numbered(1, 10)

    following.a.write(*numbered(11, 12_010))
    following.a.await_read()
    flood = texts(tail.more())
    following.a.write(*numbered(12_011, 12_300))
    following.a.await_read()
    too_soon, pause = tail.more(), tail.pause
    following.clock.now += 1

    assert flood == ["7,010 lines skipped.", *numbered(7_021, 12_010)]
    assert too_soon == []
    assert pause < 1
    assert texts(tail.more()) == numbered(12_011, 12_300)
    assert tail.pause > 10


def test_a_position_that_is_too_old_says_that_lines_are_missing(following: Following) -> None:
    following.a.write("line 1")
    early = following.tail(A)
    early.more(await_existing=True)
    early.close()
    following.a.write(*numbered(2, 6_000))

    read = texts(following.tail(A, early.position).more(await_existing=True))

    assert read == ["Some lines were skipped.", *numbered(1_001, 6_000)]


def test_a_new_container_is_followed_after_the_old_one_is_read(
    following: Following,
) -> None:
    following.a.write(*numbered(1, 30))
    tail = following.tail(A)
    assert texts(tail.more(await_existing=True)) == numbered(1, 30)
    in_a = tail.position
    following.a.write("the end, secret-of-a")
    following.a.await_read()
    following.b.write("the beginning, secret-of-b", "ready")

    tail.update(card_of(B))
    too_soon = tail.more(await_existing=True)
    following.clock.now += 1
    read = tail.more(await_existing=True)
    following.b.write("at work")
    following.b.await_read()
    read += tail.more()

    begun = [ANOTHER, f"the beginning, {MASK}", "ready"]
    assert too_soon == []
    assert texts(read) == [f"the end, {MASK}", *begun, "at work"]
    assert tail.more(await_existing=True) == []
    assert tail.position.startswith(B[:12])
    # This reader was away while the containers changed.
    assert texts(following.tail(B, in_a).more(await_existing=True)) == [*begun, "at work"]


def test_a_reader_continues_right_after_a_position(following: Following) -> None:
    written = ["one", "two", "three", "four"]
    positions = [""]
    for number, text in enumerate(written):
        following.a.write(text, stream=ERR if number % 2 else OUT)
        reader = following.tail(A, positions[-1])
        assert texts(reader.more(await_existing=True)) == [text]
        positions.append(reader.position)
        reader.close()

    for number, position in enumerate(positions):
        assert texts(following.tail(A, position).more(await_existing=True)) == written[number:]


def test_a_position_is_also_after_filtered_lines(following: Following) -> None:
    wanted = LogFilter(Level.ERROR)
    following.a.write("[error] one", "two")
    tail = following.tail(A, wanted=wanted)

    assert texts(tail.more(await_existing=True)) == ["[error] one"]
    assert following.tail(A, tail.position).more(await_existing=True) == []
