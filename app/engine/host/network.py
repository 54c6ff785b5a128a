"""This host's ports, routes and addresses, and its free memory and processes."""

import errno
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import psutil

_ALL_ADDRESSES = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104


def port_is_free(port: int) -> bool:
    """Return whether this port is free on all addresses of this host."""
    for family, address in _ALL_ADDRESSES:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
    return True


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP socket. `program` is empty if this process may not read the name."""

    address: str
    port: int
    program: str


def listeners(port: int | None = None) -> list[Listener]:
    """Return the listeners of this host, or of one port; empty if psutil may not read them."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return []
    return [
        Listener(each.laddr.ip, each.laddr.port, _program(each.pid))
        for each in connections
        if each.status == psutil.CONN_LISTEN and each.laddr and port in (None, each.laddr.port)
    ]


def _program(pid: int | None) -> str:
    if not pid:
        return ""
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return ""


def listener_on(port: int) -> str | None:
    """Return the name of the program that listens on a port, if this process may read it."""
    return next((each.program for each in listeners(port) if each.program), None)


def host_routes() -> list[IPv4Network]:
    """Return the networks that this host has routes to, without the default route.

    The kernel's file, see proc_net(5), has hexadecimal numbers in the host's byte order.
    """
    routes = []
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        columns = line.split()
        address, mask = (
            int.from_bytes(bytes.fromhex(columns[index]), "little") for index in (1, 7)
        )
        if mask:
            routes.append(IPv4Network((address, mask.bit_count())))
    return routes


def host_names() -> list[str]:
    return sorted({name for name in (socket.gethostname(), socket.getfqdn()) if name})


def own_addresses() -> list[str]:
    """Return this host's IPv4 addresses, without the addresses of the engine's bridges."""
    return [
        each.address
        for name, addresses in psutil.net_if_addrs().items()
        for each in addresses
        if each.family == socket.AF_INET and not name.startswith(("docker", "br-", "veth"))
    ]


def total_memory() -> int:
    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Return the bytes of memory that programs can get without swapping."""
    return int(psutil.virtual_memory().available)


def tasks_left() -> int | None:
    """Return how many more processes and threads may start; None if unknown."""
    try:
        # Such as “0.20 0.18 0.12 1/80 11206”: 80 tasks, 1 of them running.
        tasks = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
        return min(_number("kernel/pid_max"), _number("kernel/threads-max")) - tasks
    except (OSError, ValueError, IndexError):
        return None


def inotify_instances() -> int | None:
    """Return how many inotify instances a user may have; None if unknown."""
    try:
        return _number("fs/inotify/max_user_instances")
    except (OSError, ValueError):
        return None


def _number(name: str) -> int:
    return int(Path("/proc/sys", name).read_text())


def own_address() -> str:
    """Return this host's address for other machines, or the host's name without a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # This chooses a route and sends nothing; the address is reserved for documentation.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
