"""The number of further gateways that fit on a host, and the message if there is no room."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.status.capacity import HostResources, capacity_of

GB = 10**9
HOST = HostResources(
    memory=16 * GB, available=8 * GB, disk=80 * GB, tasks=20_000, instances=128, running=3
)


def test_free_memory_is_judged_by_what_running_gateways_use() -> None:
    assert capacity_of(HOST).more == 7
    assert capacity_of(replace(HOST, used=[700_000_000, 800_000_000])).more == 10


@pytest.mark.parametrize(
    ("short", "name", "words"),
    [
        (replace(HOST, available=GB), "memory", "1.0 GB of memory is available"),
        (replace(HOST, disk=GB), "disk", "1.0 GB of the disk is free"),
        (replace(HOST, tasks=-5), "processes", "allows 0 more processes and threads"),
        (replace(HOST, running=128), "inotify", "each of the 128 running gateways takes one"),
    ],
)
def test_a_shortage_is_named_with_what_to_do(short: HostResources, name: str, words: str) -> None:
    capacity = capacity_of(short)

    assert (capacity.more, capacity.first.name) == (0, name)
    assert words in capacity.warning()
    assert capacity.warning().startswith("It may not fit: ")
    assert capacity.warning().endswith((".", ")."))


def test_gateways_being_launched_count_as_used_memory() -> None:
    capacity = capacity_of(HOST)

    assert capacity.warning(wanted=7) == ""
    assert "7 more are being launched." in capacity.warning(wanted=8)


def test_an_unknown_host_limit_does_not_limit() -> None:
    assert [each.name for each in capacity_of(HostResources(16 * GB, 8 * GB)).limits] == ["memory"]


sizes = st.integers(0, 2**45)


@given(sizes, sizes, st.lists(sizes, max_size=4), st.integers(1, 1000))
def test_suggested_sizes_do_fit(memory: int, available: int, used: list[int], wanted: int) -> None:
    host = HostResources(memory, available, used=used)
    capacity = capacity_of(host)

    assert capacity.more * host.gateway_bytes <= available
    assert (capacity.warning(wanted) == "") is (capacity.more >= wanted)
