"""Live updates keep the reader's focus, scroll position, selection and revealed token."""

import re

import docker
from playwright.sync_api import Page, expect

from tests.support.browser.fleet import configure, launch
from tests.support.browser.visits import Visits, reconnect_stream


def test_badges_update_after_a_manual_docker_stop(visits: Visits, engine: docker.APIClient) -> None:
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


def test_focus_stays_on_its_row_when_rows_are_added(visits: Visits, page: Page) -> None:
    configure(visits.server, name="Biology")
    page.goto("/")
    link = page.get_by_role("link", name="Biology")
    link.focus()

    configure(visits.server, name="Accounting")

    expect(page.get_by_role("link", name="Accounting")).to_be_visible()
    expect(link).to_be_focused()


def test_a_revealed_token_stays_through_live_updates(visits: Visits, page: Page) -> None:
    deployment_id = configure(visits.server)
    page.goto(f"/deployments/{deployment_id}")
    asked = {"deployment_id": deployment_id, "field": "openclaw_gateway_token"}
    token = visits.server.call("POST", "reveal", asked)[1]["value"]
    assert token not in page.content()

    page.get_by_role("button", name="Reveal the token").click()
    expect(page.locator("#revealed")).to_have_text(token)
    expect(page.get_by_role("button", name="Copy the token")).to_be_focused()
    reconnect_stream(page)
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("#deployment .badge")).to_have_text("running")

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

    expect(page.locator("#announcement")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#ws-url").inner_text()
    assert copied.startswith("ws://127.0.0.1:")


def test_without_a_clipboard_api_the_text_is_selected(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    page = visits.open()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(f"/deployments/{deployment_id}")

    page.get_by_role("button", name="Copy the WebSocket address").click()

    expect(page.locator("#announcement")).to_have_text(re.compile("Copied|Press Ctrl"))
    assert page.evaluate("getSelection().toString()") == page.locator("#ws-url").inner_text()
