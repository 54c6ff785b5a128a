"""Ports and networks: which are free, and which network belongs to which port."""

from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Network
from random import Random, SystemRandom

NETWORK_PREFIX = 28
_PORTS = 65536


class NoFreePort(LookupError):
    """Every port of the range is taken."""


def subnet_of(port: int, pool: IPv4Network) -> IPv4Network:
    """Return the /28 that belongs to a port: a pure function, so that no memory is needed.

    Docker's own pools end at 30 networks, and a network of its own keeps one
    gateway from reaching another. The pool holds one /28 for every port.
    """
    size = 2 ** (32 - NETWORK_PREFIX)
    return IPv4Network((int(pool.network_address) + port * size, NETWORK_PREFIX))


def pool_is_large_enough(pool: IPv4Network) -> bool:
    """Say whether a pool has a /28 for each of the 65,536 ports (a /12 has)."""
    return pool.num_addresses >= _PORTS << (32 - NETWORK_PREFIX)


def pick_port(
    low: int,
    high: int,
    taken: Collection[int],
    is_free: Callable[[int], bool],
    random: Random | None = None,
) -> int:
    """Return a random port of low..high that is neither taken nor in use.

    `is_free` asks the host, so it is asked last and only as often as needed.
    Raises NoFreePort.
    """
    candidates = [port for port in range(low, high + 1) if port not in taken]
    (random or SystemRandom()).shuffle(candidates)
    for port in candidates:
        if is_free(port):
            return port
    raise NoFreePort


def overlapping(subnet: IPv4Network, routes: Iterable[IPv4Network]) -> IPv4Network | None:
    """Return the first of the host's routes that a subnet would collide with."""
    return next((route for route in routes if route.overlaps(subnet)), None)


def probe_address(bind_address: str) -> str:
    """Return this host's address at which a port published on `bind_address` answers."""
    everywhere = bind_address in ("", "0.0.0.0")  # noqa: S104
    return "127.0.0.1" if everywhere else bind_address
