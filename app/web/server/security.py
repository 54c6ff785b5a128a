"""The guard before every view refuses foreign requests. Every response gets security headers.

Browsers send `Sec-Fetch-Site` only to trustworthy origins. On an intranet's plain http, the
comparison of `Origin` is the protection.
"""

import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from htmx_flask import request
from werkzeug.exceptions import SecurityError

from app.usecases.people.people import has_users
from app.web.server.log import add_request_facts
from app.web.server.request import SESSION_KEY, app_context, comes_from_proxy, is_secure

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
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not “no-referrer”, with which browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}\Z", re.ASCII)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

# Browsers accept this header over TLS only. It excludes subdomains: others may serve them.
_STRICT_TRANSPORT = "max-age=31536000"

csrf = CSRFProtect()


class _Sessions(SecureCookieSessionInterface):
    """Session cookies. A cookie that was set over TLS is sent over TLS only."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return is_secure()


def init_app(app: Flask) -> None:
    app.before_request(_name_request)
    app.before_request(_refuse_foreign_host)
    app.before_request(_refuse_foreign_change)
    app.after_request(_add_headers)
    app.session_interface = _Sessions()
    # Our own guard checks tokens instead, because it does not require them from scripts.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf.init_app(app)


def _name_request() -> None:
    """Give a request an id. An id in a request header is used only from the trusted proxy."""
    g.request_id = secrets.token_hex(8)
    given = request.headers.get("X-Request-Id", "")
    if comes_from_proxy() and _REQUEST_ID.match(given):
        g.request_id = given


def _refuse_foreign_host() -> None:
    """Refuse DNS rebinding: another site's name that resolves to this host's address.

    Once people log in, any name is accepted: a browser sends their cookie and token only to the
    name that they used. Health checks are accepted under any name: they show no secret.
    """
    if request.blueprint == "health":
        return
    if (
        not current_app.config["OPEN"]
        or app_context().settings.trusted_proxy
        or has_users(app_context())
    ):
        return
    name = _name_of_host()
    own = app_context().settings.host.strip("[]").lower()
    if name not in (*_LOOPBACK_NAMES, own, f"[{own}]"):
        raise SecurityError


def _name_of_host() -> str:
    return re.sub(r":\d+\Z", "", request.headers.get("Host", "")).lower()


def _refuse_foreign_change() -> None:
    """Refuse a change that another site's page sends, and a form without its CSRF token.

    Browsers send `Origin` with every change. A request without `Origin` and `Sec-Fetch-Site` comes
    from a script, so no other site's page has sent it.
    """
    if request.method in _SAFE:
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is None and site is None:
        return
    if not _is_ours(origin, site):
        abort(403, "This request came from another site's page, and was refused.")
    if request.mimetype != "application/json" or SESSION_KEY in session:
        csrf.protect()


def _is_ours(origin: str | None, site: str | None) -> bool:
    if site not in (None, "same-origin", "none"):
        return False
    try:
        return origin is None or urlsplit(origin).netloc == request.host
    except ValueError:
        return False


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if is_secure():
        response.headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
    if is_secure() or _name_of_host() in _LOOPBACK_NAMES:
        # Under other names browsers ignore this header, with a warning on every page.
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["X-Request-Id"] = g.get("request_id", "")
    add_request_facts()
    if request.blueprint != "assets" or "Cache-Control" not in response.headers:
        # Flask sets another value for downloads; replace that too.
        response.headers["Cache-Control"] = "no-store"
    return response
