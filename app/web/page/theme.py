"""The theme: light, dark or the system's, chosen per browser."""

import json

from flask import Blueprint, Flask, make_response, redirect, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.people import Permission
from app.web.server.permissions import needs
from app.web.server.request import is_secure, own_path, wants_fragment

bp = Blueprint("theme", __name__)

_THEMES = ("system", "light", "dark")
# A cookie of its own, not the session: the theme applies without a log-in too.
_COOKIE = "deploy_agent_theme"
_COOKIE_SECONDS = 400 * 86400


@bp.post("/theme")
@needs(Permission.PUBLIC)
def choose() -> ResponseReturnValue:
    chosen = _known(request.form.get("theme", ""))
    if wants_fragment():
        response = make_response("", 204, {"HX-Trigger": json.dumps({"theme": chosen})})
    else:
        back_to = own_path(request.form.get("back_to", ""), url_for("overview.index"))
        response = make_response(redirect(back_to, code=303))
    response.set_cookie(
        _COOKIE, chosen, _COOKIE_SECONDS, samesite="Lax", httponly=True, secure=is_secure()
    )
    return response


def init_app(app: Flask) -> None:
    app.jinja_env.globals["THEMES"] = _THEMES
    app.context_processor(lambda: {"theme": _known(request.cookies.get(_COOKIE, ""))})


def _known(theme: str) -> str:
    return theme if theme in _THEMES else "system"
