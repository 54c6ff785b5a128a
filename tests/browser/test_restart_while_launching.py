"""The server is killed during a launch: the page misses no line and repeats no line."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from app.store.operation_log import read_log
from tests.support.browser.fleet import configure, launch
from tests.support.browser.visits import Visits
from tests.support.server import Server
from tests.support.waiting import eventually


def test_a_page_catches_up_after_the_server_was_killed_during_a_launch(
    server: Server, chromium: Browser, deployments_dir: Path
) -> None:
    visits = Visits(chromium, server.start())
    folder = deployments_dir / configure(server, image="deploy-agent-standin:slow-start")
    page = visits.open()
    page.goto(f"/deployments/{folder.name}")
    launch(server, folder.name, wait=False)
    expect(output(page)).to_contain_text("docker compose up -d")
    page.evaluate("window.loadedOnce = true")

    visits.may_fail = True
    server.kill_group()
    expect(page.locator("#lost")).to_be_visible()
    seen = lines(page)
    eventually(lambda: len(read_log(folder, 1)) > len(seen), within=30)
    server.start()

    expect(output(page)).to_contain_text("Done")
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#head .badge")).to_have_text("running")
    expect(output(page).locator("time").first).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert lines(page) == [line.partition(" ")[2] for line in read_log(folder, 1)]
    assert page.evaluate("window.loadedOnce"), "the page itself was not loaded again"
    visits.end()


def output(page: Page) -> Locator:
    return page.get_by_role("log", name="Output of the launch")


def lines(page: Page) -> list[str]:
    """Return the output on the page, without the times before its lines."""
    read = "box => [...box.children].map((line) => line.lastChild.textContent)"
    return list(output(page).evaluate(read))
