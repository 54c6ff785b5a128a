"""Networks and ports: which are left, and which of ours somebody else has."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell
from app.core.settings.ports import NETWORK_PREFIX, overlapping, subnet_of

NETWORKS = DoctorCheck(
    "networks",
    "Networks for deployments",
    Area.NETWORK,
    "Each deployment has a small network of its own, so that none reaches another's container."
    " One that overlaps a route of this host can't be made, or cuts that route off.",
)
ENGINE_NETWORKS = DoctorCheck(
    "engine_networks",
    "The engine's own address pools",
    Area.NETWORK,
    "Folders of the older server and other people's projects take their networks from there;"
    " when they are used up, none of those can be launched. Our own deployments need none.",
)
PORTS = DoctorCheck(
    "ports",
    "Ports for deployments",
    Area.NETWORK,
    "A gateway has one fixed port on this host; what somebody else listens on can't be published.",
)

# Docker's default pools: 172.17 to 172.31 as /16, 192.168 as /20.
_ENGINE_POOLS = (
    *list(IPv4Network("172.16.0.0/12").subnets(new_prefix=16))[1:],
    *IPv4Network("192.168.0.0/16").subnets(new_prefix=20),
)
_FEW_POOLS = 3
_FEW_PORTS = 50


@dataclass(frozen=True, slots=True)
class PortOwner:
    """A deployment and its port; `runs` says that a container of its own publishes it."""

    deployment_id: str
    label: str
    port: int
    runs: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """`taken` are the host's routes and the engine's networks, those of our deployments too."""

    pool: IPv4Network
    low: int
    high: int
    owners: Sequence[PortOwner]
    taken: Sequence[IPv4Network]

    @property
    def foreign(self) -> list[IPv4Network]:
        """Those that are none of our own deployments'."""
        own = {subnet_of(each.port, self.pool) for each in self.owners}
        return sorted(set(self.taken) - own)

    @property
    def left(self) -> int:
        """How many ports have a network that is free."""
        every = self.high - self.low + 1
        return every - ports_without_network(self.low, self.high, self.pool, self.foreign)


@dataclass(frozen=True, slots=True)
class PortFacts:
    """`listening` are the ports that are taken on this host, each with by whom (as far as known).

    `ephemeral` is the range that the kernel takes for outgoing connections, `reserved` what it
    leaves out of that.
    """

    low: int
    high: int
    owners: Sequence[PortOwner]
    listening: Mapping[int, str]
    ephemeral: tuple[int, int] | None = None
    reserved: Sequence[tuple[int, int]] = ()
    engine_told: bool = True

    @property
    def strangers(self) -> list[PortOwner]:
        """The deployments whose port somebody else has."""
        if not self.engine_told:
            return []
        return [each for each in self.owners if each.port in self.listening and not each.runs]

    @property
    def shared_with_kernel(self) -> bool:
        """Return whether an outgoing connection may have a port of the range."""
        if self.ephemeral is None:
            return False
        low, high = max(self.low, self.ephemeral[0]), min(self.high, self.ephemeral[1])
        return low <= high and not any(a <= low and high <= b for a, b in self.reserved)

    @property
    def free(self) -> int:
        taken = {*self.listening, *(each.port for each in self.owners)}
        return sum(each not in taken for each in range(self.low, self.high + 1))


def networks_finding(networks: NetworkFacts, shell: Shell) -> DoctorFinding:
    foreign, pool = networks.foreign, networks.pool
    low, high = networks.low, networks.high
    left = networks.left
    seen = f"{left} of {high - low + 1} ports of {low}-{high} have a free network in {pool}."
    cut_off = [
        (each, route)
        for each in networks.owners
        if (route := overlapping(subnet_of(each.port, pool), foreign))
    ]
    if cut_off and left:
        return _cut_off(cut_off, seen, shell)
    if left >= _FEW_PORTS:
        return NETWORKS.good(seen)
    free = free_pool(foreign)
    if free is None:
        return NETWORKS.bad(
            seen, "This host's routes cover every private /12; take one of them away."
        )
    verdict = NETWORKS.warning if left else NETWORKS.bad
    return verdict(
        seen,
        f"Give the server another pool. {shell.setting_words}",
        shell.setting("SUBNET_POOL", str(free)),
    )


def _cut_off(
    cut_off: Sequence[tuple[PortOwner, IPv4Network]], seen: str, shell: Shell
) -> DoctorFinding:
    owner, route = cut_off[0]
    return NETWORKS.bad(
        f"{listed([each.label for each, _ in cut_off])} can't have a network of"
        f" {'their' if len(cut_off) > 1 else 'its'} own: this host has {route} already. {seen}",
        _ANOTHER_PORT % owner.label,
        another_port(owner, shell),
    )


