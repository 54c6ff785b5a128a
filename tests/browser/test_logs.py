"""The log in a browser: following, the reader's position, search, and a flood of lines."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser.fleet import configure, folder_of, launch
from tests.support.browser.visits import Visits
from tests.support.server import Server
from tests.support.waiting import eventually

_FROM_END = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
_TOP = "each => each.getBoundingClientRect().top"


def launched(server: Server, fault: str) -> str:
    deployment_id = configure(server)
    (folder_of(server, deployment_id) / "config" / "standin-fault").write_text(fault)
    launch(server, deployment_id)
    return deployment_id


@pytest.fixture(scope="module")
def flooded(shared_server: Server) -> str:
    """A deployment that writes 1,000 lines a second."""
    return launched(shared_server, "flood:1000")


@pytest.fixture(scope="module")
def hostile(shared_server: Server) -> str:
    """A deployment that writes hostile lines first, then two lines a second."""
    return launched(shared_server, "hostile-log,flood:2")


def log_of(page: Page, deployment_id: str, query: str = "") -> Locator:
    page.goto(f"/deployments/{deployment_id}/logs{query}")
    return page.get_by_role("log", name="Log of the gateway")


def numbers(box: Locator) -> list[int]:
    """The numbers of the flood's lines in a box."""
    return [int(each) for each in re.findall(r"flood line (\d+)", box.text_content() or "")]


def first_visible(box: Locator) -> Callable[[], float]:
    """Return a function that returns the present position of the line now at the top."""
    line = box.evaluate_handle(
        """box => {
          const { left, top } = box.getBoundingClientRect();
          return document.elementFromPoint(left + 40, top + 20).closest(".lines > *");
        }"""
    )
    return lambda: float(line.evaluate(_TOP))


def test_a_flood_is_followed_without_a_gap_and_the_page_responds(page: Page, flooded: str) -> None:
    box = log_of(page, flooded)
    first = numbers(box)[-1]
    eventually(lambda: numbers(box)[-1] > first + 6_000, within=40)

    shown = numbers(box)
    assert shown == list(range(shown[0], shown[-1] + 1))
    assert box.locator("> *").count() <= 5_000
    assert box.evaluate(_FROM_END) < 8
    # The page still reacts while new lines arrive.
    page.get_by_label("Wrap").uncheck()
    assert box.locator("> *").last.evaluate("each => getComputedStyle(each).whiteSpace") == "pre"


def test_a_reader_who_scrolled_up_keeps_the_position_until_jumping_to_the_end(
    page: Page, flooded: str
) -> None:
    box = log_of(page, flooded)
    newer = page.get_by_role("button", name=re.compile("new lines"))
    expect(newer).to_be_hidden()
    box.hover()
    page.mouse.wheel(0, -600)
    expect(newer).to_be_visible()
    top = first_visible(box)
    before = top()

    eventually(lambda: int(re.sub(r"\D", "", newer.inner_text())) > 1_000)
    assert abs(top() - before) < 3

    newer.click()
    expect(newer).to_be_hidden()
    eventually(lambda: box.evaluate(_FROM_END) < 8)
    expect(box).to_be_focused()


def test_words_are_found_and_stepped_through_by_keyboard(page: Page, hostile: str) -> None:
    box = log_of(page, hostile)
    page.keyboard.press("/")
    find = page.get_by_role("searchbox", name="Find in these lines")
    expect(find).to_be_focused()
    find.fill("HOSTILE 0")
    count = page.locator("#log-found")
    expect(count).to_have_text("9 found")

    find.press("Enter")
    expect(count).to_have_text("1 of 9")
    find.press("Shift+Enter")
    expect(count).to_have_text("9 of 9")
    assert page.evaluate("[...CSS.highlights.get('current')][0].startContainer.data").startswith(
        "hostile 09"
    )
    # Colors split the line into several elements.
    find.fill("colours: red orange")
    expect(count).to_have_text("1 found")
    find.fill("in no line")
    expect(count).to_have_text("0 found")
    assert box.locator("mark").count() == 0


def test_filters_are_in_the_url_with_and_without_a_script(visits: Visits, hostile: str) -> None:
    page = visits.open()
    box = log_of(page, hostile)
    page.get_by_label("Stream").select_option("Only stderr")
    page.wait_for_url("**/logs?stream=stderr")
    expect(box.get_by_text("hostile end")).to_have_count(0)
    page.get_by_label("Stream").select_option("Both streams")
    page.get_by_label("Only lines with this text").fill("hostile end")
    expect(box.locator("> div")).to_have_text([re.compile("hostile end")])
    page.wait_for_url("**/logs?text=hostile+end")
    page.go_back()
    expect(page.get_by_label("Only lines with this text")).to_have_value("")

    plain = visits.open(javascript=False)
    box = log_of(plain, hostile)
    plain.get_by_label("Only lines with this text").fill("script link")
    plain.get_by_role("button", name="Show").click()
    expect(box.locator("> div")).to_have_text([re.compile("javascript:alert")])
    assert plain.url.endswith("text=script+link")
    assert box.locator("a, script, img, b").count() == 0


def test_colors_are_classes_and_a_download_is_plain_text(visits: Visits, hostile: str) -> None:
    page = visits.open(timezone_id="Asia/Tokyo")
    box = log_of(page, hostile)
    expect(box.locator(".in1").first).to_have_text("red")
    line = box.locator("> div", has_text="hostile end")
    utc = line.locator("time").get_attribute("datetime")
    assert utc is not None
    assert line.locator("time").inner_text()[3:] == utc[14:19]
    assert line.locator("time").inner_text()[:2] == f"{(int(utc[11:13]) + 9) % 24:02}"

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()

    assert download.value.suggested_filename.startswith(f"{hostile}-2")
    text = download.value.path().read_text()
    assert "hostile 01 colours: red orange blue ground\n" in text
    assert "hostile end\n" in text
    assert "\x1b" not in text
