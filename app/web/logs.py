"""Logs: a page, a part of each deployment's page, downloads, and the API call."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID
from app.core.errors import EngineError
from app.core.logs.lines import Level, LogFilter, LogLine, LogNotice, Stream
from app.core.logs.query import LAST, LEVELS, STREAMS, LogSelection, parse_since
from app.core.people import Permission
from app.usecases.logs.answers import LogsAnswer
from app.usecases.logs.follow import LogTail
from app.usecases.logs.logs import (
    DEFAULT_TAIL,
    LARGEST_TAIL,
    LogRequest,
    Logs,
    as_text,
    previous_last_words,
    read_ended_log,
    read_logs,
    stream_logs,
)
from app.usecases.server.live_updates import Subscriber
from app.usecases.status.overview import DeploymentView, show_deployment
from app.web.api.calls import ENGINE, CallTag, Example, call
from app.web.api.shapes import CallQuery
from app.web.page.rendering import Tab, render
from app.web.page.streams import Boxes, PageParts, event_stream, positions, render_parts
from app.web.server.permissions import needs
from app.web.server.request import app_context, wants_fragment
from app.web.server.sharing import shared

bp = Blueprint("logs", __name__)
api_bp = Blueprint("logs_api", __name__, url_prefix="/api/deploy")

# The id of the element that holds the lines. The stream uses the id as the box's name.
BOX = "log-lines"
_PARTS = ("status/_title", "status/_icon", "logs/_head", "logs/_state")
# As long as the page's engine snapshot is kept. The page's stream continues where this log ends.
_KEPT_SECONDS = 1.0
_PORTION_LINES = 500


@bp.get("/deployments/<deployment_id>/logs")
@needs(Permission.VIEW)
def show(deployment_id: str) -> ResponseReturnValue:
    view = show_deployment(deployment_id, context=app_context())
    choice = LogSelection.read(request.args)
    response = render("logs/show", **_context(view), **logs_context(view, choice))
    if wants_fragment():
        address = url_for(".show", deployment_id=view.deployment.id, **choice.arguments)
        response.headers["HX-Push-Url"] = address
    return response


@bp.get("/deployments/<deployment_id>/logs/stream")
@needs(Permission.VIEW)
def stream(deployment_id: str) -> ResponseReturnValue:
    """Stream new lines of the log, with the page's own filter."""
    show_deployment(deployment_id, context=app_context())
    choice = LogSelection.read(request.args)
    box = LogBox(choice)

    def look() -> PageParts:
        view = show_deployment(deployment_id, context=app_context())
        box.update(view)
        context = {**_context(view), **state_context(view, choice)}
        return PageParts(render_parts(_PARTS, context))

    return event_stream(look, box.boxes)


@bp.get("/deployments/<deployment_id>/logs.txt")
@needs(Permission.VIEW)
def download(deployment_id: str) -> ResponseReturnValue:
    """Send all lines that match the filter, with no limit: each line is sent as it is read."""
    view = show_deployment(deployment_id, context=app_context())
    choice = LogSelection.read(request.args)
    now = datetime.now(UTC)
    asked = LogRequest(None, None if choice.before else choice.since(now), choice.wanted)
    lines: Iterable[LogLine] = (
        read_ended_log(view, asked, context=app_context()).lines
        if choice.before
        else stream_logs(view, asked, context=app_context())
    )
    name = f"{view.deployment.id}-{now:%Y-%m-%dT%H%M%SZ}.log"
    response = Response(
        stream_with_context(_portions(lines)), content_type="text/plain; charset=utf-8"
    )
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _portions(lines: Iterable[LogLine]) -> Iterator[bytes]:
    """Yield lines in portions, because each portion costs the server one write."""
    portion: list[str] = []
    try:
        for line in lines:
            portion.append(as_text(line))
            if len(portion) == _PORTION_LINES:
                yield "".join(portion).encode()
                portion.clear()
    except EngineError as error:
        portion.append(f"{error.detail} The lines after this one are missing.\n")
    yield "".join(portion).encode()


def _context(view: DeploymentView) -> dict[str, Any]:
    deployment = view.deployment
    title = f"Log of {deployment.label}"
    return {"view": view, "tab": Tab.of(title, [view.report.status])}


