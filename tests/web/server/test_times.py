"""Times on a page are shown in words, with the exact time. Foreign text is escaped."""

from datetime import UTC, datetime, timedelta

from flask import g

from app.core.time_words import TimeAgo
from app.web.page.times import tag, with_times
from tests.support.api import Api

MOMENT = datetime.now(UTC) - timedelta(hours=2)
EXACT = MOMENT.strftime("%Y-%m-%d %H:%M:%S UTC")


def test_a_time_is_shown_in_words_with_the_exact_time(api: Api) -> None:
    with api.app.test_request_context():
        html = tag(TimeAgo(MOMENT))

    assert html.startswith("<time ")
    assert f'title="{EXACT}"' in html
    assert "data-ago>2 hours ago</time>" in html


def test_a_stream_sends_nothing_only_because_time_passes(api: Api) -> None:
    with api.app.test_request_context():
        g.streaming = True

        assert f">{EXACT}</time>" in tag(TimeAgo(MOMENT))


def test_foreign_text_is_escaped(api: Api) -> None:
    with api.app.test_request_context():
        html = with_times(("<b>exited</b> & gone, ", TimeAgo(MOMENT)))

    assert html.startswith("&lt;b&gt;exited&lt;/b&gt; &amp; gone, <time ")
