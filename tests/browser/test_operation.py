"""An operation on the page: steps and progress bars update, and it can be cancelled."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser.fleet import configure
from tests.support.browser.visits import Visits
from tests.support.engine.image_registry import Registry, serving


def test_a_pull_shows_progress_and_ends_for_everyone_when_cancelled(visits: Visits) -> None:
    """The launch starts in one browser. Another browser without scripts cancels it."""
    with serving(Registry()) as registry:
        deployment_id = configure(visits.server, image=registry.image)
        page, other = visits.open(), visits.open(javascript=False)
        page.goto(f"/deployments/{deployment_id}")
        page.get_by_role("button", name="Launch").click()

        layers = page.locator(".pull li progress")
        expect(layers).to_have_count(3)
        expect(layers.first).to_have_attribute("value", re.compile("[1-9]"))
        assert step(page, "Pull the image") == "running"
        other.goto(f"/deployments/{deployment_id}/operations/1")
        expect(other.locator(".pull progress")).to_have_count(4)
        other.get_by_role("button", name="Cancel").click()

        expect(page.locator("#head .badge")).to_have_text("stopped")
        expect(page.locator("#head")).to_contain_text("the launch was cancelled by a local user")
        expect(page.locator("#operation")).to_contain_text("Pull the image")
        assert step(page, "Pull the image") == "cancelled"
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        expect(page.locator(".pull")).to_have_count(0)
        expect(other).to_have_url(re.compile(f"/deployments/{deployment_id}"))


def step(page: Page, name: str) -> str | None:
    return page.locator(".steps li", has_text=name).get_attribute("data-step")
