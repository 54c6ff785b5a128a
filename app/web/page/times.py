"""Times on a page: words that the script keeps true, and the exact time in the title."""

from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Flask, g
from markupsafe import Markup, escape

from app.core.time_words import Elapsed, SentencePart, TimeAgo, TimeOfDay, in_words, spell, took

# What static/js/times.js looks for.
_KINDS = {TimeAgo: "ago", Elapsed: "for", TimeOfDay: "clock"}
_TAG = Markup('<time datetime="{}" title="{}" data-{}>{}</time>')


def tag(part: TimeAgo | Elapsed | TimeOfDay) -> Markup:
    """Return a moment as an element; without a script its words stay as rendered."""
    moment = part.moment.astimezone(UTC)
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    # Parts of a stream must not differ only because time passed; the script writes the words.
    words = exact if g.get("streaming") else in_words(part, datetime.now(UTC))
    return _TAG.format(moment.isoformat(timespec="seconds"), exact, _KINDS[type(part)], words)


def with_times(parts: Iterable[SentencePart]) -> Markup:
    """Return a sentence with its moments as elements."""
    return Markup("").join(escape(each) if isinstance(each, str) else tag(each) for each in parts)


def reading(parts: Iterable[SentencePart]) -> str:
    """Return the words as they read now; empty in a stream, where the script writes them."""
    return "" if g.get("streaming") else spell(parts, datetime.now(UTC))


def after(time: str, start: datetime) -> str:
    """Return the time between `start` and a log line as `1:05`; empty if a time is malformed."""
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
