"""Error responses: problem details (RFC 9457) for scripts, a page or a fragment for people."""

import errno
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Flask, Response, g, jsonify, url_for
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from htmx_flask import request
from werkzeug.exceptions import ClientDisconnected, HTTPException, SecurityError, TooManyRequests

from app.core.errors import NotLoggedIn, TooManyOpenFiles, UserError
from app.web.page.rendering import render
from app.web.server.request import is_for_scripts, wants_fragment

_log = logging.getLogger("deploy_agent")


class KnownError(NamedTuple):
    """An error with its status, stable code and title."""

    status: int
    code: str
    title: str


# Codes and titles for the errors that Flask raises itself.
_HTTP = {
    each.status: each
    for each in (
        KnownError(400, "bad_request", "The request can't be understood"),
        KnownError(403, "forbidden", "The request is refused"),
        KnownError(404, "not_found", "There is no such page"),
        KnownError(405, "method_not_allowed", "This address does not accept that method"),
        KnownError(413, "too_large", "The request is too large"),
        KnownError(415, "unsupported_media_type", "The content type is not accepted"),
        KnownError(429, "too_many_requests", "Too many requests"),
    )
}
CSRF = KnownError(400, "csrf", "The form has expired")
FOREIGN_HOST = KnownError(400, "foreign_host", "Deploy Agent is not served under this name")
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
    app.register_error_handler(OSError, _system_error)
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
    """Redirect to the log-in page, which does not fit into a fragment of another page."""
    return Response(headers={"HX-Redirect": url_for("people.log_in")})


def _csrf_error(_error: CSRFError) -> Response:
    return _answer(
        *CSRF,
        "The form was sent without this session's token. Reload the page and send the form again.",
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
    """Respond to a request with an incomplete body or wrong chunk lengths."""
    return _answer(
        *known_http(400), "The request body is incomplete, or its chunk lengths are wrong."
    )


def _foreign_host(_error: SecurityError) -> Response:
    """Respond without a template: templates build URLs, which fails for a foreign host name."""
    detail = (
        "Deploy Agent is not served under this name."
        " Use the address that the server printed at its start."
    )
    return _without_template(FOREIGN_HOST, detail)


def _system_error(error: OSError) -> Response:
    """Report that no file can be opened. No template is used, because it is a file too."""
    if error.errno not in (errno.EMFILE, errno.ENFILE):
        return _internal_error(error)
    detail = (
        f"{'The server' if error.errno == errno.EMFILE else 'This host'} has too many open files."
        " Try again in a moment. If this goes on, raise the limit of open files"
        " (LimitNOFILE= in the systemd unit)."
    )
    return _without_template(known(TooManyOpenFiles), detail)


def _without_template(error: KnownError, detail: str) -> Response:
    if is_for_scripts():
        return problem(*error, detail, {})
    return Response(f"{detail}\n", error.status, content_type="text/plain; charset=utf-8")


def _internal_error(_error: Exception) -> Response:
    route = request.url_rule.rule if request.url_rule else "-"
    _log.exception("request %s failed: %s %s", g.get("request_id"), request.method, route)
    return _answer(
        *INTERNAL, f"The server's log has the cause. Search the log for {g.get('request_id')}."
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
        http_status=status,
        code=code,
        request_id=g.get("request_id"),
    )
    if wants_fragment():
        # The part of the page that sent the request stays unchanged.
        response.headers["HX-Retarget"] = "#messages"
        response.headers["HX-Reswap"] = "innerHTML"
        response.headers["HX-Reselect"] = ".problem"
    return response


def problem(status: int, code: str, title: str, detail: str, more: Mapping[str, Any]) -> Response:
    """Return problem details (RFC 9457), with the keys of `more` added."""
    details = {"ok": False, "title": title, "detail": detail, "status": status, "code": code}
    response = jsonify({**details, "request_id": g.get("request_id"), **more})
    response.status_code = status
    response.content_type = "application/problem+json"
    return response
