"""Ports of gateways, and the network that belongs to each port."""

from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Network
from random import Random, SystemRandom

NETWORK_PREFIX = 28
_PORTS = 65536


class NoFreePort(LookupError):
    """Every port in the range is taken."""


def subnet_of(port: int, pool: IPv4Network) -> IPv4Network:
    """Return the /28 network that belongs to a port.

    Each deployment has a network of its own, so that gateways can't reach each other. Docker's
    default pools have only 30 networks, so our own pool has a /28 for every port. The network
    follows from the port and need not be recorded.
    """
    size = 2 ** (32 - NETWORK_PREFIX)
    return IPv4Network((int(pool.network_address) + port * size, NETWORK_PREFIX))


def pool_is_large_enough(pool: IPv4Network) -> bool:
    """Return whether a pool has a /28 for each of the 65,536 ports, as a /12 does."""
    return pool.num_addresses >= _PORTS << (32 - NETWORK_PREFIX)


def pick_port(
    low: int,
    high: int,
    taken: Collection[int],
    is_free: Callable[[int], bool],
    random: Random | None = None,
) -> int:
    """Return a random port in low..high that is neither taken nor in use.

    `is_free` queries the host, so it is called last and as rarely as possible. Raises NoFreePort.
    """
    candidates = [port for port in range(low, high + 1) if port not in taken]
    (random or SystemRandom()).shuffle(candidates)
    for port in candidates:
        if is_free(port):
            return port
    raise NoFreePort


def overlapping(subnet: IPv4Network, routes: Iterable[IPv4Network]) -> IPv4Network | None:
    """Return the first of the host's routes that overlaps a subnet, or None."""
    return next((route for route in routes if route.overlaps(subnet)), None)


def probe_address(bind_address: str) -> str:
    """Return the local address where a port published on `bind_address` answers."""
    everywhere = bind_address in ("", "0.0.0.0")  # noqa: S104
    return "127.0.0.1" if everywhere else bind_address
