"""Times on a page: words that a script keeps true, the exact moment beside them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Flask, g
from markupsafe import Markup, escape

from app.core.time_words import Elapsed, SentencePart, TimeAgo, TimeOfDay, in_words, spell, took

# What static/js/times.js looks for.
_KINDS = {TimeAgo: "ago", Elapsed: "for", TimeOfDay: "clock"}
_TAG = Markup('<time datetime="{}" title="{}" data-{}>{}</time>')


def tag(part: TimeAgo | Elapsed | TimeOfDay) -> Markup:
    """Return a moment as an element; without a script it says what held when it was made."""
    moment = part.moment.astimezone(UTC)
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    # A page that follows keeps the words itself: what it is sent must not differ by them.
    words = exact if g.get("following") else in_words(part, datetime.now(UTC))
    return _TAG.format(moment.isoformat(timespec="seconds"), exact, _KINDS[type(part)], words)


def told(parts: Iterable[SentencePart]) -> Markup:
    """Return a sentence with its moments as elements."""
    return Markup("").join(escape(each) if isinstance(each, str) else tag(each) for each in parts)


def reading(parts: Iterable[SentencePart]) -> str:
    """Return what `told` would make of its moments' words now; nothing where a page keeps them."""
    return "" if g.get("following") else spell(parts, datetime.now(UTC))


def after(time: str, start: datetime) -> str:
    """Return how long after `start` the line of a log was written, as `1:05`."""
    try:
        seconds = int((datetime.fromisoformat(time) - start).total_seconds())
    except (ValueError, TypeError):
        return ""
    return f"{max(seconds, 0) // 60}:{max(seconds, 0) % 60:02d}"


def init_app(app: Flask) -> None:
    app.jinja_env.filters["told"] = told
    app.jinja_env.globals["now"] = lambda: datetime.now(UTC).isoformat(timespec="milliseconds")
    app.jinja_env.filters["when"] = lambda moment: tag(TimeAgo(moment))
    app.jinja_env.filters.update(after=after, took=took)
    app.jinja_env.filters["lasting"] = lambda moment: tag(Elapsed(moment))
