"""Renders pages: a content template in the layout, or alone if HTMX sent the request."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import humanize
from flask import Flask, Response, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from markupsafe import Markup

from app.core.diagnosis.causes import Cause
from app.core.errors import UserError
from app.core.operations.layers import percent_of
from app.core.operations.operation import OperationState
from app.core.status.readiness import LABELS
from app.core.status.status import Status
from app.core.time_words import duration
from app.usecases.status.overview import DeploymentView
from app.version import VERSION
from app.web.page.assets import asset_url
from app.web.server.request import own_path, wants_fragment

_NEXT_STEPS = {
    Status.FAILED: "Correct the problem named in its last lines, then launch again.",
    Status.UNHEALTHY: "Look at its log; a restart may help.",
    Status.RESTARTING: "Stop the gateway, correct the problem named in its log, then launch again.",
    Status.INVALID: "Correct the file by hand; this page updates itself.",
    Status.UNKNOWN: "Running gateways keep running. This page updates once the engine answers.",
}


def next_step(view: DeploymentView, cause: Cause | None = None) -> str:
    """Return what to do about a broken deployment; empty if the status's reason says that."""
    operation, status = view.deployment.operation, view.report.status
    if cause and cause.next_step:
        return "" if cause.code == "interrupted" else cause.next_step
    if status is Status.FAILED and operation:
        if operation.state is OperationState.INTERRUPTED:
            return ""
        if operation.next_step:
            return operation.next_step
    if view.gateway and view.gateway.state == "paused":
        return ""
    return _NEXT_STEPS.get(status, "")


def image_version(name: str) -> str:
    """Return an image's version tag, or else its short name and tag, plus 12 digits of a digest."""
    short, _, digest = name.rpartition("/")[2].partition("@sha256:")
    tag = short.partition(":")[2]
    version = tag if tag[:1].isdecimal() else short
    return f"{version}@{digest[:12]}" if digest else version


@dataclass(frozen=True, slots=True)
class Tab:
    """The title and the icon's mark in a browser's tab."""

    title: str
    mark: str = ""

    @classmethod
    def of(cls, title: str, statuses: Iterable[Status]) -> "Tab":
        shown = list(statuses)
        if any(status.is_bad for status in shown):
            return cls(title, "failed")
        return cls(title, "busy" if any(status.moving for status in shown) else "")


def render(page: str, status: int = 200, *, tab: Tab | str, **values: object) -> Response:
    """Respond with `templates/<room>/_<page>.html` in the layout, or without layout for HTMX.

    `tab` is for the browser's tab: a title alone, or a `Tab` that also marks a status.
    """
    return in_frame(render_content(page, **values), tab, status)


def in_frame(content: Markup, tab: Tab | str, status: int = 200) -> Response:
    """Respond with rendered content in the layout, or without layout for HTMX."""
    if not wants_fragment():
        tab = Tab(tab) if isinstance(tab, str) else tab
        content = _rendered("layout.html", content=content, tab=tab)
    return _varying(content, status)


def render_fragment(page: str, **values: object) -> Response:
    """Respond to HTMX with `templates/<room>/_<page>.html`, without layout."""
    return _varying(render_content(page, **values))


def _varying(html: Markup, status: int = 200) -> Response:
    response = make_response(html, status)
    response.vary.add("HX-Request")
    return response


def render_content(page: str, **values: object) -> Markup:
    """Return `templates/<room>/_<page>.html` as HTML."""
    room, _, name = page.rpartition("/")
    return _rendered(f"{room}/_{name}.html", **values)


def _rendered(template: str, **values: object) -> Markup:
    return Markup(render_template(template, **values))  # noqa: S704 - templates escape


def done(words: str, deployment_id: str) -> ResponseReturnValue:
    """Respond to an action: a toast for HTMX, else a redirect to the page of the action's button.

    If the form has no valid `back_to`, redirect to the deployment's page.
    """
    if wants_fragment():
        return "", 204, {"HX-Trigger": json.dumps({"toast": words})}
    flash(words, "done")
    page = url_for("pages.show", deployment_id=deployment_id)
    return redirect(own_path(request.form.get("back_to", ""), page), code=303)


def show_above_form(refusal: UserError) -> None:
    """Show the refusal above the form, which the view renders again with the typed values.

    For HTMX, raise the refusal again: HTMX shows the error and leaves the form unchanged.
    """
    if wants_fragment():
        raise refusal
    flash(refusal.detail, "problem")


def lead_to(page: str) -> ResponseReturnValue:
    """Redirect to another page after an action, with HTMX or without."""
    if wants_fragment():
        return "", 204, {"HX-Redirect": page}
    return redirect(page, code=303)


def init_app(app: Flask) -> None:
    app.jinja_env.filters["duration"] = duration
    app.jinja_env.filters["moment"] = lambda seconds: datetime.fromtimestamp(seconds, UTC)
    app.jinja_env.filters["moment_of"] = datetime.fromisoformat
    app.jinja_env.filters["size"] = humanize.naturalsize
    app.jinja_env.filters["percent"] = percent_of
    app.jinja_env.filters.update(next_step=next_step, image_version=image_version)
    app.jinja_env.globals.update(CHECK_LABELS=LABELS, asset_url=asset_url, VERSION=VERSION)
