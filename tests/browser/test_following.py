"""A page that follows along takes nothing from its reader: focus, place, selection, a token."""

import re

import docker
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fleet import configure, folder_of, launch
from tests.browser.visits import Visits, follow_again
from tests.server import Server
from tests.waiting import eventually

_FROM_END = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
_TOP = "each => each.getBoundingClientRect().top"


def test_badges_change_by_themselves_after_a_docker_stop_by_hand(
    visits: Visits, engine: docker.APIClient
) -> None:
    deployment_id = configure(visits.server, name="Sales")
    launch(visits.server, deployment_id)
    in_list, alone = visits.open(), visits.open()
    in_list.goto("/")
    alone.goto(f"/deployments/{deployment_id}")
    row = in_list.get_by_role("row", name="Sales")
    expect(row.locator(".badge")).to_have_text("running")

    engine.stop(f"{deployment_id}-openclaw-1", timeout=2)

    expect(row.locator(".badge")).to_have_text("stopped")
    expect(row).to_contain_text("stopped outside Deploy Agent")
    expect(row.get_by_role("button")).to_have_text(re.compile("Launch"))
    expect(alone.get_by_role("status").locator(".badge")).to_have_text("stopped")


def test_focus_stays_on_its_row_when_others_come(visits: Visits, page: Page) -> None:
    configure(visits.server, name="Biology")
    page.goto("/")
    link = page.get_by_role("link", name="Biology")
    link.focus()

    configure(visits.server, name="Accounting")

    expect(page.get_by_role("link", name="Accounting")).to_be_visible()
    expect(link).to_be_focused()


@pytest.fixture(scope="module")
def flooded(shared_server: Server) -> str:
    """A deployment whose log goes on at 60 lines a second."""
    deployment_id = configure(shared_server)
    (folder_of(shared_server, deployment_id) / "config" / "standin-fault").write_text("flood:60")
    launch(shared_server, deployment_id)
    return deployment_id


def full_log(page: Page, deployment_id: str) -> Locator:
    page.goto(f"/deployments/{deployment_id}")
    box = page.get_by_role("log", name="Log of the gateway")
    expect(box.locator("div")).to_have_count(200)
    return box


def test_a_log_stays_at_its_end(page: Page, flooded: str) -> None:
    box = full_log(page, flooded)
    before = box.locator("div").last.inner_text()

    follow_again(page)

    assert box.locator("div").last.inner_text() != before
    assert box.evaluate(_FROM_END) < 8


def test_a_reader_who_scrolled_up_keeps_lines_and_selection(page: Page, flooded: str) -> None:
    box = full_log(page, flooded)
    box.evaluate("box => box.scrollBy(0, -200)")
    eventually(lambda: box.evaluate(_FROM_END) > 190)
    line = box.locator(f"[id='{box.locator('div').nth(185).get_attribute('id')}']")
    box.focus()
    line.evaluate("each => getSelection().selectAllChildren(each)")
    text = line.inner_text()
    place, first = line.evaluate(_TOP), box.locator("div").first.inner_text()

    follow_again(page)

    assert box.locator("div").first.inner_text() != first, "older lines went away above"
    assert abs(line.evaluate(_TOP) - place) < 3
    assert text in page.evaluate("getSelection().toString()")
    expect(box).to_be_focused()


def test_a_revealed_token_stays_while_the_page_follows(visits: Visits, page: Page) -> None:
    deployment_id = configure(visits.server)
    page.goto(f"/deployments/{deployment_id}")
    asked = {"deployment_id": deployment_id, "field": "openclaw_gateway_token"}
    token = visits.server.call("POST", "reveal", asked)[1]["value"]
    assert token not in page.content()

    page.get_by_role("button", name="Reveal the token").click()
    expect(page.locator("#revealed")).to_have_text(token)
    expect(page.get_by_role("button", name="Copy the token")).to_be_focused()
    follow_again(page)
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#deployment .badge")).to_have_text("running", timeout=20_000)

    expect(page.locator("#revealed")).to_have_text(token)
    link = page.get_by_role("link", name="Open with this token")
    expect(link).to_have_attribute("href", re.compile(f"#token={token}$"))


def test_a_token_is_revealed_without_a_script_too(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    asked = {"deployment_id": deployment_id, "field": "openclaw_gateway_token"}
    token = visits.server.call("POST", "reveal", asked)[1]["value"]
    page = visits.open(javascript=False)

    page.goto(f"/deployments/{deployment_id}")
    page.get_by_role("button", name="Reveal the token").click()

    expect(page.get_by_text(token, exact=True)).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_copy_puts_the_address_on_the_clipboard_and_says_so(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    page = visits.open(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/deployments/{deployment_id}")

    page.get_by_role("button", name="Copy the WebSocket address").click()

    expect(page.locator("#told")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#ws-url").inner_text()
    assert copied.startswith("ws://127.0.0.1:")


def test_where_the_browser_keeps_its_clipboard_the_text_is_selected(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    page = visits.open()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(f"/deployments/{deployment_id}")

    page.get_by_role("button", name="Copy the WebSocket address").click()

    expect(page.locator("#told")).to_have_text(re.compile("Copied|Press Ctrl"))
    assert page.evaluate("getSelection().toString()") == page.locator("#ws-url").inner_text()
