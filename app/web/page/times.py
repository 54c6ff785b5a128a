"""Times on a page: relative times that a script updates, with the exact time in the title."""

from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Flask, g
from markupsafe import Markup, escape

from app.core.time_words import Elapsed, SentencePart, TimeAgo, TimeOfDay, in_words, spell, took

# Attributes that static/js/times.js reads.
_KINDS = {TimeAgo: "ago", Elapsed: "for", TimeOfDay: "clock"}
_TAG = Markup('<time datetime="{}" title="{}" data-{}>{}</time>')


def tag(part: TimeAgo | Elapsed | TimeOfDay) -> Markup:
    """Return a time as an element. Without a script, its rendered text does not change."""
    moment = part.moment.astimezone(UTC)
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    # Passing time alone must not change a stream's parts. The page's script writes the text.
    words = exact if g.get("streaming") else in_words(part, datetime.now(UTC))
    return _TAG.format(moment.isoformat(timespec="seconds"), exact, _KINDS[type(part)], words)


def with_times(parts: Iterable[SentencePart]) -> Markup:
    """Return a sentence as HTML, with its times as elements."""
    return Markup("").join(escape(each) if isinstance(each, str) else tag(each) for each in parts)


def reading(parts: Iterable[SentencePart]) -> str:
    """Return the current text of a sentence; empty in a stream, where a script writes times."""
    return "" if g.get("streaming") else spell(parts, datetime.now(UTC))


def after(time: str, start: datetime) -> str:
    """Return the time from `start` to a log line's `time` as `1:05`; empty if malformed."""
    try:
        seconds = int((datetime.fromisoformat(time) - start).total_seconds())
    except (ValueError, TypeError):
        return ""
    return f"{max(seconds, 0) // 60}:{max(seconds, 0) % 60:02d}"


def init_app(app: Flask) -> None:
    app.jinja_env.filters["with_times"] = with_times
    app.jinja_env.globals["now"] = lambda: datetime.now(UTC).isoformat(timespec="milliseconds")
    app.jinja_env.filters["when"] = lambda moment: tag(TimeAgo(moment))
    app.jinja_env.filters.update(after=after, took=took)
    app.jinja_env.filters["lasting"] = lambda moment: tag(Elapsed(moment))
