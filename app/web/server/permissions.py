"""Who calls, and what they may do: every view declares the permission that it needs."""

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
    """Declare the permission that a view needs. A view without one is never answered."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare


def permission_of(app: Flask, endpoint: str) -> Permission | None:
    """Return the permission that an endpoint's view declared."""
    return getattr(app.view_functions[endpoint], "permission", None)


def init_app(app: Flask) -> None:
    # gunicorn sets it by the addresses it really listens on.
    app.config.setdefault("OPEN", is_loopback(app.config["CONTEXT"].settings.host))
    app.before_request(_admit)
    app.context_processor(_for_templates)


def still_admitted() -> bool:
    """Return whether the reader of a long answer is still the same person with the same role."""
    return bool(_caller() == g.person)


def may(permission: Permission) -> bool:
    """Return whether the caller has a permission."""
    person: Person | None = g.get("person")
    return person is not None and person.may(permission)


def _admit() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # No such path, or not with that method: the error handler says so.
    permission = permission_of(current_app, request.endpoint)
    if permission is None:
        raise RuntimeError(f"{request.endpoint} declares no permission")
    if request.blueprint in ("assets", "health"):
        return None  # The same for everybody: the cookie is not even read.
    g.person = _caller()
    set_source_address(source())
    if permission is Permission.PUBLIC:
        return None
    if g.person is None:
        return _ask_for_log_in()
    if not g.person.may(permission):
        raise NotAllowed(
            f"You are {g.person.name}, a viewer: you see everything and change nothing."
            " An operator can do this, or make you one."
        )
    return None


def _caller() -> Person | None:
    """Return the caller, by token, trusted proxy or session, or as anybody at this machine."""
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

    That depends on the address we listen on. Requests that a proxy passes on come from this
    machine too, whoever sent them; and a host that routes its loopback network (route_localnet)
    lets callers in from elsewhere. A caller at a Unix socket has no address.
    """
    if not current_app.config["OPEN"] or app_context().settings.trusted_proxy:
        return False
    elsewhere = request.remote_addr and not is_loopback(request.remote_addr)
    return not elsewhere and not is_passed_on() and not has_users(app_context())


def _user_of_proxy() -> str | None:
    """Return the proxy's user header, trusted only from the proxy's own address."""
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
