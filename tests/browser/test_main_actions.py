"""Configure, launch and stop by clicking, with JavaScript and without."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.api import API_KEY
from tests.support.browser.fleet import configure, launch
from tests.support.browser.visits import Visits, reconnect_stream
from tests.support.waiting import eventually

with_and_without = pytest.mark.parametrize("javascript", [True, False], ids=["script", "no_script"])


def badge(page: Page) -> Locator:
    return page.locator("#deployment .badge")


def await_status(page: Page, status: str, javascript: bool) -> None:
    """Wait for a status. Without JavaScript, reload the page until it shows the status."""
    if javascript:
        expect(badge(page)).to_have_text(status)
        return

    def seen_after_reload() -> bool:
        page.reload()
        return badge(page).inner_text() == status

    eventually(seen_after_reload, every=0.3)


def press(page: Page, button: Locator, javascript: bool) -> None:
    """Press a button. Without JavaScript, wait for the next page."""
    if javascript:
        button.click()
        return
    with page.expect_navigation():
        button.click()


@with_and_without
def test_a_person_configures_launches_and_stops_by_clicking(
    visits: Visits, javascript: bool
) -> None:
    page = visits.open(javascript=javascript)

    page.goto("/")
    page.get_by_role("link", name="New deployment").click()
    page.get_by_label("OpenRouter API key").fill(API_KEY)
    page.get_by_label("Name").fill("Support bot")
    page.get_by_role("button", name="Configure", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Support bot")
    expect(badge(page)).to_have_text("configured")

    press(page, page.get_by_role("button", name="Launch Support bot"), javascript)
    await_status(page, "running", javascript)
    expect(page.locator("#operation")).to_contain_text("Started")
    expect(page.get_by_role("log", name="Log of the gateway")).to_contain_text("ready")

    press(page, page.get_by_role("button", name="Stop Support bot"), javascript)
    expect(page.get_by_text("docker compose down")).to_be_visible()
    press(page, page.locator(".confirm").get_by_role("button", name="Stop"), javascript)
    await_status(page, "stopped", javascript)
    expect(page.locator("#log")).to_contain_text("Last words")


@with_and_without
def test_one_click_configures_and_launches(visits: Visits, javascript: bool) -> None:
    page = visits.open(javascript=javascript)

    page.goto("/deployments/new")
    page.get_by_label("OpenRouter API key").fill(API_KEY)
    page.get_by_role("button", name="Configure and launch").click()
    expect(page).to_have_url(re.compile("/deployments/[0-9a-f]{10}$"))

    await_status(page, "running", javascript)


@with_and_without
def test_a_launch_from_the_list_stays_on_the_list(visits: Visits, javascript: bool) -> None:
    deployment_id = configure(visits.server)
    page = visits.open(javascript=javascript)
    page.goto("/")

    page.get_by_role("button", name=f"Launch {deployment_id}").click()

    row = page.get_by_role("row", name=deployment_id)
    expect(row.locator(".badge")).to_have_text(re.compile("launching|running"))
    assert page.url == f"{visits.server.url}/"
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_an_unconfirmed_stop_does_nothing(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    launch(visits.server, deployment_id)
    page = visits.open()
    page.goto(f"/deployments/{deployment_id}")
    stop = page.get_by_role("button", name="Stop")

    stop.click()
    dialog = page.get_by_role("dialog", name=f"Stop “{deployment_id}”?")
    expect(dialog).to_be_visible()
    reconnect_stream(page)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(stop).to_be_focused()
    stop.click()
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    reconnect_stream(page)

    expect(badge(page)).to_have_text("running")


def test_the_keyboard_launches_and_keeps_the_focus(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    page = visits.open()
    page.goto(f"/deployments/{deployment_id}")
    button = page.locator("#action")

    reach(page, button, "Tab")
    outline = button.evaluate("each => getComputedStyle(each).outlineStyle")
    page.keyboard.press("Enter")

    assert outline == "solid", "the focus is visible"
    expect(button).to_have_text(re.compile("Stop"))
    expect(button).to_be_focused()
    expect(badge(page)).to_have_text("running")
    expect(button).to_be_focused()


def test_the_first_tab_key_skips_the_header(visits: Visits, page: Page) -> None:
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def double(button: Locator) -> None:
    """Click twice within 5 ms, while the first click's request is under way."""
    button.evaluate("each => { each.click(); setTimeout(() => each.click(), 5); }")


def test_a_double_click_launches_once(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    page = visits.open()
    page.goto(f"/deployments/{deployment_id}")

    double(page.get_by_role("button", name="Launch"))
    expect(badge(page)).to_have_text("running")

    assert visits.requests.count(f"{visits.server.url}/deployments/{deployment_id}/launch") == 1
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_double_click_configures_once(visits: Visits, page: Page) -> None:
    before = len(visits.server.call("GET", "list")[1])
    page.goto("/deployments/new")
    page.get_by_label("OpenRouter API key").fill(API_KEY)

    double(page.get_by_role("button", name="Configure", exact=True))
    expect(badge(page)).to_have_text("configured")

    assert visits.requests.count(f"{visits.server.url}/deployments/new") == 2, "to see, to send"
    assert len(visits.server.call("GET", "list")[1]) == before + 1


def test_back_shows_a_whole_page_after_fragments(visits: Visits, page: Page) -> None:
    configure(visits.server, name="Sales")
    page.goto("/")
    reconnect_stream(page)
    page.get_by_role("link", name="Sales").click()
    expect(badge(page)).to_have_text("configured")
    reconnect_stream(page)
    page.get_by_role("link", name="New deployment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New deployment")

    page.go_back()
    expect(badge(page)).to_have_text("configured")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("row", name="Sales")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def reach(page: Page, wanted: Locator, key: str, at_most: int = 20) -> None:
    """Press a key until something has the focus."""
    has_focus: Callable[[], bool] = lambda: wanted.evaluate(  # noqa: E731
        "each => each === document.activeElement"
    )
    for _ in range(at_most):
        page.keyboard.press(key)
        if has_focus():
            return
    raise AssertionError(f"not reached by {key}")
