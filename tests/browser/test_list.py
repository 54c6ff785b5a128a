"""The list in a browser: its URL holds search, filter and order; it updates in many tabs."""

import re
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser.fleet import configure, launch
from tests.support.browser.visits import Visits
from tests.support.server import Server
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def three(shared_server: Server) -> dict[str, str]:
    """Three deployments, sorted by name. The first is running."""
    of = {name: configure(shared_server, name=name) for name in ("Sales", "Support", "Night")}
    launch(shared_server, of["Sales"])
    return of


def names(page: Page) -> list[str]:
    return page.locator("tbody th > a:first-child").all_inner_texts()


def test_search_filter_and_order_are_in_the_url(visits: Visits, three: dict[str, str]) -> None:
    page = visits.open()
    page.goto("/")
    search = page.get_by_role("searchbox", name="Search deployments")

    search.press_sequentially("s")
    eventually(lambda: names(page) == ["Sales", "Support"])
    expect(search).to_be_focused()
    page.get_by_role("link", name=re.compile("configured$")).click()
    eventually(lambda: names(page) == ["Support"])
    page.get_by_role("link", name=re.compile("^Show all")).click()
    eventually(lambda: len(names(page)) == 3)
    expect(search).to_have_value("")
    page.get_by_role("link", name="Deployment", exact=True).click()
    eventually(lambda: names(page) == ["Support", "Sales", "Night"])

    page.reload()
    assert names(page) == ["Support", "Sales", "Night"]
    page.go_back()
    eventually(lambda: names(page) == ["Night", "Sales", "Support"])
    page.go_back()
    eventually(lambda: names(page) == ["Support"])
    assert page.evaluate("location.search") == "?q=s&status=configured"


def test_the_list_is_searched_without_a_script(visits: Visits, three: dict[str, str]) -> None:
    page = visits.open(javascript=False)
    page.goto("/?sort=status")

    page.get_by_role("searchbox", name="Search deployments").fill("nothing like it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Show all", exact=True).click()

    assert len(names(page)) == 3


def test_running_deployments_show_cpu_and_memory(visits: Visits, three: dict[str, str]) -> None:
    page = visits.open(width=1440)
    page.goto("/")

    row = page.get_by_role("row", name="Sales")
    expect(row.locator(".cell-memory")).to_have_text(re.compile(r"^\d+ MiB$"))
    expect(row.locator(".cell-cpu")).to_have_text(re.compile(r"^\d+ %$"))


_HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_eight_tabs_of_one_browser_stay_usable(
    visits: Visits, three: dict[str, str], engine: docker.APIClient
) -> None:
    """More tabs than a browser's six connections to a host: hidden tabs close their streams."""
    first = visits.open()
    tabs = [first, *(first.context.new_page() for _ in range(7))]
    for tab in tabs:
        tab.goto("/")
        expect(tab.get_by_role("row", name="Sales")).to_be_visible()
        if tab is not tabs[-1]:
            tab.evaluate(_HIDE, True)

    engine.pause(f"{three['Sales']}-openclaw-1")
    expect(tabs[-1].get_by_role("row", name="Sales").locator(".badge")).to_have_text("unhealthy")
    assert first.get_by_role("row", name="Sales").locator(".badge").inner_text() == "running"
    assert first.title() == "Deployments · Deploy Agent"

    first.evaluate(_HIDE, False)
    expect(first.get_by_role("row", name="Sales").locator(".badge")).to_have_text("unhealthy")
    expect(first).to_have_title("(1) Deployments · Deploy Agent")
    assert "icon-failed" in str(first.locator("#icon").get_attribute("href"))
    engine.unpause(f"{three['Sales']}-openclaw-1")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 500 deployments of the older server."""
    folder = tmp_path_factory.mktemp("crowd") / "deployments"
    for number in range(500):
        deployment = folder / f"{number:010x}"
        deployment.mkdir(parents=True)
        (deployment / ".env").write_text(f"PORT={10000 + number}\nDEPLOYMENT_NAME=N {number:03}\n")
    return folder


@pytest.fixture
def crowded(chromium: Browser, crowd: Path, tmp_path: Path) -> Iterator[Page]:
    server = Server(crowd, tmp_path / "server.log").start()
    visits = Visits(chromium, server)
    yield visits.open(width=360)
    visits.end()
    server.stop()


def test_five_hundred_are_shown_two_hundred_at_a_time(crowded: Page) -> None:
    crowded.goto("/")

    assert len(names(crowded)) == 200
    expect(crowded.get_by_role("navigation", name="Pages")).to_contain_text("1–200 of 500")
    crowded.get_by_role("link", name="Next").click()
    eventually(lambda: names(crowded)[:1] == ["N 200"])
    assert crowded.evaluate("location.search") == "?page=2"
    assert crowded.evaluate("document.documentElement.scrollWidth <= innerWidth")
