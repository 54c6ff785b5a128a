"""The configure form: what is rejected is said beside its field, and nothing typed is lost."""

import re

import pytest
from playwright.sync_api import expect

from tests.api import API_KEY
from tests.browser.visits import Visits


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no_script"])
def test_a_rejected_form_says_what_is_wrong_and_keeps_what_was_typed(
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
    port.fill("99999")
    page.locator("summary", has_text="Container").click()
    memory.fill("plenty")

    page.get_by_role("button", name="Configure and launch").click()

    expect(page.get_by_role("alert").filter(has_text="2 fields need another value")).to_be_visible()
    expect(port).to_have_attribute("aria-invalid", "true")
    expect(port).to_have_accessible_description(re.compile(r"^It must be between 1 and 65535\. "))
    expect(port).to_have_value("99999")
    expect(memory).to_be_visible()
    expect(memory).to_have_attribute("aria-invalid", "true")
    expect(memory).to_have_accessible_description(re.compile(r"^It must be a size such as 2g "))
    expect(memory).to_have_value("plenty")
    expect(name).to_have_value("Müller & <b>")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(key).to_have_value("")
    assert API_KEY not in page.content()
    assert visits.server.call("GET", "list") == before


def test_a_rejected_form_leads_to_its_first_wrong_field(visits: Visits) -> None:
    visits.allow(422)
    page = visits.open()
    page.goto("/deployments/new")
    page.get_by_label("Port").fill("99999")
    page.get_by_role("button", name="Configure", exact=True).click()

    expect(page.get_by_label("OpenRouter API key")).to_be_focused()
    page.get_by_role("alert").get_by_role("link", name="Port").click()
    expect(page.get_by_label("Port")).to_be_focused()
