"""Room: how many more gateways a host can take, and what of it is used up first.

What an idle gateway takes was measured on OpenClaw 2026.9.6: 0.98 GB, 32 processes and
threads in its container and 24 beside it, one inotify instance of its user, 62 MB of disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import humanize

GATEWAY_BYTES = 10**9
# So much of memory and disk is the host's own.
KEPT_MEMORY = 0.03
_KEPT_DISK = 10**9
_DISK_BYTES = 10**8
_TASKS = 64
_MORE_TASKS = "kernel.pid_max=4194304"
_MORE_INSTANCES = "fs.inotify.max_user_instances=1024"
# A fleet of the smallest gateways has room for its largest too.
_LEAST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Host:
    """What is left of this host; None for what it does not tell.

    `used` is what the gateways that run take of memory, each, as far as known; `running` is
    how many they are. `tasks` are processes and threads that may still begin, `instances`
    those of inotify that one user may have, and all gateways are one user. `ports` are those
    that are free and whose network is; a deployment has one already.
    """

    memory: int
    available: int
    disk: int | None = None
    tasks: int | None = None
    instances: int | None = None
    ports: int | None = None
    running: int = 0
    used: Sequence[int] = ()

    @property
    def gateway_bytes(self) -> int:
        """What one more gateway will take: as those that run do, where some do."""
        if not self.used:
            return GATEWAY_BYTES
        return max(_LEAST_BYTES, sum(self.used) // len(self.used))


@dataclass(frozen=True, slots=True)
class Limit:
    """For how many more gateways one thing is enough, and what happens where it is not."""

    name: str
    more: int
    words: str
    otherwise: str
    next_step: str
    # What would be set otherwise, as sysctl takes it.
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    limits: tuple[Limit, ...]

    @property
    def first(self) -> Limit:
        """What is used up first."""
        return min(self.limits, key=lambda each: each.more)

    @property
    def more(self) -> int:
        return self.first.more

    def warning(self, wanted: int = 1) -> str:
        """Return why so many more may not fit, and what to do; nothing where they do."""
        first = self.first
        if first.more >= wanted:
            return ""
        others = wanted - 1
        beside = (
            f" {others} more {'is' if others == 1 else 'are'} being launched." if others else ""
        )
        return f"It may not fit: {first.words}.{beside} {first.otherwise} {first.next_step}"


def room_on(host: Host) -> Room:
    found = [_memory(host), _disk(host), _tasks(host), _instances(host), _ports(host)]
    return Room(tuple(each for each in found if each))


def _memory(host: Host) -> Limit:
    left = host.available - int(host.memory * KEPT_MEMORY)
    size = humanize.naturalsize(host.available)
    each = humanize.naturalsize(host.gateway_bytes)
    return Limit(
        "memory",
        max(0, left // host.gateway_bytes),
        f"{size} of memory is available, and a gateway takes about {each}",
        "Where memory is used up, the kernel ends some gateway.",
        "Stop one that is not needed, or give the host more memory.",
    )


def _disk(host: Host) -> Limit | None:
    if host.disk is None:
        return None
    return Limit(
        "disk",
        max(0, (host.disk - _KEPT_DISK) // _DISK_BYTES),
        f"{humanize.naturalsize(host.disk)} of the disk is free",
        "On a full disk a gateway loses what it writes.",
        "Delete for good what is archived and not needed; Doctor tells what takes most.",
    )


def _tasks(host: Host) -> Limit | None:
    if host.tasks is None:
        return None
    return Limit(
        "processes",
        max(0, host.tasks // _TASKS),
        f"this host lets {max(0, host.tasks)} more processes and threads begin, and a gateway"
        f" takes about {_TASKS}",
        "Where there are no more, nothing on the host can be started.",
        f"Raise the limit (as root: sysctl -w {_MORE_TASKS}).",
        _MORE_TASKS,
    )


def _instances(host: Host) -> Limit | None:
    if host.instances is None:
        return None
    return Limit(
        "inotify",
        max(0, host.instances - host.running),
        f"this host lets one user watch files {host.instances} times, and each of the"
        f" {host.running} gateways that run does it once",
        "One that can't does not notice that its settings change.",
        f"Raise the limit (as root: sysctl -w {_MORE_INSTANCES}).",
        _MORE_INSTANCES,
    )


def _ports(host: Host) -> Limit | None:
    if host.ports is None:
        return None
    return Limit(
        "ports and networks",
        host.ports,
        f"{host.ports} ports with a network of their own are free",
        "Without one no deployment can be made.",
        "“Networks for deployments” and “Ports for deployments” say what to set.",
    )
