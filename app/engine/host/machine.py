"""Facts of this host for the doctor. All can be read without root."""

import ctypes
import grp
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from app.core.doctor.engine import SocketFacts
from app.core.doctor.host import Disk
from app.engine.host.network import Listener, own_addresses

# Loaded once: every CDLL object has its own class, which only the cycle collector frees.
_C_LIBRARY = ctypes.CDLL(None)
_SYSTEMD = Path("/run/systemd/system")
_SYSTEMCTL_SECONDS = 2
# States of a unit that systemd starts at boot.
_STARTED = ("enabled", "alias", "static", "indirect", "generated")
# adjtimex(2): the clock is not synchronized.
_TIME_ERROR = 5
_ENGINE_PORTS = (2375, 2376)


def disk_of(path: Path) -> Disk:
    """Return the disk space for ordinary users at `path`, which may be missing. Raises OSError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    status = os.statvfs(path)
    return Disk(
        path=str(path),
        free=status.f_bavail * status.f_frsize,
        total=status.f_blocks * status.f_frsize,
        free_inodes=status.f_favail,
        inodes=status.f_files,
    )


def clock_is_synchronized() -> bool | None:
    """Return whether the kernel's clock is synchronized; None if unknown."""
    timex = ctypes.create_string_buffer(512)  # Larger than struct timex; zeros only read.
    try:
        state = _C_LIBRARY.adjtimex(timex)
    except AttributeError:
        return None
    return None if state < 0 else state != _TIME_ERROR


def socket_facts(address: str) -> SocketFacts:
    """Return who may use the engine's socket. Raises OSError if there is no socket."""
    path = address.removeprefix("unix://")
    status = os.stat(path)
    group, members = _group(status.st_gid)
    return SocketFacts(
        path=path,
        mode=stat.S_IMODE(status.st_mode),
        owner=user_name_of(status.st_uid),
        group=group,
        members=members,
        usable=os.access(path, os.R_OK | os.W_OK),
        joined=user_name() in members,
        held=status.st_gid in (os.getegid(), *os.getgroups()),
    )


def _group(gid: int) -> tuple[str, tuple[str, ...]]:
    """Return a group's name and members, including users whose primary group it is."""
    primary = {each.pw_name for each in pwd.getpwall() if each.pw_gid == gid}
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return str(gid), tuple(sorted(primary))
    return group.gr_name, tuple(sorted(primary | set(group.gr_mem)))


def user_name() -> str:
    """Return the name of this process's user."""
    return user_name_of(os.geteuid())


def user_name_of(uid: int) -> str:
    """Return a user's name, or the uid as text if this host has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def is_root() -> bool:
    return os.geteuid() == 0


def has_program(name: str) -> bool:
    return shutil.which(name) is not None


def has_systemd() -> bool:
    return _SYSTEMD.is_dir()


def starts_at_boot(*units: str) -> bool | None:
    """Return whether systemd starts one of the units at boot; None if all units are unknown."""
    if not has_systemd():
        return None
    try:
        asked = subprocess.run(
            ["systemctl", "is-enabled", *units],
            capture_output=True,
            text=True,
            timeout=_SYSTEMCTL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    states = [line for line in asked.stdout.split() if line != "not-found"]
    return any(state.startswith(_STARTED) for state in states) if states else None


def engine_ports(found: Iterable[Listener]) -> list[str]:
    """Return the addresses of Docker Engine's two well-known TCP ports at which it listens.

    The engine's other ports serve no API: they belong to Swarm or to published containers.
    """
    return sorted(
        f"{f'[{each.address}]' if ':' in each.address else each.address}:{each.port}"
        for each in found
        if each.program == "dockerd" and each.port in _ENGINE_PORTS
    )


def ephemeral_ports() -> tuple[int, int] | None:
    """Return the range of ports for outgoing connections."""
    ranges = _ranges("ip_local_port_range")
    return ranges[0] if ranges else None


def reserved_ports() -> list[tuple[int, int]]:
    """Return the port ranges that the kernel excludes from the ephemeral ports."""
    return _ranges("ip_local_reserved_ports")


def _ranges(name: str) -> list[tuple[int, int]]:
    """Return the ranges of a kernel setting, written as `1-2,5` or `1 2`."""
    try:
        text = Path(f"/proc/sys/net/ipv4/{name}").read_text()
        parts = [re.split(r"[-\s]+", each.strip()) for each in text.split(",") if each.strip()]
        return [(int(each[0]), int(each[-1])) for each in parts]
    except (OSError, ValueError):
        return []


def public_addresses() -> list[str]:
    return [each for each in own_addresses() if ip_address(each).is_global]
