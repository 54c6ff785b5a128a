"""How many more gateways fit on a host, and the message if none does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.status.capacity import Host, room_on

GB = 10**9
HOST = Host(memory=16 * GB, available=8 * GB, disk=80 * GB, tasks=20_000, instances=128, running=3)


def test_free_memory_is_judged_by_what_running_gateways_use() -> None:
    assert room_on(HOST).more == 7
    assert room_on(replace(HOST, used=[700_000_000, 800_000_000])).more == 10


@pytest.mark.parametrize(
    ("short", "name", "words"),
    [
        (replace(HOST, available=GB), "memory", "1.0 GB of memory is available"),
        (replace(HOST, disk=GB), "disk", "1.0 GB of the disk is free"),
        (replace(HOST, tasks=-5), "processes", "lets 0 more processes and threads begin"),
        (replace(HOST, running=128), "inotify", "each of the 128 gateways that run does it once"),
    ],
)
def test_a_shortage_is_named_with_what_to_do(short: Host, name: str, words: str) -> None:
    room = room_on(short)

    assert (room.more, room.first.name) == (0, name)
    assert words in room.warning()
    assert room.warning().startswith("It may not fit: ")
    assert room.warning().endswith((".", ")."))


def test_gateways_being_launched_count_as_used_memory() -> None:
    room = room_on(HOST)

    assert room.warning(wanted=7) == ""
    assert "7 more are being launched." in room.warning(wanted=8)


def test_an_unknown_host_limit_does_not_limit() -> None:
    assert [each.name for each in room_on(Host(16 * GB, 8 * GB)).limits] == ["memory"]


sizes = st.integers(0, 2**45)


@given(sizes, sizes, st.lists(sizes, max_size=4), st.integers(1, 1000))
def test_suggested_sizes_do_fit(memory: int, available: int, used: list[int], wanted: int) -> None:
    host = Host(memory, available, used=used)
    room = room_on(host)

    assert room.more * host.gateway_bytes <= available
    assert (room.warning(wanted) == "") is (room.more >= wanted)
