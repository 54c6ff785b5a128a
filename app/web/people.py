"""Log-in, log-out, the set-up link, and the page of users and API tokens."""

from typing import Any

from flask import Blueprint, flash, g, redirect, session, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.errors import InputRejected, NotLoggedIn
from app.core.people import SHORTEST_PASSWORD, Permission, Role
from app.usecases.people import people as users
from app.usecases.people import sessions
from app.web.page.rendering import lead_to, render
from app.web.server.compression import leave_uncompressed
from app.web.server.permissions import needs
from app.web.server.request import SESSION_KEY, actor, app_context, own_path, source

bp = Blueprint("people", __name__)


@bp.get("/login")
@needs(Permission.PUBLIC)
def log_in() -> ResponseReturnValue:
    return _log_in_form()


@bp.post("/login")
@needs(Permission.PUBLIC)
def check_log_in() -> ResponseReturnValue:
    name, password = request.form.get("name", ""), request.form.get("password", "")
    try:
        secret = sessions.log_in(name, password, source(), context=app_context())
    except NotLoggedIn as refused:
        return _log_in_form(name, refused.detail, 401)
    return _logged_in(secret)


@bp.post("/logout")
@needs(Permission.PUBLIC)
def log_out() -> ResponseReturnValue:
    if secret := session.get(SESSION_KEY):
        sessions.log_out(secret, context=app_context())
    session.clear()
    return redirect(url_for("people.log_in"), code=303)


@bp.get("/setup/<secret>")
@needs(Permission.PUBLIC)
def set_up(secret: str) -> ResponseReturnValue:
    users.check_setup(secret, context=app_context())
    leave_uncompressed()
    return _setup_form(secret)


@bp.post("/setup/<secret>")
@needs(Permission.PUBLIC)
def make_first_operator(secret: str) -> ResponseReturnValue:
    name, password = request.form.get("name", ""), request.form.get("password", "")
    try:
        users.set_up(secret, name, password, context=app_context())
    except InputRejected as rejected:
        return _setup_form(secret, 422, name=name, errors=rejected.fields)
    return _logged_in(sessions.open_session(name, source(), context=app_context()))


@bp.get("/people")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    return _page()


@bp.post("/people/users")
@needs(Permission.OPERATE)
def add_user() -> ResponseReturnValue:
    form = request.form
    name, role = form.get("name", ""), form.get("role", Role.VIEWER)
    try:
        users.add_user(name, role, form.get("password", ""), by=actor(), context=app_context())
    except InputRejected as rejected:
        return _page(422, typed={"name": name, "role": role}, errors=rejected.fields)
    flash(f"{name} was added as {role}.")
    return redirect(url_for("people.show"), code=303)


@bp.post("/people/users/<name>/remove")
@needs(Permission.OPERATE)
def remove_user(name: str) -> ResponseReturnValue:
    users.remove_user(name, by=actor(), context=app_context())
    flash(f"{name} was removed.")
    return lead_to(url_for("people.show"))


@bp.post("/people/password")
@needs(Permission.VIEW)
def change_password() -> ResponseReturnValue:
    """Change one's own password: all sessions end, and this browser gets a new session."""
    current, password = request.form.get("current", ""), request.form.get("password", "")
    try:
        sessions.verify_password(actor(), current, source(), context=app_context())
        users.set_password(actor(), password, by=actor(), context=app_context())
    except NotLoggedIn:
        return _page(422, errors={"current": "is wrong"})
    except InputRejected as rejected:
        return _page(422, errors={"new_password": rejected.fields["password"]})
    flash("Your password was changed. You are logged out everywhere else.")
    return _logged_in(sessions.open_session(actor(), source(), context=app_context()))


@bp.post("/people/tokens")
@needs(Permission.OPERATE)
def make_token() -> ResponseReturnValue:
    form = request.form
    role = form.get("role", Role.VIEWER)
    try:
        token = users.make_token(form.get("name", ""), role, actor(), context=app_context())
    except InputRejected as rejected:
        return _page(422, errors=rejected.fields)
    leave_uncompressed()
    return _page(token=token)


@bp.post("/people/tokens/<identifier>/revoke")
@needs(Permission.OPERATE)
def revoke_token(identifier: str) -> ResponseReturnValue:
    users.revoke_token(identifier, by=actor(), context=app_context())
    flash("The token was revoked.")
    return redirect(url_for("people.show"), code=303)


def _setup_form(secret: str, status: int = 200, **given: Any) -> ResponseReturnValue:
    return render(
        "people/setup",
        status,
        tab="First account",
        secret=secret,
        shortest=SHORTEST_PASSWORD,
        **{"name": "", "errors": {}, **given},
    )


def _log_in_form(name: str = "", problem: str = "", status: int = 200) -> ResponseReturnValue:
    ready = users.has_users(app_context())
    return render(
        "people/login", status, tab="Log in", name=name, problem=problem, next=_next(), ready=ready
    )


def _logged_in(secret: str) -> ResponseReturnValue:
    # Clear the session first: somebody else may have planted it (session fixation).
    flashes = session.pop("_flashes", [])
    session.clear()
    session.permanent = True
    session[SESSION_KEY] = secret
    if flashes:
        session["_flashes"] = flashes
    return redirect(_next(), code=303)


def _next() -> str:
    """Return the page to open after a log-in. An address of another site is ignored."""
    return own_path(request.values.get("next", ""), url_for("overview.index"))


def _page(
    status: int = 200,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    token: str = "",
) -> ResponseReturnValue:
    everybody = app_context().people.read()
    return render(
        "people/show",
        status,
        tab="People",
        users=sorted(everybody.users.items()),
        tokens=sorted(everybody.tokens.items(), key=lambda each: each[1].made_at),
        roles=list(Role),
        own=g.person.name,
        typed=typed or {},
        errors=errors or {},
        token=token,
        shortest=SHORTEST_PASSWORD,
    )
