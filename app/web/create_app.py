"""The application factory: settings, extensions and blueprints."""

from flask import Flask
from htmx_flask import Htmx

from app.config import PROJECT, Settings, load_settings
from app.usecases.context import build_context, signing_key
from app.usecases.people.sessions import SESSION_SECONDS
from app.web import doctor, history, logs, operations, orphans, people, tokens, webhook
from app.web.access import origins, pairing, provider
from app.web.api import reference
from app.web.lifecycle import archive, confirm, running
from app.web.page import assets, rendering, theme, times
from app.web.server import (
    compression,
    engine_patience,
    errors,
    health,
    id_converter,
    metrics,
    permissions,
    request_rate,
    security,
    sharing,
)
from app.web.settings import configure, reconfigure
from app.web.status import deployment, overview
from app.web.updates import updates, versions

# Each request passes these modules in this order: metrics come first to time the whole request,
# and a foreign request is refused before request rate and permission are checked.
_EXTENSIONS = (
    id_converter,
    metrics,
    engine_patience,
    security,
    request_rate,
    permissions,
    sharing,
    errors,
    rendering,
    times,
    theme,
    compression,
)
# Each module has a blueprint of pages (`bp`), a blueprint of API calls (`api_bp`), or both.
_ROOMS = (
    assets,
    health,
    metrics,
    theme,
    people,
    configure,
    reconfigure,
    overview,
    deployment,
    running,
    provider,
    logs,
    origins,
    operations,
    pairing,
    confirm,
    tokens,
    archive,
    doctor,
    orphans,
    history,
    updates,
    versions,
    reference,
    webhook,
)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application. Raises RemoteEngine, StorageFailed."""
    settings = settings or load_settings()
    app = Flask(
        "app",
        template_folder=str(PROJECT / "templates"),
        # Files in static/ are served by app/web/page/assets.py alone.
        static_folder=None,
    )
    context = build_context(settings)
    app.config.update(
        SECRET_KEY=signing_key(context),
        SESSION_COOKIE_NAME=f"deploy_agent_{settings.port}",
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_SECONDS,
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_PARTS=200,
        WTF_CSRF_TIME_LIMIT=None,
        CONTEXT=context,
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "autoescape": True}
    app.json.sort_keys = False  # type: ignore[attr-defined]
    Htmx(app)
    for extension in _EXTENSIONS:
        extension.init_app(app)
    for room in _ROOMS:
        for name in ("bp", "api_bp"):
            if blueprint := getattr(room, name, None):
                app.register_blueprint(blueprint)
    return app
