"""Start a program that does not notice network interfaces which come and go.

Docker makes one for each container. To Chromium each is another network, for which it gives up
what it is about to ask for: net::ERR_NETWORK_CHANGED, in whatever test it then is. Where
it gets no netlink socket it takes the network as it is. seccomp(2) is inherited.
"""

import errno
import os
import socket
import sys
from pathlib import Path

import pyseccomp


def steady(program: str, folder: Path) -> Path:
    """Return a program that starts another one so."""
    started = folder / "steady"
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
