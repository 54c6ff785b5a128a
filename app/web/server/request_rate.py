"""The request rate: how many requests another machine may send.

Every caller is limited, logged in or not: a script that calls without a pause slows everybody
down, and a page costs a few milliseconds in any case. At the default of a hundred a second, one
machine uses a third of a core at most; thirty people behind one address stay far below.
This host's own programs are not limited: they can use its processor without us, and all people
behind an SSH tunnel or a local proxy share one address here. Neither are requests that a trusted
proxy passes on without naming the caller.
"""

from ipaddress import IPv6Address, ip_address
from threading import Lock

from cachetools import TTLCache
from flask import Flask
from werkzeug.exceptions import TooManyRequests

from app.web.server.request import app_context, comes_from_proxy, source

# The rate is an average over so long: opening a page causes many requests at the same time.
_WINDOW_SECONDS = 10
_MOST_CALLERS = 50_000

Caller = str | int


class _RequestRate:
    """Counts the requests of each caller, in a window that its first request opens."""

    def __init__(self, per_second: int) -> None:
        self._most = per_second * _WINDOW_SECONDS
        self._sent: TTLCache[Caller, list[int]] = TTLCache(_MOST_CALLERS, _WINDOW_SECONDS)
        self._lock = Lock()

    def check(self) -> None:
        """Raises TooManyRequests."""
        caller = _caller() if self._most else ""
        if not caller:
            return
        with self._lock:
            sent = self._sent.setdefault(caller, [0])
            sent[0] += 1
        if sent[0] > self._most:
            raise TooManyRequests(
                f"More than {self._most} requests came from this address within"
                f" {_WINDOW_SECONDS} seconds. Wait as long, then go on more slowly;"
                " DEPLOY_AGENT_REQUEST_RATE allows more.",
                retry_after=_WINDOW_SECONDS,
            )


def init_app(app: Flask) -> None:
    app.before_request(_RequestRate(app.config["CONTEXT"].settings.request_rate).check)


def _caller() -> Caller:
    """Return whose requests are counted together; empty if they are not counted."""
    address = source()
    if not address or (comes_from_proxy() and address == app_context().settings.trusted_proxy):
        return ""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or known
    if known.is_loopback:
        return ""
    # A machine may call from any address in the last half of its network.
    return int(known) >> 64 if isinstance(known, IPv6Address) else address
