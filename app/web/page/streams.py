"""One event stream per page: changed parts, new log lines, and toasts.

A part is one element with an id. The page morphs its element with the same id, so a part may be
sent twice. Lines of a `LineBox` are sent once, starting after the position in the page's request.
A page without a stream polls the same address with `once`; each response has all parts.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode

from flask import Response, g, render_template, stream_with_context
from htmx_flask import request
from markupsafe import Markup

from app.core.errors import UserError
from app.usecases.server.live_updates import Subscriber
from app.web.server.permissions import still_admitted
from app.web.server.request import app_context

# Browsers reconnect after this time.
_RETRY = b"retry: 1000\n\n"
# After so long without an event, send an empty one: static/js/live.js treats a connection that is
# silent for 25 s as lost.
_STILL_SECONDS = 10.0
# How long to collect changes: they occur in bursts. A stop causes five engine events within
# milliseconds.
_GATHER_SECONDS = 0.03
# Render the parts again after this time, because readiness checks publish no change.
REFRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PageParts:
    """The current content of a page: the HTML of its parts by name.

    `rows` are parts inside a `frame`. If rows are added, removed or reordered, the whole frame is
    sent. `toasts` are shown once.
    """

    parts: Mapping[str, str]
    rows: Mapping[str, str] = field(default_factory=dict)
    frame: Callable[[Iterable[str]], str] | None = None
    toasts: Sequence[str] = ()


def render_parts(parts: Iterable[str], context: Mapping[str, Any]) -> dict[str, str]:
    """Return the HTML of parts. Each part is named after its template."""
    return {part: render_template(f"{part}.html", **context) for part in parts}


class LineBox(Protocol):
    """A box to which lines are only appended. `position` is the end of the sent lines."""

    @property
    def position(self) -> str: ...

    @property
    def pause(self) -> float:
        """Seconds until the next check for more lines, unless the subscriber is woken."""

    def more(self) -> str:
        """Return the HTML of new lines, or an empty text."""

    def close(self) -> None: ...


Boxes = Mapping[str, LineBox]


def positions() -> dict[str, str]:
    """Return the position of each box: after the stream's last event, else as in the request."""
    text = request.headers.get("Last-Event-ID") or request.query_string.decode(errors="replace")
    return {name: values[-1] for name, values in parse_qs(text).items()}


def event_stream(
    look: Callable[[], PageParts],
    boxes: Callable[[Subscriber], Boxes] = lambda _: {},
    seconds: float = REFRESH_SECONDS,
) -> Response:
    """Respond with a stream that ends when the reader leaves or logs out, or the server stops.

    `look` is called at each change, and after `seconds` without a change. After each such call,
    `boxes` returns the page's current boxes of lines.
    Raises TooManyStreams.
    """
    g.streaming = True
    if "once" in request.args:
        return _once(look, boxes)
    ends = ExitStack()
    subscriber = ends.enter_context(app_context().live_updates.subscription())
    following = _PageStream(look, boxes, subscriber, seconds)
    events = stream_with_context(following.events())
    response = Response(events, content_type="text/event-stream")
    # Proxies must not buffer events.
    response.headers.update({"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
    response.call_on_close(ends.close)
    response.call_on_close(following.close)
    return response


def _once(look: Callable[[], PageParts], boxes: Callable[[Subscriber], Boxes]) -> Response:
    with closing(_PageStream(look, boxes, Subscriber(), REFRESH_SECONDS)) as following:
        html = [*following.changes(), *following.lines()]
    return Response("\n".join(html), content_type="text/html; charset=utf-8")


class _PageStream:
    """Remembers the parts that one page has received, and sends changed parts and new lines."""

    def __init__(
        self,
        look: Callable[[], PageParts],
        boxes: Callable[[Subscriber], Boxes],
        subscriber: Subscriber,
        seconds: float,
    ) -> None:
        self._look, self._boxes_of = look, boxes
        self._subscriber, self._seconds = subscriber, seconds
        self._boxes: Boxes = {}
        self._sent: dict[str, str] = {}
        self._order: list[str] | None = None

    def events(self) -> Iterator[bytes]:
        yield _RETRY
        looked_at = spoken_at = 0.0
        while not app_context().live_updates.closing:
            now = time.monotonic()
            html: list[str] = []
            if self._subscriber.take_changed() or now - looked_at >= self._seconds:
                looked_at = now
                if not still_admitted():
                    return
                try:
                    html += self.changes()
                except UserError:
                    yield _event("", name="gone")
                    return
            lines = self.lines()
            if html or lines:
                yield _event("\n".join(html + lines), self._positions() if lines else "")
                spoken_at = now
            elif now - spoken_at >= _STILL_SECONDS:
                yield _event("", name="still")
                spoken_at = now
            if self._subscriber.wait(self._pause()):
                time.sleep(_GATHER_SECONDS)

    def close(self) -> None:
        for box in self._boxes.values():
            box.close()

    def changes(self) -> list[str]:
        """Return toasts, and the parts that differ from their last sent HTML."""
        shown = self._look()
        toasts = [_TOAST.format(text) for text in shown.toasts]
        before, self._boxes = self._boxes, self._boxes_of(self._subscriber)
        for name, box in before.items():
            if self._boxes.get(name) is not box:
                box.close()
        return [*self._different(shown.parts), *self._rows(shown), *toasts]

    def lines(self) -> list[str]:
        """Return new lines."""
        came = [(name, box.more(), box.position) for name, box in self._boxes.items()]
        return [
            _LINES.format(name, position, Markup(html))  # noqa: S704 - rendered by a template
            for name, html, position in came
            if html
        ]

    def _rows(self, shown: PageParts) -> list[str]:
        order = list(shown.rows)
        if shown.frame is None or order == self._order:
            return self._different(shown.rows)
        self._order = order
        self._sent.update(shown.rows)
        return [_morph(shown.frame(shown.rows.values()))]

    def _different(self, parts: Mapping[str, str]) -> list[str]:
        different = [_morph(html) for name, html in parts.items() if self._sent.get(name) != html]
        self._sent.update(parts)
        return different

    def _positions(self) -> str:
        return urlencode({name: box.position for name, box in self._boxes.items()})

    def _pause(self) -> float:
        return min((box.pause for box in self._boxes.values()), default=self._seconds)


_TOAST = Markup("<hx-toast>{}</hx-toast>")
# `lines` is a swap style of static/js/logs.js.
_LINES = Markup(
    '<hx-partial hx-target="#{}" hx-swap="lines"><div data-position="{}">{}</div></hx-partial>'
)
_ID = re.compile(r'\bid="([^"]+)"')


def _morph(part: str) -> str:
    """Wrap a part's element so that HTMX morphs the page's element with the same id."""
    identifier = _ID.search(part)
    target = f'hx-target="#{identifier[1]}"' if identifier else ""
    return f'<hx-partial {target} hx-swap="outerMorph">{part}</hx-partial>'


# Event streams have three kinds of line ends, and rendered text may contain any of them.
_LINE_END = re.compile("\r\n|\r|\n")


def _event(data: str, identifier: str = "", name: str = "") -> bytes:
    """Return one event. Each line of `data` becomes a field of its own."""
    head = (f"event: {name}\n" if name else "") + (f"id: {identifier}\n" if identifier else "")
    body = "".join(f"data: {line}\n" for line in _LINE_END.split(data))
    return f"{head}{body}\n".encode()
