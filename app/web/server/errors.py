"""One shape for errors: problem details (RFC 9457) for scripts, one page or fragment for people."""

import errno
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Flask, Response, g, jsonify, url_for
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from htmx_flask import request
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    SecurityError,
    TooManyRequests,
)

from app.core.errors import NotLoggedIn, TooManyOpenFiles, UserError
from app.web.page.rendering import render
from app.web.server.request import is_for_scripts, wants_fragment

_log = logging.getLogger("deploy_agent")


class KnownError(NamedTuple):
    """An error as it is described: its code is stable."""

    status: int
    code: str
    title: str


# Codes and words for what Flask itself refuses.
_HTTP = {
    each.status: each
    for each in (
        KnownError(400, "bad_request", "The request can't be understood"),
        KnownError(403, "forbidden", "This request is refused"),
        KnownError(404, "not_found", "There is no such page"),
        KnownError(405, "method_not_allowed", "This address does not take that method"),
        KnownError(413, "too_large", "The request is too large"),
        KnownError(415, "unsupported_media_type", "The content type is not taken here"),
        KnownError(429, "too_many_requests", "Too many requests"),
    )
}
CSRF = KnownError(400, "csrf", "The form is too old")
FOREIGN_HOST = KnownError(400, "foreign_host", "This name is not served here")
INTERNAL = KnownError(500, "internal_error", "Something went wrong in Deploy Agent")


def known(kind: type[UserError]) -> KnownError:
    return KnownError(kind.status, kind.code, kind.title)


def known_http(status: int) -> KnownError:
    return _HTTP[status]


def init_app(app: Flask) -> None:
    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(SecurityError, _foreign_host)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ParseException, _unreadable_body)
    app.register_error_handler(OSError, _refused_by_the_system)
    app.register_error_handler(ClientDisconnected, _unreadable_body)
    app.register_error_handler(Exception, _internal_error)


def _user_error(error: UserError) -> Response:
    if isinstance(error, NotLoggedIn) and wants_fragment() and not is_for_scripts():
        return _to_log_in()
    response = _answer(*known(type(error)), error.detail, error.problem)
    if isinstance(error, NotLoggedIn):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _to_log_in() -> Response:
    """Lead a page whose session has ended to the log-in: a fragment can't hold it."""
    return Response(headers={"HX-Redirect": url_for("people.log_in")})


def _csrf_error(_error: CSRFError) -> Response:
    return _answer(
        *CSRF,
        "It came without the token of this session. Load the page again and send it once more.",
    )


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    refused = _HTTP.get(status, KnownError(status, "http_error", error.name))
    response = _answer(*refused, error.description or "")
    if status == 405:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _unreadable_body(_error: ParseException | ClientDisconnected) -> Response:
    """Answer a body that comes in pieces whose lengths make no sense, found as it is read."""
    return _answer(*known_http(400), "The body breaks off, or is not in the pieces it says.")


def _foreign_host(_error: SecurityError) -> Response:
    """Answer without a template: no address can be built for a name that is not ours."""
    detail = (
        "Deploy Agent is not served under this name."
        " Open it by the address that it printed at its start."
    )
    if is_for_scripts():
        return problem(*FOREIGN_HOST, detail, {})
    return Response(f"{detail}\n", 400, content_type="text/plain; charset=utf-8")


def _refused_by_the_system(error: OSError) -> Response:
    """Say that nothing can be opened just now; without a template, which would be opened too."""
    if error.errno not in (errno.EMFILE, errno.ENFILE):
        return _internal_error(error)
    short = known(TooManyOpenFiles)
    detail = (
        f"{'The server' if error.errno == errno.EMFILE else 'This host'} has too many files open,"
        " so nothing could be looked at. Try again in a moment. If this stays, raise the limit"
        " of open files (LimitNOFILE= in its systemd unit)."
    )
    if is_for_scripts():
        return problem(*short, detail, {})
    return Response(f"{detail}\n", short.status, content_type="text/plain; charset=utf-8")


def _internal_error(_error: Exception) -> Response:
    route = request.url_rule.rule if request.url_rule else "-"
    _log.exception("request %s failed: %s %s", g.get("request_id"), request.method, route)
    return _answer(
        *INTERNAL,
        f"The server's log has the cause under request id {g.get('request_id')}.",
    )


def _answer(
    status: int, code: str, title: str, detail: str, more: Mapping[str, Any] | None = None
) -> Response:
    if is_for_scripts():
        return problem(status, code, title, detail, more or {})
    response = render(
        "errors/problem",
        status,
        tab=title,
        alone=not wants_fragment(),
        title=title,
        detail=detail,
        code=code,
        request_id=g.get("request_id"),
    )
    if wants_fragment():
        # The part of the page that asked stays as it is.
        response.headers["HX-Retarget"] = "#messages"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def problem(status: int, code: str, title: str, detail: str, more: Mapping[str, Any]) -> Response:
    """Return problem details; `more` is added to them."""
    told = {"ok": False, "title": title, "detail": detail, "status": status, "code": code}
    response = jsonify({**told, "request_id": g.get("request_id"), **more})
    response.status_code = status
    response.content_type = "application/problem+json"
    return response