def logs_context(view: DeploymentView, choice: LogSelection) -> dict[str, Any]:
    """Return the context of `_log.html`, without lines if the engine does not answer."""
    try:
        logs = _read(view, choice)
    except EngineError:
        logs = Logs()  # `_state.html` shows the reason.
    return {
        "words": previous_last_words(view, context=app_context()),
        "choice": choice,
        "lines": logs.lines,
        "position": logs.position,
        "LAST": LAST,
        "LEVELS": LEVELS,
        "STREAMS": STREAMS,
    }


def state_context(view: DeploymentView, choice: LogSelection) -> dict[str, Any]:
    """Return the context of `_state.html`."""
    needed = choice.before or view.gateway is None
    words = previous_last_words(view, context=app_context()) if needed else None
    return {"view": view, "choice": choice, "words": words}


def _read(view: DeploymentView, choice: LogSelection) -> Logs:
    """Read the log once for all readers who load the page in the same second.

    A log is read again for each engine snapshot: the status on a page is never newer than the log.
    """
    deployment, snapshot = view.deployment, app_context().snapshots.latest
    return shared(
        ("log", deployment.id, choice),
        lambda: _read_now(view, choice),
        seconds=_KEPT_SECONDS,
        version=(deployment.secrets, snapshot and snapshot.taken_at),
    )


def _read_now(view: DeploymentView, choice: LogSelection) -> Logs:
    asked = LogRequest(choice.tail, choice.since(datetime.now(UTC)), choice.wanted)
    read = read_ended_log if choice.before else read_logs
    return read(view, asked, context=app_context())


@lru_cache(8192)
def _line(line: LogLine | LogNotice) -> str:
    """Return the HTML of a line. All readers of the same log share the cache."""
    return render_template("logs/_lines.html", lines=[line])


class LogBox:
    """The box of log lines on one page, for the page's stream."""

    def __init__(self, choice: LogSelection) -> None:
        self._choice = choice
        self._view: DeploymentView | None = None
        self._tail: LogTail | None = None
        # A page without a stream polls: each answer has the lines that exist now, and ends.
        self._once = "once" in request.args

    def update(self, view: DeploymentView) -> None:
        """Remember the deployment's current view."""
        self._view = view

    def boxes(self, subscriber: Subscriber) -> Boxes:
        if self._choice.before:
            return {}
        if self._tail is None:
            position = positions().get(BOX, "")
            self._tail = LogTail(self._choice.wanted, position, subscriber.wake, app_context())
        if self._view:
            self._tail.update(self._view)
        return {BOX: self}

    @property
    def position(self) -> str:
        return self._tail.position if self._tail else ""

    @property
    def pause(self) -> float:
        assert self._tail
        return self._tail.pause

    def more(self) -> str:
        assert self._tail
        return "".join(map(_line, self._tail.more(await_existing=self._once)))

    def close(self) -> None:
        if self._tail:
            self._tail.close()


class LogQuery(CallQuery):
    """Selects lines of a log."""

    tail: int = Field(
        DEFAULT_TAIL, ge=1, le=LARGEST_TAIL, description="How many of the last lines to return."
    )
    since: str = Field(
        "", description="Only lines since 10m ago, seconds since 1970, or an RFC 3339 time."
    )
    level: Level = Field(Level.NONE, description="Only lines of this level or a more serious one.")
    stream: Stream | None = Field(None, description="Only lines of this stream.")
    text: str = Field("", description="Only lines that contain this text.")


@api_bp.get("/logs/<deployment_id>")
@needs(Permission.VIEW)
@call(
    CallTag.LOGS,
    "Read the log of a gateway",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        query={"tail": 20},
        answer=LogsAnswer(
            deployment_id=EXAMPLE_ID,
            logs="2026-11-24T06:00:00.000Z [gateway] listening on ws://0.0.0.0:18789\n",
            last_words=None,
        ),
    ),
    errors=ENGINE,
    media=("text/plain",),
)
def logs(deployment_id: str, query: LogQuery) -> LogsAnswer | Response:
    """Secrets are masked. After a stop, the answer has the last words and their time. The log of a
    deployment that was never launched is empty. `Accept: text/plain` gets plain text."""
    view = show_deployment(deployment_id, context=app_context())
    since = parse_since(query.since, datetime.now(UTC)) if query.since else None
    asked = LogRequest(query.tail, since, LogFilter(query.level, query.stream, query.text))
    found = read_logs(view, asked, context=app_context())
    if request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain":
        return Response(found.text, content_type="text/plain; charset=utf-8")
    return LogsAnswer.of(found, deployment_id=view.deployment.id)
