"""Capacity: how many more gateways fit on a host, and which resource runs out first.

An idle gateway was measured on OpenClaw 2026.9.6: 0.98 GB of memory, 32 processes and threads in
its container and 24 beside it, one inotify instance of its user, 62 MB of disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import humanize

GATEWAY_BYTES = 10**9
# The part of its memory, and the bytes of its disk, that the host keeps for itself.
KEPT_MEMORY = 0.03
_KEPT_DISK = 10**9
_DISK_BYTES = 10**8
_TASKS = 64
_MORE_TASKS = "kernel.pid_max=4194304"
_MORE_INSTANCES = "fs.inotify.max_user_instances=1024"
# The least memory for one more gateway: it may be larger than the running gateways.
_LEAST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class HostResources:
    """The free resources of a host; None for what the host does not report.

    `running` is the number of running gateways, `used` the memory of each gateway as far as known.
    `tasks` are processes and threads that may still start. `instances` are the inotify instances of
    one user; all gateways run as the same user. `ports` are the free ports whose network is free
    too; an existing deployment has its port already.
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
        """The memory of one more gateway: the average of the running gateways, if there are any."""
        if not self.used:
            return GATEWAY_BYTES
        return max(_LEAST_BYTES, sum(self.used) // len(self.used))


@dataclass(frozen=True, slots=True)
class CapacityLimit:
    """How many more gateways one resource allows, and what happens with more gateways."""

    name: str
    more: int
    words: str
    otherwise: str
    next_step: str
    # The sysctl setting that raises the limit.
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    limits: tuple[CapacityLimit, ...]

    @property
    def first(self) -> CapacityLimit:
        """The limit that is reached first."""
        return min(self.limits, key=lambda each: each.more)

    @property
    def more(self) -> int:
        return self.first.more

    def warning(self, wanted: int = 1) -> str:
        """Return why `wanted` more gateways may not fit, and what to do; empty if they fit."""
        first = self.first
        if first.more >= wanted:
            return ""
        others = wanted - 1
        launching = (
            f" {others} more {'is' if others == 1 else 'are'} being launched." if others else ""
        )
        return f"It may not fit: {first.words}.{launching} {first.otherwise} {first.next_step}"


def capacity_of(host: HostResources) -> Capacity:
    found = [_memory(host), _disk(host), _tasks(host), _instances(host), _ports(host)]
    return Capacity(tuple(each for each in found if each))


def _memory(host: HostResources) -> CapacityLimit:
    left = host.available - int(host.memory * KEPT_MEMORY)
    size = humanize.naturalsize(host.available)
    each = humanize.naturalsize(host.gateway_bytes)
    return CapacityLimit(
        "memory",
        max(0, left // host.gateway_bytes),
        f"{size} of memory is available, and a gateway takes about {each}",
        "When memory runs out, the kernel kills a gateway.",
        "Stop a gateway that is not needed, or give the host more memory.",
    )


def _disk(host: HostResources) -> CapacityLimit | None:
    if host.disk is None:
        return None
    return CapacityLimit(
        "disk",
        max(0, (host.disk - _KEPT_DISK) // _DISK_BYTES),
        f"{humanize.naturalsize(host.disk)} of the disk is free",
        "On a full disk a gateway loses what it writes.",
        "Purge archived deployments that are not needed; Doctor shows what takes most.",
    )


def _tasks(host: HostResources) -> CapacityLimit | None:
    if host.tasks is None:
        return None
    return CapacityLimit(
        "processes",
        max(0, host.tasks // _TASKS),
        f"this host allows {max(0, host.tasks)} more processes and threads, and a gateway takes"
        f" about {_TASKS}",
        "Beyond that, no new process can start on the host.",
        f"Raise the limit (as root: sysctl -w {_MORE_TASKS}).",
        _MORE_TASKS,
    )


def _instances(host: HostResources) -> CapacityLimit | None:
    if host.instances is None:
        return None
    return CapacityLimit(
        "inotify",
        max(0, host.instances - host.running),
        f"this host allows one user {host.instances} inotify instances, and each of the"
        f" {host.running} running gateways takes one",
        "A gateway without an instance does not notice that its settings change.",
        f"Raise the limit (as root: sysctl -w {_MORE_INSTANCES}).",
        _MORE_INSTANCES,
    )


def _ports(host: HostResources) -> CapacityLimit | None:
    if host.ports is None:
        return None
    return CapacityLimit(
        "ports and networks",
        host.ports,
        f"{host.ports} ports with a network of their own are free",
        "Without a free port no deployment can be created.",
        "“Networks for deployments” and “Ports for deployments” say what to set.",
    )
