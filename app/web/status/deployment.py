"""One deployment: its page, its page's fragments for HTMX, and its status for scripts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core.answers import EXAMPLE_ID
from app.core.deployment import parse_id
from app.core.errors import NotFound
from app.core.logs.query import LogSelection
from app.core.operations.outcome_words import Outcomes
from app.core.people import Permission
from app.core.secrets import MASK, Masker, masked_hint, secret_values
from app.core.settings.field import Field
from app.core.settings.fields import BY_ENV, TOKEN, is_secret
from app.core.status.readiness import CheckState
from app.usecases.access.pairing import devices_of
from app.usecases.access.provider_check import latest_provider_check
from app.usecases.history.timeline import timeline_of
from app.usecases.server.live_updates import Subscriber
from app.usecases.status.answers import ContainerShown, DeploymentAnswer, ReadinessCheckShown
from app.usecases.status.capacity import known_capacity
from app.usecases.status.diagnose import diagnose
from app.usecases.status.overview import DeploymentView, show_deployment
from app.usecases.status.readiness import checks_of
from app.usecases.updates.versions import version_of
from app.web.access.links import page_obstacles, page_url, ws_url
from app.web.api.calls import CallTag, Example, call
from app.web.api.shapes import EXAMPLE_OPERATION
from app.web.lifecycle.archive import to_archived
from app.web.logs import LogBox, logs_context, state_context
from app.web.operations import Output, operation_parts
from app.web.page.rendering import Tab, in_frame, render, render_content
from app.web.page.streams import Boxes, PageParts, event_stream, render_parts
from app.web.server.permissions import needs
from app.web.server.request import app_context, gateway_host
from app.web.server.sharing import shared
from app.web.status.overview import EXAMPLE as LISTED

bp = Blueprint("pages", __name__)
api_bp = Blueprint("deployment_api", __name__, url_prefix="/api/deploy")

# The part of the log on a deployment's page. On the log page, people choose the part.
_RECENT = LogSelection()


@bp.get("/deployments/<deployment_id>")
@needs(Permission.VIEW)
def show(deployment_id: str) -> ResponseReturnValue:
    deployment_id = parse_id(deployment_id)
    try:
        tab, found = shared(("page", deployment_id), lambda: _page(deployment_id))
    except NotFound:
        return to_archived(deployment_id)
    return in_frame(found, tab)


def _page(deployment_id: str) -> tuple[Tab, Markup]:
    view = show_deployment(deployment_id, context=app_context())
    context = {**_context(view), **logs_context(view, _RECENT)}
    return context["tab"], render_content("status/show", **context)


@bp.get("/deployments/<deployment_id>/stream")
@needs(Permission.VIEW)
def stream(deployment_id: str) -> ResponseReturnValue:
    """Stream updates of a deployment's page."""
    outcomes, output = Outcomes(), Output()
    show_deployment(deployment_id, context=app_context())
    log = LogBox(_RECENT)

    def look() -> PageParts:
        # Not every part publishes its changes, so readers share the parts for one second at most.
        view, parts = shared(("stream", deployment_id), lambda: _look(deployment_id), seconds=1.0)
        log.update(view)
        output.show(view.deployment.operation)
        return PageParts(parts, toasts=outcomes.of([view.deployment]))

    def boxes(subscriber: Subscriber) -> Boxes:
        return {**log.boxes(subscriber), **output.boxes(subscriber)}

    return event_stream(look, boxes)


def _look(deployment_id: str) -> tuple[DeploymentView, Mapping[str, str]]:
    view = show_deployment(deployment_id, context=app_context())
    return view, render_parts(_PARTS, {**_context(view), **state_context(view, _RECENT)})


# The templates of a deployment's page.
_PARTS = (
    "status/_title",
    "status/_icon",
    "status/_head",
    "status/_readiness",
    "access/_provider",
    "operations/_operation",
    "access/_pairing",
    "logs/_state",
    "access/_connect",
    "updates/_version",
    "settings/_settings",
    "lifecycle/_danger",
    "history/_timeline",
)


def _context(view: DeploymentView) -> dict[str, Any]:
    deployment = view.deployment
    operation, checks = deployment.operation, checks_of(view, context=app_context())
    return {
        "view": view,
        "short": known_capacity(app_context()).warning() if view.action == "launch" else "",
        "tab": Tab.of(deployment.label, [view.report.status]),
        "checks": checks,
        "cause": diagnose(view, checks, context=app_context()),
        "devices": devices_of(view, context=app_context()),
        "heard": latest_provider_check(view, context=app_context()),
        **operation_parts(operation, deployment),
        "timeline": timeline_of(deployment.id, context=app_context()),
        "version": version_of(view, context=app_context()),
        "settings": _settings_of(deployment.env),
        "token_hint": masked_hint(deployment.token) if deployment.token else "",
        "ws_url": ws_url(deployment),
        "page_url": page_url(deployment),
        "obstacles": page_obstacles(deployment),
        "token_field": TOKEN.name,
    }


@bp.get("/deployments/<deployment_id>/status")
@needs(Permission.VIEW)
def status(deployment_id: str) -> ResponseReturnValue:
    view = show_deployment(deployment_id, context=app_context())
    checks = checks_of(view, context=app_context())
    cause = diagnose(view, checks, context=app_context())
    title = f"Status of {view.deployment.label}"
    return render("status/status_page", tab=title, view=view, checks=checks, cause=cause)


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting as shown on the page. Of a secret, only a hint is shown."""

    env: str
    field: Field | None
    value: str
    secret: bool


def _settings_of(env: Mapping[str, str]) -> list[_Setting]:
    # A URL may contain a password.
    mask = Masker(secret_values(env))
    return [
        _Setting(key, BY_ENV.get(key), _shown(key, value, mask), is_secret(key))
        for key, value in env.items()
        if value
    ]


def _shown(key: str, value: str, mask: Masker) -> str:
    if not is_secret(key):
        return mask(value)
    return masked_hint(value) if BY_ENV.get(key) else MASK


@api_bp.get("/status/<deployment_id>")
@needs(Permission.VIEW)
@call(
    CallTag.DEPLOYMENTS,
    "Show one deployment",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        answer=DeploymentAnswer(
            **dict(LISTED),
            health="healthy",
            containers=[
                ContainerShown(
                    id="4f0b8c1d2e3a",
                    name=f"{EXAMPLE_ID}-openclaw-1",
                    service="openclaw",
                    image="ghcr.io/openclaw/openclaw:2026.9.6",
                    state="running",
                    status="Up 3 minutes (healthy)",
                    health="healthy",
                    restarts=0,
                )
            ],
            checks=[
                ReadinessCheckShown(
                    name="port",
                    state=CheckState.PASSED,
                    detail="127.0.0.1:30163",
                    milliseconds=1,
                    next_step="",
                )
            ],
            cause=None,
            obstacles=[],
            operation=EXAMPLE_OPERATION,
        ),
    ),
)
def status_by_script(deployment_id: str) -> DeploymentAnswer:
    """The deployment's status, containers, readiness checks and latest operation, and the reasons
    why the gateway's page would refuse the caller's browser."""
    view = show_deployment(deployment_id, context=app_context())
    checks = checks_of(view, context=app_context())
    cause = diagnose(view, checks, context=app_context())
    return DeploymentAnswer.in_full(
        view, gateway_host(), checks, page_obstacles(view.deployment), cause
    )
