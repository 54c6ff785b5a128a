"""Facts of the request that a view answers."""

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import cast

from flask import current_app, g
from htmx_flask import request

from app.config import is_loopback
from app.core.access.page_obstacles import PageVisitor
from app.usecases.context import AppContext

# The key in the signed cookie that holds a session's secret.
SESSION_KEY = "login"


# Each of these headers, or any `X-Forwarded-…`, means that a proxy forwarded the request.
_PROXY_HEADERS = ("Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip")
_FOR_MACHINES = ("/healthz", "/readyz", "/metrics")
# A path begins with one slash, not two, and has no character that a browser drops or turns into
# a slash.
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]*\Z")


def own_path(asked: str, otherwise: str) -> str:
    """Return the path if it is on this server, else the other path."""
    return asked if _OWN_PATH.match(asked) else otherwise


def app_context() -> AppContext:
    return cast(AppContext, current_app.config["CONTEXT"])


def actor() -> str:
    """Return the caller's name for the history."""
    return str(g.person.name)


def source() -> str:
    """Return the caller's address. Behind the trusted proxy, return the address in its header."""
    address = request.remote_addr or ""
    if comes_from_proxy():
        passed_on = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        with suppress(ValueError):
            return str(ip_address(passed_on))
    return address


def comes_from_proxy() -> bool:
    """Return whether the trusted reverse proxy forwarded this request."""
    trusted = app_context().settings.trusted_proxy
    return bool(trusted) and request.remote_addr == trusted


def is_passed_on() -> bool:
    """Return whether headers or protocol show that a proxy forwarded this request.

    By default nginx adds no header, but it speaks HTTP/1.0, which no browser does.
    """
    named = any(name in _PROXY_HEADERS or name.startswith("X-Forwarded-") for name in _names())
    return named or request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"


def _names() -> set[str]:
    return {name.title() for name, _ in request.headers}


def is_secure() -> bool:
    """Return whether the reader's connection, to us or to the trusted proxy, uses TLS."""
    forwarded = request.headers.get("X-Forwarded-Proto", "") if comes_from_proxy() else ""
    return request.is_secure or forwarded.lower() == "https"


def is_for_scripts() -> bool:
    """Return whether a script, not a person, reads the response."""
    return request.path.startswith("/api/") or request.path in _FOR_MACHINES


def wants_fragment() -> bool:
    """Return whether HTMX requests a part of a page. Back and boosted links need the whole page."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def gateway_host() -> str:
    """Return the name by which the reader's machine reaches gateways."""
    return app_context().settings.public_host or reader_host()


def reader_host() -> str:
    """Return the name or address by which the reader opened this page."""
    host: str = request.host
    return host[: host.rindex("]") + 1] if host.startswith("[") else host.partition(":")[0]


def visitor() -> PageVisitor:
    """Return how the reader's browser reaches this host, derived once per request."""
    if "visitor" not in g:
        secure = is_secure()
        is_local = not secure and is_loopback(request.remote_addr or "") and not is_passed_on()
        g.visitor = PageVisitor(name=reader_host(), secure=secure, local=is_local)
    found: PageVisitor = g.visitor
    return found
