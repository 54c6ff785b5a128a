"""Pace: how many requests one other machine may send.

Whoever calls is bounded, logged in or not: a script that asks without a pause slows everybody,
and a page costs a few milliseconds wherever it comes from. At the usual hundred a second one
machine takes a third of a core at most; thirty people behind one address stay far below it.
This host's own programs are not bounded, since they can have its processor without us, and an
SSH tunnel's or a local proxy's many people have one address here. Nor is what a trusted proxy
passes on without naming anybody.
"""

from ipaddress import IPv6Address, ip_address
from threading import Lock

from cachetools import TTLCache
from flask import Flask
from werkzeug.exceptions import TooManyRequests

from app.web.server.request import app_context, comes_from_proxy, source

# So long a machine may be ahead of its pace: a page that is opened asks for much at once.
_WINDOW_SECONDS = 10
_MOST_CALLERS = 50_000

Caller = str | int


class _Pace:
    """What each caller has sent within the window that its first request began."""

    def __init__(self, per_second: int) -> None:
        self._most = per_second * _WINDOW_SECONDS
        self._sent: TTLCache[Caller, list[int]] = TTLCache(_MOST_CALLERS, _WINDOW_SECONDS)
        self._lock = Lock()

    def keep(self) -> None:
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
    app.before_request(_Pace(app.config["CONTEXT"].settings.request_rate).keep)


def _caller() -> Caller:
    """Return whose requests are counted together; empty where they are not counted."""
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
    # A machine has all addresses of its network's last half to call from.
    return int(known) >> 64 if isinstance(known, IPv6Address) else address
