"""The guard before every view: who may send what, and the headers on every answer.

Browsers send `Sec-Fetch-Site` only to trustworthy origins, so on an intranet's
plain http the `Origin` comparison is the protection.
"""

import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g
from htmx_flask import request

from app.config import Settings

_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}\Z", re.ASCII)


def trusted_hosts(settings: Settings) -> list[str]:
    """Return the names that the page may be opened with: against DNS rebinding."""
    return ["localhost", "127.0.0.1", "[::1]", settings.host]


def init_app(app: Flask) -> None:
    # Before the CSRF check, which is of no use to a request from elsewhere.
    app.before_request_funcs.setdefault(None, []).insert(0, _guard)
    app.after_request(_dress)


def _guard() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)
    request.host  # noqa: B018 - reading it refuses a foreign name with 400
    if request.method not in _SAFE and _comes_from_elsewhere():
        abort(403, "This request came from another site's page, and was refused.")


def _comes_from_elsewhere() -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    return bool(urlsplit(origin).netloc != request.host)


def _dress(response: Response) -> Response:
    response.headers.update(_HEADERS)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
