"""The caller of a request, and the permission that each view declares and needs."""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, g, redirect, session, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.config import is_loopback
from app.core.errors import NotAllowed, NotLoggedIn
from app.core.people import LOCAL, Permission, Person
from app.usecases.history.history import set_source_address
from app.usecases.people.people import has_users
from app.usecases.people.sessions import person_of_proxy, person_of_session, person_of_token
from app.web.server.request import (
    SESSION_KEY,
    app_context,
    comes_from_proxy,
    is_for_scripts,
    is_passed_on,
    source,
    wants_fragment,
)

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def needs(permission: Permission) -> Callable[[View], View]:
    """Declare the permission that a view needs. A view without a permission is never called."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare


def permission_of(app: Flask, endpoint: str) -> Permission | None:
    """Return the permission of an endpoint's view, or None."""
    return getattr(app.view_functions[endpoint], "permission", None)


def init_app(app: Flask) -> None:
    # gunicorn sets this value from the addresses on which it really listens.
    app.config.setdefault("OPEN", is_loopback(app.config["CONTEXT"].settings.host))
    app.before_request(_admit)
    app.context_processor(_for_templates)


def still_admitted() -> bool:
    """Return whether the reader of a stream is still the same person with the same role."""
    return bool(_caller() == g.person)


def may(permission: Permission) -> bool:
    """Return whether the caller has a permission."""
    person: Person | None = g.get("person")
    return person is not None and person.may(permission)


def _admit() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # No such path, or a wrong method: the error handler responds.
    permission = permission_of(current_app, request.endpoint)
    if permission is None:
        raise RuntimeError(f"{request.endpoint} declares no permission")
    if request.blueprint in ("assets", "health"):
        return None  # A public response is the same for everybody, so the cookie is not read.
    g.person = _caller()
    set_source_address(source())
    if permission is Permission.PUBLIC:
        return None
    if g.person is None:
        return _ask_for_log_in()
    if not g.person.may(permission):
        raise NotAllowed(
            f"You are {g.person.name}, a viewer. Viewers can't change anything."
            " An operator can do this, or make you an operator."
        )
    return None


def _caller() -> Person | None:
    """Return the caller from token, trusted proxy or session, else the local user if allowed."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return person_of_token(token.strip(), context=app_context())
    if name := _user_of_proxy():
        return person_of_proxy(name, context=app_context())
    if secret := session.get(SESSION_KEY):
        return person_of_session(secret, source(), context=app_context())
    return LOCAL if _is_at_this_machine() else None


def _is_at_this_machine() -> bool:
    """Return whether the caller needs no log-in.

    The caller's address alone does not prove that the caller is on this machine: a local proxy
    forwards requests of other machines, and a host that routes its loopback network
    (route_localnet) accepts callers from elsewhere. A caller at a Unix socket has no address.
    """
    if not current_app.config["OPEN"] or app_context().settings.trusted_proxy:
        return False
    elsewhere = request.remote_addr and not is_loopback(request.remote_addr)
    return not elsewhere and not is_passed_on() and not has_users(app_context())


def _user_of_proxy() -> str | None:
    """Return the user header of the trusted proxy; empty if another address sent the request."""
    if not comes_from_proxy():
        return None
    return request.headers.get(app_context().settings.proxy_user_header) or None


def _ask_for_log_in() -> ResponseReturnValue:
    if is_for_scripts() or wants_fragment() or request.method != "GET":
        raise NotLoggedIn(
            "Log in on the page, or send the header “Authorization: Bearer TOKEN” with a"
            " token from the page People, or from `deploy-agent token add` on the server."
        )
    return redirect(url_for("people.log_in", next=request.full_path.rstrip("?")), code=303)


def _for_templates() -> dict[str, object]:
    return {
        "person": g.get("person"),
        "logged_in": SESSION_KEY in session,
        "may_operate": may(Permission.OPERATE),
    }
