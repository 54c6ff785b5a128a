"""Logs: a page of their own, their part of a deployment's page, downloads, the API's call."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.errors import EngineError, InputRejected
from app.core.log_choice import LAST, LEVELS, STREAMS, LogChoice, parse_since
from app.core.log_lines import Level, LogFilter, LogLine, Stream
from app.core.people import Permission
from app.usecases.changes import Viewer
from app.usecases.follow_logs import LogTail, follow_logs
from app.usecases.logs import (
    DEFAULT_TAIL,
    LARGEST_TAIL,
    Logs,
    as_text,
    last_words_of,
    read_logs,
    read_words,
    stream_logs,
)
from app.usecases.overview import Card, show_deployment
from app.web.access import needs
from app.web.calls import number_in
from app.web.rendering import Tab, render
from app.web.request import wants_fragment, world
from app.web.streams import Boxes, Shown, follow, positions, rendered

bp = Blueprint("logs", __name__)
api_bp = Blueprint("logs_api", __name__, url_prefix="/api/deploy")

# The element that holds the lines, and its name in a stream.
BOX = "log-lines"
Choice = TypeVar("Choice", Level, Stream)
_PARTS = ("_tab", "_log_head", "_log_state")


@bp.get("/deployments/<deployment_id>/logs")
@needs(Permission.VIEW)
def show(deployment_id: str) -> ResponseReturnValue:
    card = show_deployment(parse_id(deployment_id), world=world())
    choice = LogChoice.read(request.args)
    response = render("deployments/logs", **_context(card), **logs_context(card, choice))
    if wants_fragment():
        address = url_for(".show", deployment_id=card.deployment.id, **choice.arguments)
        response.headers["HX-Push-Url"] = address
    return response


@bp.get("/deployments/<deployment_id>/logs/stream")
@needs(Permission.VIEW)
def stream(deployment_id: str) -> ResponseReturnValue:
    """Send what comes to the log that the same arguments of the page show."""
    show_deployment(parse_id(deployment_id), world=world())
    choice = LogChoice.read(request.args)
    box = LogBox(choice)

    def look() -> Shown:
        card = show_deployment(deployment_id, world=world())
        box.see(card)
        context = {**_context(card), **state_context(card, choice)}
        return Shown(rendered(_PARTS, context))

    return follow(look, box.boxes)


@bp.get("/deployments/<deployment_id>/logs.txt")
@needs(Permission.VIEW)
def download(deployment_id: str) -> ResponseReturnValue:
    """Send all lines, or those that are wanted, as they are read: however many there are."""
    card = show_deployment(parse_id(deployment_id), world=world())
    choice = LogChoice.read(request.args)
    now = datetime.now(UTC)
    lines: Iterable[LogLine]
    if choice.before:
        lines = read_words(card, tail=None, wanted=choice.wanted, world=world()).lines
    else:
        lines = stream_logs(card, since=choice.since(now), wanted=choice.wanted, world=world())
    name = f"{card.deployment.id}-{now:%Y-%m-%dT%H%M%SZ}.log"
    response = Response(
        stream_with_context(_portions(lines)),
        content_type="text/plain; charset=utf-8",
    )
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _portions(lines: Iterable[LogLine], size: int = 500) -> Iterator[bytes]:
    """Give lines in portions: each costs the server a write."""
    portion: list[str] = []
    try:
        for line in lines:
            portion.append(as_text(line))
            if len(portion) == size:
                yield "".join(portion).encode()
                portion.clear()
    except EngineError as error:
        portion.append(f"{error.detail} The lines after this one are missing.\n")
    yield "".join(portion).encode()


def _context(card: Card) -> dict[str, Any]:
    deployment = card.deployment
    title = f"Log of {deployment.name or deployment.id}"
    return {"card": card, "tab": Tab.of(title, [card.verdict.status])}


def logs_context(card: Card, choice: LogChoice) -> dict[str, Any]:
    """Return what `_logs.html` needs; the page is shown also where there is no log to be had."""
    try:
        logs = _read(card, choice)
    except EngineError:
        logs = Logs()  # `_log_state.html` says why.
    return {
        "words": last_words_of(card, world=world()),
        "choice": choice,
        "lines": logs.lines,
        "position": logs.position,
        "LAST": LAST,
        "LEVELS": LEVELS,
        "STREAMS": STREAMS,
    }


def state_context(card: Card, choice: LogChoice) -> dict[str, Any]:
    """Return what `_log_state.html` needs."""
    needed = choice.before or card.gateway is None
    words = last_words_of(card, world=world()) if needed else None
    return {"card": card, "choice": choice, "words": words}


def _read(card: Card, choice: LogChoice) -> Logs:
    since = choice.since(datetime.now(UTC))
    read = read_words if choice.before else read_logs
    return read(card, tail=choice.tail, since=since, wanted=choice.wanted, world=world())


class LogBox:
    """The box of lines of one page, as its stream asks for it."""

    def __init__(self, choice: LogChoice) -> None:
        self._choice = choice
        self._card: Card | None = None
        self._tail: LogTail | None = None
        # A page that asks once gets what came by then, not what comes.
        self._once = "once" in request.args

    def see(self, card: Card) -> None:
        """Be told of the deployment at each look."""
        self._card = card

    def boxes(self, viewer: Viewer) -> Boxes:
        if self._choice.before:
            return {}
        if self._tail is None:
            position = positions().get(BOX, "")
            self._tail = follow_logs(self._choice.wanted, position, viewer.wake, world=world())
        if self._card:
            self._tail.see(self._card)
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
        lines = self._tail.more(patient=self._once)
        return render_template("deployments/_log_lines.html", lines=lines) if lines else ""

    def close(self) -> None:
        if self._tail:
            self._tail.close()


@api_bp.get("/logs/<deployment_id>")
@needs(Permission.VIEW)
def logs(deployment_id: str) -> ResponseReturnValue:
    card = show_deployment(parse_id(deployment_id), world=world())
    tail = number_in("tail", DEFAULT_TAIL, LARGEST_TAIL)
    found = read_logs(card, tail=tail, since=_since(), wanted=_wanted(), world=world())
    if request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain":
        return Response(found.text, content_type="text/plain; charset=utf-8")
    words = found.last_words
    return jsonify(
        ok=True,
        deployment_id=card.deployment.id,
        logs=found.text,
        last_words={"at": words.at, "exit_code": words.exit_code} if words else None,
    )


def _wanted() -> LogFilter:
    return LogFilter(
        _one_of(Level, "level") or Level.NONE,
        _one_of(Stream, "stream"),
        request.args.get("text", ""),
    )


def _one_of(kind: type[Choice], name: str) -> Choice | None:
    text = request.args.get(name, "")
    if text and text not in list(kind):
        known = ", ".join(filter(None, kind))
        raise InputRejected({name: f"must be one of {known}"})
    return kind(text) if text else None


def _since() -> datetime | None:
    text = request.args.get("since")
    return None if text is None else parse_since(text, datetime.now(UTC))
