"""Checks of networks and ports: how many are free, and conflicts with other programs and routes."""

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
    "Each deployment has a small network of its own, so that gateways can't reach each other. A"
    " network that overlaps a route of this host can't be created, or breaks that route.",
)
ENGINE_NETWORKS = DoctorCheck(
    "engine_networks",
    "The engine's address pools",
    Area.NETWORK,
    "Folders of the older server and other Compose projects take their networks from these"
    " pools. When the pools are used up, such projects can't be launched. Deployments made here"
    " don't need the pools.",
)
PORTS = DoctorCheck(
    "ports",
    "Ports for deployments",
    Area.NETWORK,
    "A gateway has one fixed port on this host. If another program listens on it, the gateway"
    " can't start.",
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
    """A deployment and its port. `runs` means that its own container publishes that port."""

    deployment_id: str
    label: str
    port: int
    runs: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """Networks of a port range. `taken` are the host's routes and all networks of the engine."""

    pool: IPv4Network
    low: int
    high: int
    owners: Sequence[PortOwner]
    taken: Sequence[IPv4Network]

    @property
    def foreign(self) -> list[IPv4Network]:
        """Taken networks that don't belong to our deployments."""
        own = {subnet_of(each.port, self.pool) for each in self.owners}
        return sorted(set(self.taken) - own)

    @property
    def left(self) -> int:
        """The number of ports whose network is free."""
        total = self.high - self.low + 1
        return total - ports_without_network(self.low, self.high, self.pool, self.foreign)


@dataclass(frozen=True, slots=True)
class PortFacts:
    """The ports of a range.

    `listening` are the ports in use on this host, with the program's name if known. `ephemeral` is
    the kernel's range for outgoing connections. The kernel does not use the `reserved` ports in
    that range.
    """

    low: int
    high: int
    owners: Sequence[PortOwner]
    listening: Mapping[int, str]
    ephemeral: tuple[int, int] | None = None
    reserved: Sequence[tuple[int, int]] = ()
    engine_answered: bool = True

    @property
    def conflicts(self) -> list[PortOwner]:
        """The deployments whose port another program uses."""
        if not self.engine_answered:
            return []
        return [each for each in self.owners if each.port in self.listening and not each.runs]

    @property
    def shared_with_kernel(self) -> bool:
        """Return whether the kernel may use a port of the range for an outgoing connection."""
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
            seen, "This host's routes cover every private /12 network. Remove one of these routes."
        )
    verdict = NETWORKS.warning if left else NETWORKS.bad
    return verdict(
        seen, f"Set another pool. {shell.setting_words}", shell.setting("SUBNET_POOL", str(free))
    )


def _cut_off(
    cut_off: Sequence[tuple[PortOwner, IPv4Network]], seen: str, shell: Shell
) -> DoctorFinding:
    owner, route = cut_off[0]
    return NETWORKS.bad(
        f"{listed([each.label for each, _ in cut_off])} can't have"
        f" {'their networks' if len(cut_off) > 1 else 'its network'}: this host already has a"
        f" route to {route}. {seen}",
        _ANOTHER_PORT % owner.label,
        another_port(owner, shell),
    )


_ANOTHER_PORT = (
    "This command archives and restores %s, which gives it another port. Its clients need the new"
    " port."
)


def another_port(owner: PortOwner, shell: Shell) -> str:
    """Return the command that gives a deployment another port, and so another network."""
    archive = shell.deploy_agent("archive", owner.deployment_id)
    return f"{archive} && {shell.deploy_agent('restore', owner.deployment_id)}"


def ports_without_network(
    low: int, high: int, pool: IPv4Network, foreign: Iterable[IPv4Network]
) -> int:
    """Return how many ports in low..high have a network that overlaps a foreign network.

    Computed from the ranges, because checking each port takes seconds on a host with many routes.
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
    """Return a private /12 network that overlaps nothing on this host, or None."""
    known = list(foreign)
    candidates = [
        *reversed(list(IPv4Network("10.0.0.0/8").subnets(new_prefix=12))),
        *IPv4Network("100.64.0.0/10").subnets(new_prefix=12),
    ]
    return next((each for each in candidates if not overlapping(each, known)), None)


def engine_networks_finding(taken: Sequence[IPv4Network], shell: Shell) -> DoctorFinding:
    """Report the free networks in Docker's default pools; `taken` are networks and routes."""
    left = sum(overlapping(each, taken) is None for each in _ENGINE_POOLS)
    seen = f"{left} of {len(_ENGINE_POOLS)} networks are left in Docker's default pools."
    if left > _FEW_POOLS:
        return ENGINE_NETWORKS.good(seen)
    return ENGINE_NETWORKS.warning(
        seen,
        "This command removes networks that no container uses; it asks first. For more networks,"
        " set default-address-pools in /etc/docker/daemon.json.",
        shell.docker("network", "prune"),
    )


def ports_finding(ports: PortFacts, shell: Shell) -> DoctorFinding:
    if shared := _same_port(ports.owners):
        moved = min(shared, key=lambda each: each.runs)
        return PORTS.bad(
            f"{listed([each.label for each in shared])} have the same port, {moved.port}: only one"
            " of them can run.",
            _ANOTHER_PORT % moved.label,
            another_port(moved, shell),
        )
    if conflicts := ports.conflicts:
        texts = [_conflict_text(each, ports.listening[each.port]) for each in conflicts]
        return PORTS.bad(
            f"{listed(texts)}.",
            f"Stop that program. Or: {_ANOTHER_PORT % conflicts[0].label}",
            another_port(conflicts[0], shell),
        )
    return _range_finding(ports, shell)


def _same_port(owners: Sequence[PortOwner]) -> list[PortOwner]:
    """Return the deployments of the first port that several deployments share."""
    by_port = defaultdict(list)
    for each in owners:
        by_port[each.port].append(each)
    return next((found for found in by_port.values() if len(found) > 1), [])


def _conflict_text(owner: PortOwner, program: str) -> str:
    return f"{program or 'another program'} uses port {owner.port} of {owner.label}"


def _range_finding(ports: PortFacts, shell: Shell) -> DoctorFinding:
    low, high = ports.low, ports.high
    seen = (
        f"{ports.free} of {high - low + 1} ports in {low}-{high} are free;"
        f" {counted(len(ports.owners), 'deployment has one', 'deployments have one')}."
    )
    if ports.shared_with_kernel:
        return PORTS.warning(
            f"{seen} The kernel uses ports of that range for outgoing connections, so a gateway's"
            " port may be in use when it starts.",
            "This command makes the kernel avoid that range until the next boot. To make the"
            " setting permanent, write it into a file in /etc/sysctl.d.",
            shell.as_root(f"sysctl -w net.ipv4.ip_local_reserved_ports={low}-{high}"),
        )
    if ports.free < _FEW_PORTS:
        return PORTS.warning(
            seen,
            f"Set a larger range. {shell.setting_words}",
            shell.setting("PORT_RANGE", f"{min(low, 10000)}-{max(high, 32767)}"),
        )
    if not ports.engine_answered:
        return PORTS.unknown(f"{seen} Only the engine can tell who uses the deployments' ports.")
    return PORTS.good(seen)
