"""Errors are visible without scrolling, announced once, and removed after the next success."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.store.locks import lock_folder
from tests.support.browser.fleet import configure, folder_of, launch
from tests.support.browser.visits import Visits, reconnect_stream
from tests.support.engine.gate import EngineGate
from tests.support.server import Server


def test_a_refused_action_is_shown_until_it_succeeds(visits: Visits, page: Page) -> None:
    visits.allow(409)
    deployment_id = configure(visits.server)
    page.goto(f"/deployments/{deployment_id}")
    alert = page.get_by_role("alert")
    lock = lock_folder(folder_of(visits.server, deployment_id))

    page.get_by_role("button", name="Launch").click()

    expect(alert).to_contain_text("Another operation is running")
    expect(alert.get_by_role("heading")).to_be_in_viewport()
    reconnect_stream(page)
    expect(alert).to_contain_text("Another operation is running")

    os.close(lock)
    page.get_by_role("button", name="Launch").click()

    expect(alert).to_be_empty()
    expect(page.locator("#deployment .badge")).to_have_text("running")


def test_a_message_can_be_dismissed(visits: Visits, page: Page) -> None:
    visits.allow(409)
    deployment_id = configure(visits.server)
    page.goto("/")
    lock = lock_folder(folder_of(visits.server, deployment_id))
    page.get_by_role("button", name=f"Launch {deployment_id}").click()

    page.get_by_role("button", name="Dismiss").click()

    expect(page.get_by_role("alert")).to_be_empty()
    os.close(lock)


def test_a_removed_deployment_shows_not_found(visits: Visits, page: Page) -> None:
    visits.allow(404)
    deployment_id = configure(visits.server)
    page.goto(f"/deployments/{deployment_id}")
    folder = folder_of(visits.server, deployment_id)
    folder.rename(folder.with_name("elsewhere"))

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such deployment")
    folder.with_name("elsewhere").rename(folder)


@pytest.fixture
def own_visits(chromium: Browser, server: Server) -> Iterator[Visits]:
    """Visits to a server that the test may stop."""
    visits = Visits(chromium, server.start())
    yield visits
    visits.end()


def test_a_stopped_server_is_shown_until_it_is_back(own_visits: Visits) -> None:
    page = own_visits.open(width=360)
    page.goto("/")
    expect(page.get_by_role("heading", name="No deployment yet")).to_be_visible()
    own_visits.may_fail = True

    own_visits.server.kill_group()
    expect(page.locator("#lost")).to_contain_text("Not connected since")
    expect(page.get_by_role("link", name="Configure the first one")).to_be_visible()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("#messages")).to_contain_text("Deploy Agent does not answer")

    own_visits.server.start()
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#messages")).to_be_empty()


def test_a_silent_engine_shows_unknown_until_it_answers_again(
    gate: EngineGate, own_visits: Visits
) -> None:
    deployment_id = configure(own_visits.server)
    launch(own_visits.server, deployment_id)
    pages = [own_visits.open(width=360), own_visits.open(width=360, theme="dark")]
    for page, path in zip(pages, ("/", f"/deployments/{deployment_id}"), strict=True):
        page.goto(path)
        expect(page.locator(".badge")).to_have_text("running")

    gate.shut()
    for page in pages:
        expect(page.locator(".badge")).to_have_text("unknown")
        expect(page.locator("main")).to_contain_text("Running gateways keep running")
        expect(page.get_by_role("button", name=re.compile("Launch|Stop"))).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    gate.open()
    for page in pages:
        expect(page.locator(".badge")).to_have_text("running")


def test_an_error_has_a_page_of_its_own(visits: Visits) -> None:
    visits.allow(404)
    for theme in ("light", "dark"):
        page = visits.open(theme=theme, width=360)
        page.goto("/deployments/ffffffffff")

        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("There is no such deployment")
        page.get_by_role("link", name="To the deployments").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Deployments")
