"""Times on a page: words that go on by themselves, the viewer's own clock beside them."""

from datetime import UTC, datetime, timedelta

from app.core.time_words import Elapsed, TimeAgo, TimeOfDay, in_words
from tests.support.browser.fleet import Fleet
from tests.support.browser.visits import Visits

NOW = datetime(2026, 11, 24, 12, 3, 40, tzinfo=UTC)
SPANS = (0, 1, 4, 59, 61, 200, 3569, 3571, 5000, 84599, 84601, 2 * 86400, 15 * 86400, 80 * 86400)


def shown(page, html: str) -> list[list[str]]:
    """Return the (text, title) of each time, as the page's script has put them."""
    page.locator("h1").evaluate("(h1, html) => h1.insertAdjacentHTML('beforeend', html)", html)
    page.evaluate("document.dispatchEvent(new CustomEvent('live:parts'))")
    return page.locator("h1 time").evaluate_all("all => all.map(t => [t.textContent, t.title])")


def test_the_page_tells_times_in_the_servers_words_and_the_viewers_zone(
    fleet: Fleet, fleet_visits: Visits
) -> None:
    # The viewer's clock is three hours wrong; the page's `now` is the server's.
    page = fleet_visits.open(timezone_id="Asia/Tokyo", locale="en-US")
    page.clock.install(time=NOW + timedelta(hours=3))
    page.add_init_script(
        "addEventListener('readystatechange', () =>"
        f" document.documentElement.dataset.now = '{NOW.isoformat()}', true)"
    )
    page.goto("/")
    moments = [NOW - timedelta(seconds=span) for span in SPANS]

    html = "".join(
        f'<time datetime="{moment.isoformat()}" data-{kind}></time>'
        for kind in ("ago", "for", "clock")
        for moment in moments
    )
    times = shown(page, html)

    words = [in_words(TimeAgo(moment), NOW) for moment in moments]
    words += [in_words(Elapsed(moment), NOW) for moment in moments]
    assert [text for text, _ in times[: len(words)]] == words
    assert in_words(TimeOfDay(moments[0]), NOW) == "12:03:40 UTC"
    assert times[len(words)] == ["9:03:40 PM", "Nov 24, 2026, 9:03:40 PM GMT+9"]

    page.clock.run_for(5_000)
    text = page.locator("h1 time").first.inner_text()
    assert text == "5 seconds ago"
