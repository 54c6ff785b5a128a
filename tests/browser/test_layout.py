"""The elements of every page: keyboard shortcuts, themes, toasts, dialogs."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser.fleet import configure
from tests.support.browser.visits import Visits


def color(page: Page) -> str:
    return str(page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))


def test_a_chosen_theme_shows_at_once_and_stays(visits: Visits) -> None:
    for javascript in (True, False):
        page = visits.open(javascript=javascript, theme="light")
        page.goto("/")
        light = color(page)

        page.get_by_role("button", name="Dark", exact=True).click()
        expect(page.get_by_role("button", name="Dark", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        dark = color(page)
        page.goto("/people")

        assert dark != light
        assert color(page) == dark
        page.get_by_role("button", name="System", exact=True).click()
        expect(page.locator("html[data-theme]")).to_have_count(0)
        assert color(page) == light


def test_single_keys_work_but_not_while_typing(visits: Visits) -> None:
    deployment_id = configure(visits.server)
    page = visits.open()
    page.goto("/")
    search = page.get_by_role("searchbox")

    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("?n/l")
    expect(search).to_have_value("?n/l")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.goto(f"/deployments/{deployment_id}")
    page.keyboard.press("Control+l")
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("/logs"))


def test_the_shortcuts_are_listed_and_can_be_switched_off(visits: Visits) -> None:
    page = visits.open()
    page.goto("/")
    button = page.get_by_role("button", name="Keyboard shortcuts")
    button.focus()

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Single keys").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()

    page.reload()
    page.keyboard.press("?")
    page.keyboard.press("n")
    expect(dialog).to_be_hidden()
    assert page.url == f"{visits.server.url}/"


def test_toasts_wait_for_the_pointer_and_disappear(visits: Visits) -> None:
    page = visits.open()
    page.clock.install()
    page.goto("/")
    toast = "text => document.dispatchEvent(new CustomEvent('toast', {detail: {value: text}}))"
    region = page.get_by_role("status").filter(has=page.get_by_role("button", name="Dismiss"))

    page.evaluate(toast, "<b>Support bot</b> was launched.")
    page.evaluate(toast, "Sales was stopped.")
    expect(region).to_contain_text("<b>Support bot</b> was launched.")
    toasts = region.locator(".toast")
    expect(toasts).to_have_count(2)

    page.clock.run_for(7_000)
    expect(toasts).to_have_count(2)
    toasts.first.hover()
    page.clock.run_for(60_000)
    expect(toasts).to_have_count(2)
    toasts.last.get_by_role("button").click()
    expect(toasts).to_have_count(1)
    page.mouse.move(1, 1)
    page.clock.run_for(10_000)
    expect(toasts).to_have_count(0)


def test_a_question_opens_in_a_dialog_and_returns_the_focus(visits: Visits) -> None:
    page = visits.open()
    page.goto("/")
    page.locator("h1").evaluate(
        "h1 => h1.insertAdjacentHTML('afterend', '<a id=asks data-dialog href=/people>Ask</a>')"
    )
    opener = page.get_by_role("link", name="Ask")

    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", name="People")).to_be_visible()
    assert page.url == f"{visits.server.url}/"
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_an_error_in_a_dialog_is_shown_in_it(visits: Visits) -> None:
    visits.allow(400)
    page = visits.open()
    page.goto("/")
    page.locator("h1").evaluate(
        "h1 => h1.insertAdjacentHTML('afterend', '<a data-dialog href=/people>Ask</a>')"
    )
    page.get_by_role("link", name="Ask").click()
    dialog = page.get_by_role("dialog")
    form = '<form hx-post="/people/users"><button>Send</button></form>'
    dialog.evaluate("(d, form) => { d.innerHTML = form; htmx.process(d); }", form)

    dialog.get_by_role("button", name="Send").click()

    expect(dialog.get_by_role("alert")).to_contain_text("The form has expired")
    dialog.get_by_role("button", name="Dismiss").click()
    expect(dialog.get_by_role("alert")).to_be_empty()


def test_dialogs_work_after_back_within_the_list(visits: Visits, page: Page) -> None:
    page.goto("/")
    if not page.locator("tbody tr").count():
        configure(visits.server)
        page.goto("/")
    page.get_by_role("link", name="Deployment", exact=True).click()
    page.wait_for_url("**/?order=desc")

    page.go_back()
    expect(page.get_by_role("columnheader", name="Deployment")).not_to_have_attribute(
        "aria-sort", "descending"
    )
    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("h1").evaluate(
        "h1 => h1.insertAdjacentHTML('afterend', '<a data-dialog href=/people>Ask</a>')"
    )
    page.get_by_role("link", name="Ask").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="People")).to_be_visible()
