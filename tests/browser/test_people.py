"""Users are managed on the page People."""

from playwright.sync_api import Browser, Page, expect

from tests.support.browser.visits import Visits
from tests.support.server import Server

PASSWORD = "correct horse battery"


def add_user(page: Page, name: str) -> None:
    page.get_by_label("Add a user").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Add", exact=True).click()


def test_removing_a_user_asks_first_and_shows_the_whole_page(
    server: Server, chromium: Browser
) -> None:
    visits = Visits(chromium, server.start())
    page = visits.open()
    page.goto("/people")
    add_user(page, "ana")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto("/people")
    add_user(page, "bob")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))

    page.get_by_role("listitem").filter(has_text="bob").get_by_role("button").click()

    expect(page.get_by_text("bob was removed.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="bob")).to_have_count(0)
    assert asked == ["Remove bob?"]
    visits.end()
