"""axe finds nothing on any page, in both themes, at WCAG 2.2 AA and by its best practices."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.config import Settings
from app.usecases.people import begin_setup
from app.usecases.world import build_world
from tests.browser.fleet import Fleet
from tests.browser.visits import Visits

_ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE = Axe()


def found(page: Page, rules: list[str]) -> list[Any]:
    """Return what axe objects to, with where and why."""
    answer = _AXE.run(page, options={"runOnly": rules}).response
    return [
        (violation["id"], node["target"], node.get("failureSummary"))
        for violation in answer["violations"]
        for node in violation["nodes"]
    ]


# What differs between the themes is colours alone.
@pytest.mark.parametrize(
    ("theme", "width", "rules"), [("light", 1280, _ALL), ("dark", 360, ["color-contrast"])]
)
def test_axe_finds_nothing(
    fleet: Fleet, fleet_visits: Visits, theme: str, width: int, rules: list[str]
) -> None:
    fleet_visits.allow(404)
    world = build_world(Settings(deployments_dir=str(fleet.server.settings["deployments_dir"])))
    setup = f"/setup/{begin_setup(world=world)}"
    page = fleet_visits.open(theme=theme, width=width)

    for path in (*fleet.paths, setup, "/nowhere"):
        page.goto(path)
        assert found(page, rules) == [], path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_dialogs_and_toasts(
    fleet: Fleet, fleet_visits: Visits, theme: str
) -> None:
    page = fleet_visits.open(theme=theme)
    page.goto(f"/deployments/{fleet.of['running']}")
    tell = "document.dispatchEvent(new CustomEvent('told', {detail: {value: 'Done.'}}))"
    page.evaluate(tell)
    assert found(page, _ALL) == []

    for button in ("Stop", "Keyboard shortcuts"):
        page.get_by_role("button", name=button).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert found(page, _ALL) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
