"""Checks of the host: disk space, memory, capacity for more gateways, and the clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import humanize

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell, quoted
from app.core.status.capacity import KEPT_MEMORY, Capacity, HostResources, capacity_of

DISK = DoctorCheck(
    "disk",
    "Disk space for deployments",
    Area.HOST,
    "On a full disk gateways lose what they write, nothing can be configured, and the outcome of"
    " a launch can't be recorded.",
)
DISK_ENGINE = DoctorCheck(
    "disk_engine",
    "Disk space for images and containers",
    Area.HOST,
    "Images and the logs of containers need space there; an OpenClaw image takes 1 to 3 GB.",
)
MEMORY = DoctorCheck(
    "memory",
    "Memory of the host",
    Area.HOST,
    "When memory runs out, the kernel kills a process, perhaps a gateway. An idle gateway takes 0.7"
    " to 1 GB.",
)
GATEWAY_MEMORY = DoctorCheck(
    "gateway_memory",
    "Memory of each gateway",
    Area.HOST,
    "A gateway that reaches its limit is killed by the kernel, even in the middle of a chat.",
)
ROOM = DoctorCheck(
    "room",
    "Room for more gateways",
    Area.HOST,
    "The scarcest resource decides. A launch that may not fit still starts, with a warning.",
)
CLOCK = DoctorCheck(
    "clock",
    "The clock",
    Area.HOST,
    "Logins, certificates and the order of events depend on it. Providers refuse calls from a host"
    " whose clock is far off.",
)

_BAD_FREE, _LOW_FREE = 10**9, 5 * 10**9
_BAD_INODES, _LOW_INODES = 0.01, 0.05
_NEAR_LIMIT = 0.9
_LARGEST_SKEW = 2.0
_BAD_SKEW = 60.0


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system, by a folder on it. `inodes` is 0 if the file system does not count inodes."""

    path: str
    free: int
    total: int
    free_inodes: int = 0
    inodes: int = 0


@dataclass(frozen=True, slots=True)
class GatewayMemory:
    """A running gateway's memory use and limit, in bytes."""

    deployment_id: str
    label: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Memory:
    """The host's memory. `running` is None if the engine did not answer."""

    total: int
    available: int
    running: tuple[GatewayMemory, ...] | None


@dataclass(frozen=True, slots=True)
class HostClock:
    """The host's clock.

    `ahead` is how many seconds the engine's clock is ahead of ours, None if unknown. `synchronized`
    is the kernel's own statement.
    """

    ahead: float | None
    synchronized: bool | None


