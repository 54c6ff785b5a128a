"""A deployment is edited on its page: change, preview, apply."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser.fleet import configure
from tests.support.browser.visits import Visits
from tests.support.server import free_port

BOT = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw4"


def test_a_deployment_is_edited_previewed_and_applied(visits: Visits, page: Page) -> None:
    deployment_id = configure(visits.server, name="Sales", telegram_bot_token=BOT)
    assert visits.server.call("POST", "launch", {"deployment_id": deployment_id})[0] == 200
    page.goto(f"/deployments/{deployment_id}")
    page.get_by_role("link", name="Edit the configuration").click()
    expect(page).to_have_title(re.compile("^Edit Sales"))
    name, port = page.get_by_label("Name"), str(free_port())
    preview = page.get_by_role("complementary", name="What will be changed")
    expect(preview).to_contain_text("Nothing yet.")

    name.fill("Büro")
    name.press("Tab")
    expect(preview).to_contain_text("Name Sales → Büro")
    expect(preview).to_contain_text("No restart is needed")
    page.locator("summary", has_text="Channels").click()
    page.get_by_label("Remove the Telegram bot token").check()
    expect(preview).to_contain_text("Telegram bot token removed")
    expect(preview).to_contain_text("A restart is needed for Telegram bot token")
    page.locator("summary", has_text="Address").click()
    page.get_by_label("Port").fill(port)
    page.get_by_label("Port").press("Tab")
    expect(preview.locator("ins", has_text="subnet")).to_be_visible()

    page.get_by_role("button", name="Apply").click()

    expect(page.get_by_role("heading", name=re.compile("^Büro"))).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^Reconfigure succeeded"))).to_be_visible(
        timeout=60_000
    )
    expect(page.locator("#ws-url")).to_have_text(re.compile(f":{port}$"))
    assert BOT not in page.content()
