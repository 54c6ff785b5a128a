"""Every page in every state fits its width, is accessible, and loads nothing from other sites.

A page is accessible if axe finds no violation of WCAG 2.2 AA and of axe's best practices.
"""

from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.config import Settings
from app.usecases.context import build_context
from app.usecases.people.people import begin_setup
from tests.support.browser.fleet import LONG_NAME, Fleet
from tests.support.browser.visits import Visits, reconnect_stream

_ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE = Axe()
_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((each) => !each.closest(".hidden, thead"))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML)"""
# Elements whose text is cut off, without a title that has the whole text.
_CLIPPED = """() => [...document.querySelectorAll("body *")]
  .filter((each) => !each.closest(".hidden, thead, [title], input"))
  .filter((each) => ["hidden", "clip"].includes(getComputedStyle(each).overflowX))
  .filter((each) => each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.outerHTML)"""
_HARD_TO_HIT = """() => [...document.querySelectorAll("button, .button, input, select, summary")]
  .filter((each) => each.checkVisibility() && !each.closest(".hidden"))
  .filter((each) => !each.matches("[type=checkbox], [type=radio]"))
  .filter((each) => each.getBoundingClientRect().height < 24)
  .map((each) => each.outerHTML)"""


def found(page: Page, rules: list[str]) -> list[Any]:
    """Return axe's violations, each with target and reason."""
    # Leave out passed rules: on a large page they are most of the result.
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    answer = _AXE.run(page, options=options).response
    return [
        (violation["id"], node["target"], node.get("failureSummary"))
        for violation in answer["violations"]
        for node in violation["nodes"]
    ]


def test_every_page_fits_is_accessible_and_loads_only_own_files(
    fleet: Fleet, fleet_visits: Visits
) -> None:
    fleet_visits.allow(404)
    page = fleet_visits.open(theme="light")

    for path in every_path(fleet):
        page.goto(path)
        for width in (1920, 1440, 768, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(_TOO_WIDE) == [], (path, width)
            assert page.evaluate(_CLIPPED) == [], (path, width)
            assert page.evaluate(_HARD_TO_HIT) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        # The themes differ only in colors.
        page.emulate_media(color_scheme="dark")
        assert found(page, ["color-contrast"]) == [], (path, "in the dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 800})
        assert found(page, _ALL) == [], path

    loaded = [urlsplit(url) for url in fleet_visits.requests if not url.startswith("data:")]
    assert {each.netloc for each in loaded} == {urlsplit(fleet.server.url).netloc}
    files = {PurePath(each.path).suffix for each in loaded}
    assert {".css", ".js"} <= files


def every_path(fleet: Fleet) -> list[str]:
    context = build_context(Settings(deployments_dir=str(fleet.server.settings["deployments_dir"])))
    return [*fleet.paths, f"/setup/{begin_setup(context=context)}", "/nowhere"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_dialogs_and_toasts_are_accessible(fleet: Fleet, fleet_visits: Visits, theme: str) -> None:
    page = fleet_visits.open(theme=theme)
    page.goto(f"/deployments/{fleet.of['running']}")
    tell = "document.dispatchEvent(new CustomEvent('toast', {detail: {value: 'Done.'}}))"
    page.evaluate(tell)
    assert found(page, _ALL) == []

    for button in ("Stop", "Keyboard shortcuts"):
        page.get_by_role("button", name=button).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert found(page, _ALL) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_hostile_log_is_only_text(fleet: Fleet, fleet_visits: Visits) -> None:
    for javascript in (True, False):
        page = fleet_visits.open(javascript=javascript)
        page.goto(f"/deployments/{fleet.of['hostile']}")

        log = page.get_by_role("log", name="Log of the gateway")
        assert "<script>document.title='owned'</script>" in log.inner_text()
        assert log.locator(":not(div):not(time):not(span)").count() == 0
        assert page.title() == "Zoo · Deploy Agent"


def test_a_name_with_markup_is_text(fleet: Fleet, fleet_visits: Visits) -> None:
    page = fleet_visits.open()

    page.goto("/")
    page.get_by_role("link", name=LONG_NAME).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(LONG_NAME)
    reconnect_stream(page)

    expect(page.get_by_role("heading", level=1)).to_contain_text(LONG_NAME)


def test_the_list_shows_what_failed_why_and_what_next(fleet: Fleet, fleet_visits: Visits) -> None:
    page = fleet_visits.open()

    page.goto("/")

    failed = page.get_by_role("row", name="Night")
    assert "failed" in failed.inner_text()
    assert "its image has no npm" in failed.inner_text()
    assert "Set plugins.entries.perplexity.enabled to false" in failed.inner_text()
    names = page.locator("th[scope=row] a").all_inner_texts()
    assert names[:4] == [LONG_NAME, "Night", "Sales", "Zoo"]
    assert set(names[4:]) == {"Unnamed"}


def test_a_failed_deployment_shows_why_and_what_next_at_the_top(
    fleet: Fleet, fleet_visits: Visits
) -> None:
    page = fleet_visits.open(width=360)

    page.goto(f"/deployments/{fleet.of['failed']}")

    head = page.locator("#deployment header")
    assert "its image has no npm" in head.inner_text()
    assert "Set plugins.entries.perplexity.enabled to false" in head.inner_text()
    box = head.bounding_box()
    assert box
    assert box["y"] + box["height"] < 800, "visible without scrolling on a phone"


def test_every_status_is_a_word_and_an_icon(fleet: Fleet, fleet_visits: Visits) -> None:
    page = fleet_visits.open()

    page.goto("/")

    shown = page.locator("td .badge").evaluate_all(
        "all => all.map(each => [each.textContent, getComputedStyle(each, '::before').content])"
    )
    assert len({word for word, _ in shown}) == 8
    icons = {icon for _, icon in shown}
    assert len(icons) == 8
    assert "none" not in icons
