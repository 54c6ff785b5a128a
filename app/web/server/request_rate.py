"""The request rate: how many requests another machine may send per second.

Every caller on another machine is limited, logged in or not: a script that calls without a pause
slows everybody down, because each page costs a few milliseconds. At the default of 100 requests
per second, one machine uses at most a third of a core. Thirty people behind one address send far
fewer requests.

This host's own programs are not limited. They can use its processor anyway, and all people behind
an SSH tunnel or a local proxy share one address here. Requests that the trusted proxy forwards
without the caller's address are not limited either.
"""

from ipaddress import IPv6Address, ip_address
from threading import Lock

from cachetools import TTLCache
from flask import Flask
from werkzeug.exceptions import TooManyRequests

from app.web.server.request import app_context, comes_from_proxy, source

# The rate is an average over this time, because opening a page causes many requests at once.
_WINDOW_SECONDS = 10
_MOST_CALLERS = 50_000

Caller = str | int


class _RequestRate:
    """Counts the requests of each caller in a time window, which the first request opens."""

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
                f" {_WINDOW_SECONDS} seconds. Wait {_WINDOW_SECONDS} seconds, then send fewer;"
                " or raise DEPLOY_AGENT_REQUEST_RATE.",
                retry_after=_WINDOW_SECONDS,
            )


def init_app(app: Flask) -> None:
    app.before_request(_RequestRate(app.config["CONTEXT"].settings.request_rate).check)


def _caller() -> Caller:
    """Return the caller under which a request is counted; empty if it is not counted."""
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
    # A machine may use any address of its IPv6 network, so the whole /64 counts as one caller.
    return int(known) >> 64 if isinstance(known, IPv6Address) else address
