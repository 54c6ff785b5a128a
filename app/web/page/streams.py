"""One event stream a page: the parts of it that changed, lines that came, outcomes to tell.

A part is an element with an id, which the page puts in place of the one it has, so what
is sent twice does no harm. Lines are sent once, from where the page says it is. Where a
stream can't be had, the page asks the same address for all of it `once`.
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

# A browser that lost the connection comes back after this.
_RETRY = b"retry: 1000\n\n"
# A page that hears nothing for longer takes the connection for dead.
_STILL_SECONDS = 10.0
# Changes come in bursts: a stop is five events of the engine within milliseconds.
_GATHER_SECONDS = 0.03
# What tells nothing by itself (the ladder of a gateway) is looked at again after this.
LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows now: HTML by element id.

    `rows` stand in a `frame`, which is sent anew with all of them where they are others
    or stand in another order. `told` is what to say aloud, once.
    """

    parts: Mapping[str, str]
    rows: Mapping[str, str] = field(default_factory=dict)
    frame: Callable[[Iterable[str]], str] | None = None
    told: Sequence[str] = ()


def rendered(parts: Iterable[str], context: Mapping[str, Any]) -> dict[str, str]:
    """Return the HTML of parts of `templates/`, by template name."""
    return {part: render_template(f"{part}.html", **context) for part in parts}


class Lines(Protocol):
    """A box of lines that only grows; `position` tells how far the page has it."""

    @property
    def position(self) -> str: ...

    @property
    def pause(self) -> float:
        """Seconds to wait before looking for more, where nothing wakes the viewer."""

    def more(self) -> str:
        """Return the HTML of the lines that came since, or nothing."""

    def close(self) -> None: ...


Boxes = Mapping[str, Lines]


def positions() -> dict[str, str]:
    """Return how far the page has each box: as it was loaded, or since its last event."""
    text = request.headers.get("Last-Event-ID") or request.query_string.decode(errors="replace")
    return {name: values[-1] for name, values in parse_qs(text).items()}


def follow(
    look: Callable[[], Shown],
    boxes: Callable[[Subscriber], Boxes] = lambda _: {},
    seconds: float = LOOK_SECONDS,
) -> Response:
    """Answer with a stream that ends when the reader goes, logs out, or the server stops.

    It looks at each change, and after so many seconds without one. `boxes` is asked after
    each look for the boxes of lines that the page has now.
    Raises TooManyStreams.
    """
    g.following = True
    if "once" in request.args:
        return _once(look, boxes)
    ends = ExitStack()
    subscriber = ends.enter_context(app_context().live_updates.subscription())
    following = _Following(look, boxes, subscriber, seconds)
    events = stream_with_context(following.events())
    response = Response(events, content_type="text/event-stream")
    # A proxy must pass on each event as it comes.
    response.headers.update({"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
    response.call_on_close(ends.close)
    response.call_on_close(following.close)
    return response


def _once(look: Callable[[], Shown], boxes: Callable[[Subscriber], Boxes]) -> Response:
    with closing(_Following(look, boxes, Subscriber(), LOOK_SECONDS)) as following:
        html = [*following.changes(), *following.lines()]
    return Response("\n".join(html), content_type="text/html; charset=utf-8")


class _Following:
    """What one page has been sent."""

    def __init__(
        self,
        look: Callable[[], Shown],
        boxes: Callable[[Subscriber], Boxes],
        subscriber: Subscriber,
        seconds: float,
    ) -> None:
        self._look, self._boxes_of, self._subscriber, self._seconds = (
            look,
            boxes,
            subscriber,
            seconds,
        )
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
                yield _event("\n".join(html + lines), self._where() if lines else "")
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
        """Return the parts that are not as they were sent last, and what to tell."""
        shown = self._look()
        told = [_TOAST.format(text) for text in shown.told]
        before, self._boxes = self._boxes, self._boxes_of(self._subscriber)
        for name, box in before.items():
            if self._boxes.get(name) is not box:
                box.close()
        return [*self._different(shown.parts), *self._rows(shown), *told]

    def lines(self) -> list[str]:
        """Return the lines that came since."""
        came = [(name, box.more(), box.position) for name, box in self._boxes.items()]
        return [
            _LINES.format(name, position, Markup(html))  # noqa: S704 - rendered by a template
            for name, html, position in came
            if html
        ]

    def _rows(self, shown: Shown) -> list[str]:
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

    def _where(self) -> str:
        return urlencode({name: box.position for name, box in self._boxes.items()})

    def _pause(self) -> float:
        return min((box.pause for box in self._boxes.values()), default=self._seconds)


_TOAST = Markup("<hx-toast>{}</hx-toast>")
# `lines` is a way to swap of static/js/logs.js.
_LINES = Markup(
    '<hx-partial hx-target="#{}" hx-swap="lines"><div data-position="{}">{}</div></hx-partial>'
)
_ID = re.compile(r'\bid="([^"]+)"')


def _morph(part: str) -> str:
    """Return a part for HTMX to morph the element of the same id into; each part is one element."""
    identifier = _ID.search(part)
    target = f'hx-target="#{identifier[1]}"' if identifier else ""
    return f'<hx-partial {target} hx-swap="outerMorph">{part}</hx-partial>'


# Three ends of a line are known to a stream, whoever wrote them.
_LINE_END = re.compile("\r\n|\r|\n")


def _event(data: str, identifier: str = "", name: str = "") -> bytes:
    """Return one event; each line of its data stands on a line of its own."""
    head = (f"event: {name}\n" if name else "") + (f"id: {identifier}\n" if identifier else "")
    body = "".join(f"data: {line}\n" for line in _LINE_END.split(data))
    return f"{head}{body}\n".encode()