def disk_finding(check: DoctorCheck, disk: Disk, shell: Shell) -> DoctorFinding:
    bytes_left = f"{_size(disk.free)} of {_size(disk.total)} free"
    inodes_left = _share(disk.free_inodes, disk.inodes)
    files = (
        f", and space for {humanize.intcomma(disk.free_inodes)} more files" if disk.inodes else ""
    )
    seen = f"{bytes_left}{files}, at {disk.path}."
    if disk.free >= _LOW_FREE and inodes_left >= _LOW_INODES:
        return check.good(seen)
    worst = disk.free < _BAD_FREE or inodes_left < _BAD_INODES
    verdict = check.bad if worst else check.warning
    if check is DISK_ENGINE:
        return verdict(
            seen,
            "This command removes unnamed images that no container uses; it asks first."
            " `docker system df -v` shows what uses the rest.",
            shell.docker("image", "prune"),
        )
    counts = "--inodes " if inodes_left < _LOW_INODES else ""
    return verdict(
        seen,
        "This command shows what uses most. Archived deployments that you don't need can be"
        " purged.",
        shell.as_root(f"du {counts}-xd1 {quoted(disk.path)} | sort -n | tail"),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def memory_finding(memory: Memory) -> DoctorFinding:
    running = memory.running
    more = capacity_of(
        HostResources(memory.total, memory.available, used=[each.used for each in running or ()])
    ).more
    taken = ""
    if running:
        used, limits = sum(each.used for each in running), sum(each.limit for each in running)
        who = counted(len(running), "running gateway uses", "running gateways use")
        taken = f" {who} {_size(used)} and may use up to {_size(limits)}."
    room = f"{more} more would fit" if more else "No more fit"
    seen = f"{_size(memory.available)} of {_size(memory.total)} available.{taken} {room}."
    if memory.available < memory.total * KEPT_MEMORY:
        return MEMORY.bad(seen, _LESS, _TOP)
    if not more:
        return MEMORY.warning(seen, _LESS, _TOP)
    return MEMORY.good(seen)


_LESS = "Stop a gateway that you don't need, or add memory. This command shows what uses most."
_TOP = "ps -eo pid,rss,comm --sort=-rss | head -n 15"


def room_finding(room: Capacity, shell: Shell) -> DoctorFinding:
    """Report how many more gateways fit, by every limited resource."""
    first = room.first
    counts = [f"{each.name} {humanize.intcomma(each.more)}" for each in room.limits]
    fits = f"{counted(first.more, 'more gateway fits', 'more gateways fit')}"
    seen = f"{fits if first.more else 'No more gateways fit'}: {first.words}."
    seen = f"{seen} By resource: {listed(counts)}."
    if first.more:
        return ROOM.good(seen)
    fix = shell.as_root(f"sysctl -w {first.setting}") if first.setting else ""
    return ROOM.warning(f"{seen} {first.otherwise}", first.next_step, fix)


def gateway_memory_finding(running: Sequence[GatewayMemory], shell: Shell) -> DoctorFinding:
    if not running:
        return GATEWAY_MEMORY.good("No gateway is running.")
    near = [each for each in running if each.limit and each.used >= each.limit * _NEAR_LIMIT]
    if not near:
        largest = max(running, key=lambda each: _share(each.used, each.limit))
        return GATEWAY_MEMORY.good(
            f"All {len(running)} are below their limits; the closest is {_of_limit(largest)}."
            if len(running) > 1
            else f"{_of_limit(largest)}."
        )
    first = near[0]
    return GATEWAY_MEMORY.warning(
        f"Near the limit: {listed([_of_limit(each) for each in near])}.",
        f"Raise the limit of {first.label}. This command does that and restarts the gateway.",
        shell.deploy_agent("reconfigure", first.deployment_id, "--set", _more_than(first.limit)),
    )


def _more_than(limit: int) -> str:
    """Return 1.5 times a memory limit, as a setting in whole MiB."""
    return f"memory_limit={limit * 3 // 2 // 2**20}m"


def _of_limit(gateway: GatewayMemory) -> str:
    return f"{gateway.label} with {_size(gateway.used)} of {_size(gateway.limit)}"


def clock_finding(clock: HostClock, shell: Shell) -> DoctorFinding:
    ahead = clock.ahead
    if ahead is not None and abs(ahead) > _LARGEST_SKEW:
        verdict = CLOCK.bad if abs(ahead) > _BAD_SKEW else CLOCK.warning
        return verdict(
            f"The engine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
            " this server's.",
            "The engine and this server use different clocks, for instance because the engine's"
            " virtual machine slept."
            " Restart the engine.",
            shell.restart_engine(),
        )
    same = "" if ahead is None else "The engine has the same time. "
    if clock.synchronized is None:
        return CLOCK.unknown(f"{same}The kernel does not say whether the clock is synchronized.")
    if clock.synchronized:
        return CLOCK.good(f"{same}The kernel says that the clock is synchronized.")
    return CLOCK.warning(
        f"{same}The kernel says that the clock is not synchronized (NTP).",
        "Install an NTP client. A virtual machine does not need one if its host sets the clock.",
        shell.keep_time(),
    )


def _size(number: float) -> str:
    return humanize.naturalsize(number)
