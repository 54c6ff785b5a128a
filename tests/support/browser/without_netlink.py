"""Start a program that does not notice new and removed network interfaces.

Docker creates a network interface for each container. Chromium treats each new interface as a
change of network and aborts pending requests of the running test with net::ERR_NETWORK_CHANGED.
Without a netlink socket Chromium does not notice interfaces. Child processes inherit the seccomp
filter.
"""

import errno
import os
import socket
import sys
from pathlib import Path

import pyseccomp


def without_netlink(program: str, folder: Path) -> Path:
    """Return a script that starts a program without netlink sockets."""
    started = folder / "without-netlink"
    started.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {program} "$@"\n')
    started.chmod(0o755)
    return started


def main(command: list[str]) -> None:
    refused = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.add_rule(refused, "socket", pyseccomp.Arg(0, pyseccomp.EQ, socket.AF_NETLINK))
    rules.load()
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
