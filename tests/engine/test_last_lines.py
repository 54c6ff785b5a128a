"""The last lines of running containers are followed, no matter how many containers have ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.engine.logs import last_lines
from app.engine.logs.last_lines import LastLines
from tests.support.waiting import eventually


class Client:
    """An engine client whose containers print their id and exit."""

    @contextmanager
    def calls(self) -> Iterator["Client"]:
        yield self

    def logs(self, container_id: str, **_: Any) -> list[bytes]:
        return [container_id.encode()]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> LastLines:
    monkeypatch.setattr(last_lines, "_MOST_FOLLOWED", 2)
    return LastLines(Client())  # type: ignore[arg-type]


def follow_to_the_end(lines: LastLines, container_id: str) -> None:
    lines.follow(container_id)
    eventually(lambda: lines.of(container_id) == container_id.encode())


def test_the_oldest_ended_container_makes_room_for_a_new_one(lines: LastLines) -> None:
    for container_id in ("first", "second", "third"):
        follow_to_the_end(lines, container_id)

    assert lines.of("first") == b""
    assert lines.of("second") == b"second"


def test_last_lines_of_removed_containers_are_dropped(lines: LastLines) -> None:
    follow_to_the_end(lines, "gone")
    follow_to_the_end(lines, "there")

    lines.keep_only({"there"})

    assert (lines.of("gone"), lines.of("there")) == (b"", b"there")
