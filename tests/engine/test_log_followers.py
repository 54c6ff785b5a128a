"""Log followers on the real engine lose and repeat no line, and leave nothing behind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import docker
import psutil
import pytest
from docker.errors import NotFound

from app.core.history.incidents import ContainerEvent
from app.core.logs.lines import LineKey, RawLine, Stream
from app.engine.client import EngineClient, engine_address
from app.engine.logs.followers import Cursor, KeptLine, LogFollowers
from app.engine.logs.source import LogSource
from tests.support.engine.gate import EngineGate
from tests.support.engine.images import STANDIN
from tests.support.waiting import eventually

Run = Callable[..., str]


@pytest.fixture
def run(engine: docker.APIClient) -> Iterator[Run]:
    """Return a function that starts a container with a fault. Remove the containers afterwards."""
    started: list[str] = []

    def start(fault: str) -> str:
        made = engine.create_container(
            STANDIN,
            environment={"OPENCLAW_GATEWAY_TOKEN": "token-of-a-test", "STANDIN_FAULT": fault},
            host_config=engine.create_host_config(init=True),
        )
        started.append(made["Id"])
        engine.start(made["Id"])
        return str(made["Id"])

    yield start
    for each in started:
        with suppress(NotFound):
            engine.remove_container(each, force=True)


def followers_at(address: str) -> LogFollowers:
    return LogFollowers(LogSource(EngineClient(address, timeout=5)))


@pytest.fixture
def followers() -> LogFollowers:
    return followers_at(engine_address())


class Reader:
    """A reader of a container's log. Each `read` gets the available lines."""

    def __init__(self, followers: LogFollowers, container: str, after: LineKey | None = None):
        self.woken = threading.Event()
        self.cursor: Cursor = followers.follow(container, after, self.woken.set)
        self.lines: list[KeptLine] = []
        self.skipped: list[int | None] = []

    def end(self) -> None:
        self.cursor.close()

    def read(self, most: int = 10_000) -> "Reader":
        lines, skipped = self.cursor.take(most)
        self.lines += lines
        if skipped != 0:
            self.skipped.append(skipped)
        return self

    def read_to(self, number: int, within: float = 20) -> None:
        eventually(lambda: (self.read().numbers or [0])[-1] >= number, within)

    @property
    def numbers(self) -> list[int]:
        """The numbers in the flood lines read so far."""
        texts = (held.line.text for held in self.lines)
        return [int(text.split()[2]) for text in texts if text.startswith("flood line")]


def test_all_readers_of_a_busy_log_share_one_connection(
    run: Run, followers: LogFollowers, engine_calls: list[str]
) -> None:
    container = run("flood:1000")
    first = Reader(followers, container)
    first.read_to(100)
    first.end()
    eventually(lambda: not _threads())
    files = psutil.Process().num_fds()

    readers = [Reader(followers, container) for _ in range(5)]
    for reader in readers:
        reader.read_to(2_000)
    # Other readers begin and end between the two reads.
    for _ in range(25):
        Reader(followers, container).read().end()
    for reader in readers:
        reader.read_to(3_000)

    assert _threads() == [f"log-{container[:12]}"]
    assert len([call for call in engine_calls if "follow=1" in call]) == 2
    for reader in readers:
        assert reader.numbers == list(range(1, reader.numbers[-1] + 1))
        assert not reader.skipped
        reader.end()
    eventually(lambda: not _threads())
    eventually(lambda: psutil.Process().num_fds() <= files)


def test_a_reader_continues_after_the_last_line_it_has(run: Run, followers: LogFollowers) -> None:
    container = run("flood:1000")
    first = Reader(followers, container)
    first.read_to(500)
    first.end()

    second = Reader(followers, container, after=first.lines[-1].key)
    second.read_to(1_500)

    numbers = first.numbers + second.numbers
    assert numbers == list(range(1, numbers[-1] + 1))
    assert not second.skipped
    second.end()


def test_a_reconnect_and_a_restart_lose_and_repeat_no_line(
    run: Run, tmp_path: Path, engine: docker.APIClient
) -> None:
    gate = EngineGate(tmp_path / "engine.sock")
    followers = followers_at(gate.address)
    container = run("flood:300")
    reader = Reader(followers, container)
    reader.read_to(300)

    gate.shut()
    gate.open()
    _follow_again(followers, container)
    reader.read_to(900)
    engine.restart(container, timeout=2)
    _follow_again(followers, container)

    eventually(lambda: reader.read().numbers.count(300) == 2)
    ends = reader.numbers.index(1, 1)
    runs = reader.numbers[:ends], reader.numbers[ends:]
    assert all(numbers == list(range(1, numbers[-1] + 1)) for numbers in runs)
    assert not reader.skipped
    reader.end()
    gate.shut()


def test_a_removed_container_ends_the_log_after_its_last_lines(
    run: Run, followers: LogFollowers, engine: docker.APIClient
) -> None:
    container = run("crash:7")
    reader = Reader(followers, container)
    eventually(lambda: "exit with 7" in (reader.read().lines or [_NOTHING])[-1].line.text)

    engine.remove_container(container, force=True)
    _follow_again(followers, container)
    eventually(lambda: not _threads())
    reader.end()


def _follow_again(followers: LogFollowers, container: str) -> None:
    """Report a container's start, as an engine event does."""
    followers.on_event(ContainerEvent("", container, "start", datetime.now(UTC), {}))


def _threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("log-")]


_NOTHING = KeptLine(LineKey("", Stream.OUT, 0), RawLine("", Stream.OUT, ""))
