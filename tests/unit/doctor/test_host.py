"""The doctor's checks of disks, memory and the clock."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.doctor.finding import DoctorVerdict
from app.core.doctor.host import (
    DISK,
    DISK_ENGINE,
    Disk,
    GatewayMemory,
    HostClock,
    Memory,
    clock_finding,
    disk_finding,
    gateway_memory_finding,
    memory_finding,
    room_finding,
)
from app.core.doctor.shell import Shell
from app.core.settings.fields import BY_NAME
from app.core.status.capacity import GATEWAY_BYTES, HostResources, capacity_of

SHELL = Shell("/srv", "root", is_root=True, has_sudo=False, has_systemd=True)
GB = 10**9


@pytest.mark.parametrize(
    ("free", "inodes", "verdict"),
    [
        (80 * GB, 5000, DoctorVerdict.GOOD),
        (80 * GB, 400, DoctorVerdict.WARNING),
        (80 * GB, 50, DoctorVerdict.BAD),
        (3 * GB, 5000, DoctorVerdict.WARNING),
        (GB // 2, 5000, DoctorVerdict.BAD),
    ],
)
def test_a_disk_is_rated_by_free_bytes_and_inodes(
    free: int, inodes: int, verdict: DoctorVerdict
) -> None:
    found = disk_finding(DISK, Disk("/srv/dep", free, 100 * GB, inodes, 10_000), SHELL)

    assert found.verdict is verdict
    assert bool(found.fix) is (verdict is not DoctorVerdict.GOOD)
    assert "--inodes" in found.fix or inodes == 5000 or verdict is DoctorVerdict.GOOD


def test_a_file_system_without_inode_counts_is_rated_by_free_bytes() -> None:
    found = disk_finding(DISK, Disk("/srv", 80 * GB, 100 * GB), SHELL)

    assert (found.verdict, found.seen) == (DoctorVerdict.GOOD, "80.0 GB of 100.0 GB free, at /srv.")


def test_the_fix_for_the_engines_disk_asks_before_it_removes() -> None:
    found = disk_finding(DISK_ENGINE, Disk("/var/lib/docker", 0, GB), SHELL)

    assert found.fix == "docker image prune"


def test_memory_says_how_many_more_gateways_fit() -> None:
    running = (GatewayMemory("a", "A", GB, 2 * GB), GatewayMemory("b", "B", GB, 2 * GB))

    found = memory_finding(Memory(16 * GB, 8 * GB, running))

    assert found.verdict is DoctorVerdict.GOOD
    assert found.seen == (
        "8.0 GB of 16.0 GB available. 2 running gateways use 2.0 GB and may use up to 4.0 GB."
        " 7 more would fit."
    )
    assert memory_finding(Memory(16 * GB, GB, None)).verdict is DoctorVerdict.WARNING
    assert memory_finding(Memory(16 * GB, GB // 4, ())).verdict is DoctorVerdict.BAD


@given(st.integers(1, 2**45), st.floats(0, 1))
def test_gateways_that_are_said_to_fit_do_fit(total: int, share: float) -> None:
    available = int(total * share)
    found = memory_finding(Memory(total, available, None))

    more = int(found.seen.split()[6]) if "would fit" in found.seen else 0
    assert more * GATEWAY_BYTES <= available
    assert (found.verdict is DoctorVerdict.GOOD) is (more > 0)


def test_the_scarcest_resource_decides_and_has_a_fix() -> None:
    host = HostResources(
        64 * GB, 40 * GB, 90 * GB, 30_000, 128, 900, running=100, used=[GB // 2] * 100
    )
    found = room_finding(capacity_of(host), SHELL)

    assert (found.verdict, found.fix) == (DoctorVerdict.GOOD, "")
    assert found.seen == (
        "28 more gateways fit: this host allows one user 128 inotify instances, and each of the"
        " 100 running gateways takes one. By resource: memory 76, disk 890, processes 468,"
        " inotify 28 and ports and networks 900."
    )
    found = room_finding(capacity_of(replace(host, running=128)), SHELL)
    assert found.verdict is DoctorVerdict.WARNING
    assert found.seen.startswith("No more gateways fit: ")
    assert found.fix == "sysctl -w fs.inotify.max_user_instances=1024"


def test_a_gateway_near_its_memory_limit_is_named() -> None:
    fine = GatewayMemory("a", "A", GB, 2 * GB)
    near = GatewayMemory("b", "Sales (b)", 2 * GB, 2 * 2**30)

    assert gateway_memory_finding([], SHELL).seen == "No gateway is running."
    assert "A with 1.0 GB of 2.0 GB" in gateway_memory_finding([fine], SHELL).seen
    found = gateway_memory_finding([fine, near], SHELL)
    assert found.verdict is DoctorVerdict.WARNING
    assert "Sales (b) with 2.0 GB of 2.1 GB" in found.seen
    assert found.fix == "/srv/deploy-agent reconfigure b --set memory_limit=3072m"


def test_the_suggested_limit_is_a_valid_setting() -> None:
    rule = BY_NAME["memory_limit"].rule

    assert rule
    assert rule("3072m") is None


@pytest.mark.parametrize(
    ("ahead", "synchronized", "verdict"),
    [
        (0.2, True, DoctorVerdict.GOOD),
        (None, True, DoctorVerdict.GOOD),
        (-0.2, False, DoctorVerdict.WARNING),
        (0.0, None, DoctorVerdict.UNKNOWN),
        (5.0, True, DoctorVerdict.WARNING),
        (-3600.0, True, DoctorVerdict.BAD),
    ],
)
def test_the_clock_is_rated_by_the_engines_clock_and_the_kernel(
    ahead: float | None, synchronized: bool | None, verdict: DoctorVerdict
) -> None:
    assert clock_finding(HostClock(ahead, synchronized), SHELL).verdict is verdict
