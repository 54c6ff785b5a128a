"""What a view needs to know of the request it answers."""

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import cast

from flask import current_app, g
from htmx_flask import request

from app.config import is_loopback
from app.core.access.page_obstacles import PageVisitor
from app.usecases.context import AppContext

# Where the signed cookie holds the secret of a log-in.
SESSION_KEY = "login"


# Any of them says that somebody else's request was passed on; so does each `X-Forwarded-…`.
_PROXY_HEADERS = ("Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip")
_FOR_MACHINES = ("/healthz", "/readyz", "/metrics")
# One slash, not two, and nothing that a browser drops or turns into a slash.
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]*\Z")


def own_path(asked: str, otherwise: str) -> str:
    """Return a path that a browser was told to go to, if it is one of ours."""
    return asked if _OWN_PATH.match(asked) else otherwise


def app_context() -> AppContext:
    return cast(AppContext, current_app.config["CONTEXT"])


def actor() -> str:
    """Return who asks, as the history names them."""
    return str(g.person.name)


def source() -> str:
    """Return the address that the request comes from; of what our proxy passes on, its own."""
    address = request.remote_addr or ""
    if comes_from_proxy():
        passed_on = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        with suppress(ValueError):
            return str(ip_address(passed_on))
    return address


def comes_from_proxy() -> bool:
    """Say whether the reverse proxy that is trusted has passed this request on."""
    trusted = app_context().settings.trusted_proxy
    return bool(trusted) and request.remote_addr == trusted


def is_passed_on() -> bool:
    """Say whether a proxy has passed this request on, as far as it can be told.

    nginx names nobody unless told to, and speaks HTTP/1.0, as no browser does.
    """
    named = any(name in _PROXY_HEADERS or name.startswith("X-Forwarded-") for name in _names())
    return named or request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"


def _names() -> set[str]:
    return {name.title() for name, _ in request.headers}


def is_secure() -> bool:
    """Say whether the reader's end of the connection is TLS: ours, or that of our proxy."""
    forwarded = request.headers.get("X-Forwarded-Proto", "") if comes_from_proxy() else ""
    return request.is_secure or forwarded.lower() == "https"


def is_for_scripts() -> bool:
    """Say whether what is asked for is answered to scripts, not shown to people."""
    return request.path.startswith("/api/") or request.path in _FOR_MACHINES


def wants_fragment() -> bool:
    """Say whether HTMX asks for a part of a page; Back and boosted links want the whole."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def gateway_host() -> str:
    """Return the name at which the reader's own machine reaches a gateway."""
    return app_context().settings.public_host or reader_host()


def reader_host() -> str:
    """Return the name or address that the reader opened this page by."""
    host: str = request.host
    return host[: host.rindex("]") + 1] if host.startswith("[") else host.partition(":")[0]


def visitor() -> PageVisitor:
    """Return how the reader's browser reaches this host."""
    is_local = is_loopback(request.remote_addr or "") and not is_passed_on()
    return PageVisitor(name=reader_host(), secure=is_secure(), local=is_local and not is_secure())
