"""The configure form: errors are shown beside their fields, and typed values are kept."""

import re
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.api import API_KEY
from tests.support.browser.fleet import configure
from tests.support.browser.visits import Visits

BOT = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw4"


def unfold(page: Page, section: str) -> None:
    page.locator("summary", has_text=section).first.click()


def env_of(page: Page) -> Locator:
    """Return the preview of `.env`."""
    return page.get_by_label(".env", exact=True)


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no_script"])
def test_a_rejected_form_shows_errors_and_keeps_typed_values(
    visits: Visits, javascript: bool
) -> None:
    visits.allow(422)
    before = visits.server.call("GET", "list")
    page = visits.open(javascript=javascript)
    page.goto("/deployments/new")
    key, name = page.get_by_label("OpenRouter API key"), page.get_by_label("Name")
    port, memory = page.get_by_label("Port"), page.get_by_label("Memory limit")
    key.fill(API_KEY)
    name.fill("Müller & <b>")
    unfold(page, "Address")
    port.fill("99999")
    unfold(page, "Container")
    memory.fill("plenty")

    page.get_by_role("button", name="Configure and launch").click()

    expect(page.get_by_role("alert").filter(has_text="2 fields need another value")).to_be_visible()
    expect(port).to_have_attribute("aria-invalid", "true")
    expect(port).to_have_accessible_description(re.compile(r"^It must be between 1 and 65535\. "))
    expect(port).to_have_value("99999")
    expect(memory).to_be_visible()
    expect(memory).to_have_accessible_description(re.compile(r"^It must be a size such as 2g "))
    expect(memory).to_have_value("plenty")
    expect(name).to_have_value("Müller & <b>")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    # No page contains a secret. A script keeps the typed secret; without one it is typed again.
    expect(key).to_have_value(API_KEY if javascript else "")
    expect(port if javascript else key).to_be_focused()
    expect(page.get_by_text("Type it again")).to_have_count(0 if javascript else 1)
    assert API_KEY not in page.content()
    assert visits.server.call("GET", "list") == before

    page.get_by_role("alert").get_by_role("link", name="Memory limit").click()
    expect(memory).to_be_focused()


def test_a_field_is_checked_when_it_is_left(visits: Visits, page: Page) -> None:
    configure(visits.server, name="Support bot", telegram_bot_token=BOT)
    page.goto("/deployments/new")
    key, name = page.get_by_label("OpenRouter API key"), page.get_by_label("Name")

    key.fill("sk-ant-abc")
    with page.expect_request("**/new/check") as check:
        name.click()
    page.keyboard.type("Sal")
    expect(key).to_have_accessible_description(re.compile("^This looks like an Anthropic API key"))
    page.keyboard.type("es")

    assert parse_qs(check.value.post_data or "").keys() == {"csrf_token", "openrouter_api_key"}
    expect(name).to_be_focused()
    expect(name).to_have_value("Sales")
    expect(key).not_to_have_attribute("aria-invalid", "true")
    key.fill("")
    name.focus()
    expect(key).to_have_accessible_description(re.compile(r"^It is needed\."))
    expect(key).to_have_attribute("aria-invalid", "true")
    key.fill(API_KEY)
    name.focus()
    expect(key).to_have_accessible_description(re.compile("^Pays for"))
    expect(key).not_to_have_attribute("aria-invalid", "true")

    unfold(page, "Channels")
    page.get_by_label("Telegram bot token").fill(BOT)
    name.focus()
    expect(page.get_by_text("already used by “Support bot”")).to_be_visible()
    expect(env_of(page)).to_have_text(re.compile("TELEGRAM_BOT_TOKEN=••••••••"))
    expect(env_of(page)).to_have_text(re.compile("DEPLOYMENT_NAME=Sales"))
    assert BOT not in page.content()
    assert not any(BOT in url or API_KEY in url for url in visits.requests)


def test_a_secret_is_shown_while_its_button_is_pressed(page: Page) -> None:
    page.goto("/deployments/new")
    key = page.get_by_label("OpenRouter API key")
    key.fill(API_KEY)
    expect(key).to_have_attribute("type", "password")

    page.keyboard.press("Tab")
    page.keyboard.press("Space")

    button = page.get_by_role("button", name="Show what is typed", pressed=True)
    expect(button).to_be_focused()
    expect(key).to_have_attribute("type", "text")
    page.keyboard.press("Space")
    expect(key).to_have_attribute("type", "password")
    expect(key).to_have_value(API_KEY)


def test_a_check_does_not_move_a_button_under_the_pointer(visits: Visits, page: Page) -> None:
    visits.allow(422)
    page.goto("/deployments/new")
    page.get_by_label("Name").fill("x" * 81)
    page.get_by_role("button", name="Configure", exact=True).hover()

    page.mouse.down()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()

    expect(page.get_by_role("alert").filter(has_text="2 fields need")).to_be_visible()
    sent = [url.removeprefix(visits.server.url) for url in visits.requests]
    assert sent.index("/deployments/new/check") > sent.index("/deployments/new", 1)


def test_without_a_script_a_button_previews_the_files(visits: Visits) -> None:
    page = visits.open(javascript=False)
    page.goto("/deployments/new")
    key = page.get_by_label("OpenRouter API key")
    expect(page.get_by_role("button", name="Show what is typed")).to_have_count(0)
    key.fill(API_KEY)
    page.get_by_label("Name").fill("Sales")

    page.get_by_role("button", name="Preview").click()

    expect(env_of(page)).to_have_text(re.compile("DEPLOYMENT_NAME=Sales"))
    expect(env_of(page)).to_have_text(re.compile("OPENROUTER_API_KEY=••••••••"))
    expect(page.get_by_label("Name")).to_have_value("Sales")
    expect(key).to_have_value("")
    expect(key).to_be_focused()
    expect(key).to_have_accessible_description(re.compile("^Type it again: pages never contain"))
    page.reload()  # The preview's address also answers GET.
    assert page.goto("/deployments/new/preview").status == 200


def test_another_like_this_copies_all_settings_but_unique_ones(visits: Visits, page: Page) -> None:
    before = configure(visits.server, name="Sales bot", timezone="Europe/Berlin", model="a/b")
    page.goto(f"/deployments/{before}")
    page.get_by_role("link", name="Configure another like this").click()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")

    page.get_by_label("Also copy its keys: OpenRouter API key").check()
    expect(env_of(page)).to_have_text(re.compile("OPENROUTER_API_KEY=••••••••"))
    page.get_by_label("Name").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Sales bot 2")
    expect(page.locator("[data-status]").first).to_have_attribute(
        "data-status", re.compile("launching|running")
    )
    assert API_KEY not in page.content()