_ANOTHER_PORT = (
    "The line puts %s into the archive and back, which gives it another port; clients need to"
    " learn it."
)


def another_port(owner: PortOwner, shell: Shell) -> str:
    """Return the line that gives a deployment a port of the range, and the network of that."""
    there = shell.deploy_agent("archive", owner.deployment_id)
    return f"{there} && {shell.deploy_agent('restore', owner.deployment_id)}"


def ports_without_network(
    low: int, high: int, pool: IPv4Network, foreign: Iterable[IPv4Network]
) -> int:
    """Return how many ports of low..high have a network that overlaps a foreign one.

    By arithmetic: asking for each port takes seconds on a host with many routes.
    """
    size, base = 2 ** (32 - NETWORK_PREFIX), int(pool.network_address)
    covered, lost = low - 1, 0
    for each in sorted(foreign):
        first = max((int(each.network_address) - base) // size, covered + 1)
        last = min((int(each.broadcast_address) - base) // size, high)
        if first <= last:
            lost, covered = lost + last - first + 1, last
    return lost


def free_pool(foreign: Iterable[IPv4Network]) -> IPv4Network | None:
    """Return a private /12 that nothing of this host overlaps."""
    known = list(foreign)
    candidates = [
        *reversed(list(IPv4Network("10.0.0.0/8").subnets(new_prefix=12))),
        *IPv4Network("100.64.0.0/10").subnets(new_prefix=12),
    ]
    return next((each for each in candidates if not overlapping(each, known)), None)


def engine_networks_finding(taken: Sequence[IPv4Network], shell: Shell) -> DoctorFinding:
    """`taken` are all networks of the engine's and routes of the host's."""
    left = sum(overlapping(each, taken) is None for each in _ENGINE_POOLS)
    seen = f"{left} of {len(_ENGINE_POOLS)} networks are left in Docker's default pools."
    if left > _FEW_POOLS:
        return ENGINE_NETWORKS.good(seen)
    return ENGINE_NETWORKS.warning(
        seen,
        "The line removes networks that no container uses, and asks before it does."
        " default-address-pools in /etc/docker/daemon.json makes more.",
        shell.docker("network", "prune"),
    )


def ports_finding(ports: PortFacts, shell: Shell) -> DoctorFinding:
    if twice := _named_twice(ports.owners):
        moved = min(twice, key=lambda each: each.runs)
        return PORTS.bad(
            f"{listed([each.label for each in twice])} have the same port, {moved.port}: only one"
            " of them can run.",
            _ANOTHER_PORT % moved.label,
            another_port(moved, shell),
        )
    if strangers := ports.strangers:
        held = [_held(each, ports.listening[each.port]) for each in strangers]
        return PORTS.bad(
            f"{listed(held)}.",
            f"Stop that program. Or: {_ANOTHER_PORT % strangers[0].label}",
            another_port(strangers[0], shell),
        )
    return _range_finding(ports, shell)


def _named_twice(owners: Sequence[PortOwner]) -> list[PortOwner]:
    """Return the deployments that have the same port as another, of the first such port."""
    by_port = defaultdict(list)
    for each in owners:
        by_port[each.port].append(each)
    return next((found for found in by_port.values() if len(found) > 1), [])


def _held(owner: PortOwner, who: str) -> str:
    return f"{who or 'another program'} has port {owner.port}, which is that of {owner.label}"


def _range_finding(ports: PortFacts, shell: Shell) -> DoctorFinding:
    low, high = ports.low, ports.high
    seen = (
        f"{ports.free} of {high - low + 1} are free in {low}-{high};"
        f" {counted(len(ports.owners), 'deployment has one', 'deployments have one')}."
    )
    if ports.shared_with_kernel:
        return PORTS.warning(
            f"{seen} The kernel takes ports of that range for outgoing connections, so that a"
            " gateway may find its own in use.",
            "The line keeps the kernel out of that range until the next boot; a file in"
            " /etc/sysctl.d makes it last.",
            shell.as_root(f"sysctl -w net.ipv4.ip_local_reserved_ports={low}-{high}"),
        )
    if ports.free < _FEW_PORTS:
        return PORTS.warning(
            seen,
            f"Give the server a larger range. {shell.setting_words}",
            shell.setting("PORT_RANGE", f"{min(low, 10000)}-{max(high, 32767)}"),
        )
    if not ports.engine_told:
        return PORTS.unknown(f"{seen} Who has our own ports only the engine can tell.")
    return PORTS.good(seen)
