"""The server, put together: settings, extensions, blueprints, and nothing else."""

from flask import Flask
from htmx_flask import Htmx

from app.config import PROJECT, Settings, load_settings
from app.usecases.context import build_context, signing_key
from app.usecases.people.sessions import SESSION_SECONDS
from app.web import doctor, history, logs, operations, people, webhook
from app.web import orphans as stranded
from app.web import tokens as token
from app.web.access import origins as open
from app.web.access import pairing
from app.web.access import provider as answer
from app.web.api import reference
from app.web.lifecycle import archive, confirm
from app.web.page import assets, rendering, theme, times
from app.web.server import compression, errors, health, metrics, security
from app.web.server import engine_patience as patience
from app.web.server import id_converter as ids
from app.web.server import permissions as access
from app.web.server import request_rate as pace
from app.web.settings import configure, configure_api, edit, reconfigure
from app.web.status import api, overview, pages
from app.web.updates import updates, versions


def create_app(settings: Settings | None = None) -> Flask:
    """Raises RemoteEngine, StorageFailed."""
    settings = settings or load_settings()
    app = Flask(
        "app",
        template_folder=str(PROJECT / "templates"),
        # What stands in static/ is served by app/web/assets.py, and by no other way.
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
    ids.init_app(app)
    metrics.init_app(app)
    patience.init_app(app)
    security.init_app(app)
    pace.init_app(app)
    access.init_app(app)
    errors.init_app(app)
    rendering.init_app(app)
    times.init_app(app)
    theme.init_app(app)
    compression.init_app(app)
    app.register_blueprint(assets.bp)
    app.register_blueprint(health.bp)
    app.register_blueprint(metrics.bp)
    app.register_blueprint(theme.bp)
    app.register_blueprint(people.bp)
    app.register_blueprint(overview.bp)
    app.register_blueprint(configure.bp)
    app.register_blueprint(configure_api.bp)
    app.register_blueprint(edit.bp)
    app.register_blueprint(reconfigure.api_bp)
    app.register_blueprint(pages.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(answer.bp)
    app.register_blueprint(answer.api_bp)
    app.register_blueprint(logs.bp)
    app.register_blueprint(logs.api_bp)
    app.register_blueprint(open.bp)
    app.register_blueprint(open.api_bp)
    app.register_blueprint(operations.bp)
    app.register_blueprint(operations.api_bp)
    app.register_blueprint(pairing.bp)
    app.register_blueprint(pairing.api_bp)
    app.register_blueprint(confirm.bp)
    app.register_blueprint(token.bp)
    app.register_blueprint(token.api_bp)
    app.register_blueprint(archive.bp)
    app.register_blueprint(archive.api_bp)
    app.register_blueprint(doctor.bp)
    app.register_blueprint(doctor.api_bp)
    app.register_blueprint(stranded.bp)
    app.register_blueprint(stranded.api_bp)
    app.register_blueprint(history.bp)
    app.register_blueprint(history.api_bp)
    app.register_blueprint(updates.bp)
    app.register_blueprint(updates.api_bp)
    app.register_blueprint(versions.bp)
    app.register_blueprint(versions.api_bp)
    app.register_blueprint(reference.bp)
    app.register_blueprint(webhook.bp)
    app.register_blueprint(webhook.api_bp)
    return app
