"""Another machine on the intranet: a network namespace with one cable to this host.

Chromium's network is inside the namespace; its pipes to Playwright are outside. The machine knows
this host only by NAME, as a company's DNS would define it.
"""

import ipaddress
import os
import random
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from demo.chromium import FLAGS, program

NAME = "gateways.intranet.test"
_PREFIX = "da-other-"


def why_not() -> str:
    """Return the reason why a second machine can't be simulated here, or an empty text."""
    if os.geteuid() != 0:
        return "only root can create network namespaces"
    missing = [each for each in ("ip", "nsenter") if not shutil.which(each)]
    return f"not installed: {', '.join(missing)}" if missing else ""


@dataclass(frozen=True)
class OtherMachine:
    """A network namespace as another machine; `host` and `address` are both ends of the link."""

    namespace: str
    host: str
    address: str

    def chromium(self, folder: Path) -> dict[str, object]:
        """Return Playwright's arguments to launch the installed browser on that machine."""
        wrapped = folder / "chromium"
        net = f"/run/netns/{self.namespace}"
        wrapped.write_text(f'#!/bin/sh\nexec nsenter --net={net} {program()} "$@"\n')
        wrapped.chmod(0o755)
        known = (NAME, socket.gethostname())
        rules = ",".join(f"MAP {name} {self.host}" for name in known)
        return {
            "executable_path": wrapped,
            "args": [*FLAGS, f"--host-resolver-rules={rules}"],
        }


@contextmanager
def another_machine() -> Iterator[OtherMachine]:
    """Connect a machine to this host. At the end, kill the machine's processes."""
    _remove_left_behind()
    namespace = f"{_PREFIX}{os.getpid()}"
    cable = f"da{os.getpid()}"
    try:
        host, address = connect(namespace, cable)
        yield OtherMachine(namespace, host, address)
    finally:
        _remove(namespace)


def connect(namespace: str, cable: str) -> tuple[str, str]:
    """Make a namespace with a cable to this host. Return this host's and its own address."""
    host, address = free_pair()
    ip("netns", "add", namespace)
    ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("address", "add", f"{host}/30", "dev", cable)
    ip("link", "set", cable, "up")
    ip("-n", namespace, "address", "add", f"{address}/30", "dev", "eth0")
    ip("-n", namespace, "link", "set", "eth0", "up")
    ip("-n", namespace, "link", "set", "lo", "up")
    return host, address


def free_pair() -> tuple[str, str]:
    """Return two neighboring addresses in a private network that is not in use here."""
    routes = subprocess.run(
        ["ip", "-4", "route", "show", "table", "all"], check=True, capture_output=True, text=True
    ).stdout
    used = [
        ipaddress.ip_network(each, strict=False)
        for each in re.findall(r"\d+\.\d+\.\d+\.\d+(?:/\d+)?", routes)
    ]
    free = [
        network
        for network in ipaddress.ip_network("10.77.0.0/16").subnets(new_prefix=30)
        if not any(network.overlaps(each) for each in used)
    ]
    host, address = random.choice(free).hosts()
    return str(host), str(address)


def _remove_left_behind() -> None:
    """Remove the namespaces of killed test runs."""
    for namespace in Path("/run/netns").glob(f"{_PREFIX}*"):
        if not psutil.pid_exists(int(namespace.name.removeprefix(_PREFIX))):
            _remove(namespace.name)


def _remove(namespace: str) -> None:
    if not Path("/run/netns", namespace).exists():
        return
    for pid in ip("netns", "pids", namespace).split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", namespace)
    with suppress(subprocess.CalledProcessError):
        # The cable was removed with the namespace, unless a process still holds the namespace.
        ip("link", "delete", f"da{namespace.removeprefix(_PREFIX)}")


def ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout
