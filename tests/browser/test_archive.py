"""Archive, restore and delete for good, by clicking."""

import re

from playwright.sync_api import expect

from tests.support.browser.fleet import configure
from tests.support.browser.visits import Visits


def test_a_deployment_is_archived_restored_and_deleted_for_good(visits: Visits) -> None:
    deployment_id = configure(visits.server, name="Support bot")
    page, list_page = visits.open(), visits.open()
    list_page.goto("/")
    page.goto(f"/deployments/{deployment_id}")

    page.get_by_role("button", name="Archive… Support bot").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()

    expect(page).to_have_url(re.compile("/archive#"))
    row = page.get_by_role("row", name="Support bot")
    expect(row).to_contain_text("by a local user")
    expect(row.locator(".cell-size")).to_contain_text("KiB")
    expect(list_page.get_by_role("link", name="Archive (1)")).to_be_visible()
    expect(list_page.locator(f"#row-{deployment_id}")).to_have_count(0)

    row.get_by_role("button", name="Restore Support bot").click()
    expect(page).to_have_url(f"{visits.server.url}/deployments/{deployment_id}")
    expect(page.get_by_text("“Support bot” is back, with port")).to_be_visible()

    page.get_by_role("button", name="Archive… Support bot").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    expect(page).to_have_url(re.compile("/archive#"))

    visits.allow(422)
    page.get_by_role("button", name="Delete… Support bot").click()
    dialog = page.get_by_role("dialog", name="Delete “Support bot” for good?")
    typed = dialog.get_by_label("Type Support bot to delete it")
    expect(typed).to_be_focused()
    typed.fill("support bot")
    page.keyboard.press("Enter")
    expect(typed).to_have_accessible_description("Must be Support bot, written exactly so.")
    expect(typed).to_have_value("support bot")
    typed.fill("Support bot")
    page.keyboard.press("Enter")

    expect(page.get_by_text("“Support bot” was deleted for good.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing is archived")).to_be_visible()
