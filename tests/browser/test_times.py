"""Times on a page: relative times are updated, and titles use the viewer's time zone."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page

from tests.support.browser.fleet import Fleet
from tests.support.browser.visits import Visits

NOW = datetime(2026, 11, 24, 12, 3, 40, tzinfo=UTC)
DAY = 86400
SPANS = {
    1: "1 second",
    4: "4 seconds",
    59: "59 seconds",
    61: "1 minute",
    200: "3 minutes",
    3569: "59 minutes",
    3599: "59 minutes",
    3600: "1 hour",
    5000: "1 hour",
    DAY - 1: "23 hours",
    DAY: "1 day",
    2 * DAY: "2 days",
    15 * DAY: "15 days",
    80 * DAY: "2 months",
    364 * DAY: "11 months",
    800 * DAY: "2 years",
}


def shown(page: Page, html: str) -> list[list[str]]:
    """Return the (text, title) that the page's script has set for each time."""
    page.locator("h1").evaluate("(h1, html) => h1.insertAdjacentHTML('beforeend', html)", html)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    times = page.locator("h1 time").evaluate_all("all => all.map(t => [t.textContent, t.title])")
    return list(times)


def test_the_page_keeps_times_true_in_words_and_in_the_viewers_zone(
    fleet: Fleet, fleet_visits: Visits
) -> None:
    # The viewer's clock is three hours wrong. The page's `now` is the server's time.
    page = fleet_visits.open(timezone_id="Asia/Tokyo", locale="en-US")
    page.clock.install(time=NOW + timedelta(hours=3))
    page.add_init_script(
        "addEventListener('readystatechange', () =>"
        f" document.documentElement.dataset.now = '{NOW.isoformat()}', true)"
    )
    page.goto("/")
    moments = [NOW - timedelta(seconds=span) for span in (0, -60, *SPANS)]

    html = "".join(
        f'<time datetime="{moment.isoformat()}" data-{kind}></time>'
        for kind in ("ago", "for", "clock")
        for moment in moments
    )
    times = shown(page, html)

    spans = list(SPANS.values())
    words = ["just now", "just now", *(f"{each} ago" for each in spans)]
    words += ["0 seconds", "0 seconds", *spans]
    assert [text for text, _ in times[: len(words)]] == words
    assert times[len(words)] == ["9:03:40 PM", "Nov 24, 2026, 9:03:40 PM GMT+9"]

    page.clock.run_for(5_000)
    text = page.locator("h1 time").first.inner_text()
    assert text == "5 seconds ago"


def test_a_viewer_of_another_language_reads_english_times(
    fleet: Fleet, fleet_visits: Visits
) -> None:
    page = fleet_visits.open(locale="de-DE")
    page.goto("/")

    moment = (datetime.now(UTC) - timedelta(hours=2, minutes=10)).isoformat()

    assert shown(page, f'<time datetime="{moment}" data-ago></time>')[0][0] == "2 hours ago"
