"""From another machine on the intranet to a chat on the real gateway, without a terminal."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from app.config import Settings
from app.engine.host.network import own_address
from demo.cleaning import remove_everything_of
from demo.provider import REPLY, Provider
from tests.support.api import API_KEY
from tests.support.browser.other_machine import NAME, OtherMachine, another_machine, why_not
from tests.support.server import Server
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

PASSWORD = "correct horse battery"
OF_A_START = 240_000
_NO_COMPLAINT = (
    # Browsers ignore this header on plain HTTP from another machine: that is no secure context.
    "The Cross-Origin-Opener-Policy header has been ignored",
    # Tests that expect a refusal check its status.
    "Failed to load resource: the server responded with a status of 40",
    # A gateway that was just started may be too busy to answer; the test tries again.
    "Failed to load resource: the server responded with a status of 504",
)


class Person:
    """A person at the other machine, with a browser whose clicks are counted.

    Errors in Deploy Agent's pages are complaints; errors in the gateway's pages are OpenClaw's.
    """

    def __init__(self, browser: Browser, home: str) -> None:
        self.home = home
        self.clicks = 0
        self.complaints: list[str] = []
        self._context = browser.new_context(
            base_url=home, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        self._context.set_default_timeout(30_000)
        self._context.on("console", self._said)
        self._context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = self._context.new_page()

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def open(self, link: Locator) -> Page:
        """Follow a link that opens a new tab."""
        with self._context.expect_page() as opened:
            self.click(link)
        return opened.value

    def go(self, address: str) -> Page:
        """Open an address in a new tab."""
        page = self._context.new_page()
        page.goto(address)
        return page

    def log_in(self, name: str) -> None:
        self.page.goto("/login")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.click(self.button("Log in"))
        expect(self.page.get_by_role("heading", name="Deployments")).to_be_visible()

    def close_tabs(self) -> None:
        """Close all tabs but the first: a gateway's own page keeps a processor busy while open."""
        for page in self._context.pages:
            if page is not self.page:
                page.close()

    def leave(self) -> None:
        """Close the browser; fails the test if Deploy Agent's pages had errors."""
        self._context.close()
        assert not self.complaints, "\n".join(sorted(set(self.complaints)))

    def _said(self, message: ConsoleMessage) -> None:
        ours = message.page and message.page.url.startswith(self.home)
        text = message.text
        if ours and message.type == "error" and not text.startswith(_NO_COMPLAINT):
            self.complaints.append(text)


@dataclass
class Office:
    """A server that other machines reach, a provider, and the other machine."""

    machine: OtherMachine
    server: Server
    provider: Provider
    browser: Browser
    folder: Path
    people: list[Person] = field(default_factory=list)

    @property
    def home(self) -> str:
        return f"http://{self.machine.host}:{self.server.port}"

    def person(self, name: str = "") -> Person:
        """Return a new person, who opens this host by its address or by a name."""
        home = self.home.replace(self.machine.host, name or self.machine.host)
        self.people.append(Person(self.browser, home))
        return self.people[-1]

    def picture(self, page: Page, name: str) -> None:
        page.screenshot(path=self.folder / f"{name}.png", full_page=True)


def strangers_server(deployments_dir: Path, log: Path) -> Server:
    """A server that other machines reach, without users yet."""
    server = Server(
        deployments_dir,
        log,
        host="0.0.0.0",
        image=Settings().image,
        launch_timeout=OF_A_START / 1000,
    )
    server.ready_status = 401
    return server


def set_up_link(server: Server, home: str) -> str:
    """Return the set-up link that the server printed, with this address as its host name."""
    printed = re.search(r"http://(\S+):\d+(/setup/\S+)", server.log.read_text())
    assert printed
    assert printed[1] == own_address()
    return f"{home}{printed[2]}"


@pytest.fixture(scope="module")
def office(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    deployments_dir = folder / "deployments"
    deployments_dir.mkdir()
    server = strangers_server(deployments_dir, folder / "server.log")
    try:
        with another_machine() as machine, Provider() as provider:
            server.start()
            browser = chromium.browser_type.launch(**machine.chromium(folder))
            office = Office(machine, server, provider, browser, folder)
            yield office
            for person in office.people:
                person.leave()
            browser.close()
    finally:
        server.stop()
        remove_everything_of(deployments_dir)


@pytest.fixture(autouse=True)
def tabs(office: Office) -> Iterator[None]:
    yield
    for person in office.people:
        person.close_tabs()


@pytest.fixture(scope="module")
def ana(office: Office) -> Person:
    """The first operator, by the set-up link that the server printed."""
    ana = office.person()
    make_account(ana, set_up_link(office.server, office.home))
    return ana


def make_account(person: Person, link: str) -> None:
    person.page.goto(link)
    person.page.get_by_label("Name").fill("ana")
    person.page.get_by_label("Password").fill(PASSWORD)
    person.click(person.button("Make the account"))
    expect(person.page.get_by_role("heading", name="No deployment yet")).to_be_visible()


@dataclass
class Gateway:
    """A running gateway: Deploy Agent's page of it, its own address, and when it was launched."""

    path: str
    address: str
    token: str
    marks: list[tuple[str, float]]

    @property
    def link(self) -> str:
        return f"{self.address}#token={self.token}"

    def mark(self, what: str) -> None:
        self.marks.append((what, time.monotonic()))


@pytest.fixture(scope="module")
def gateway(office: Office, ana: Person) -> Gateway:
    """A gateway that ana has configured and launched. She has revealed its token."""
    page = ana.page
    ana.click(page.get_by_role("link", name="New deployment"))
    page.get_by_label("OpenRouter API key").fill(API_KEY)
    page.get_by_label("Name", exact=True).fill("Support bot")
    ana.click(page.locator("summary", has_text="Which model answers"))
    page.get_by_label("OpenRouter base URL").fill(office.provider.base_url)
    marks = [("launch clicked", time.monotonic())]
    ana.click(ana.button("Configure and launch"))
    expect(page.locator("#deployment .badge")).to_have_text("running", timeout=OF_A_START)
    marks.append(("running shown", time.monotonic()))
    ana.click(ana.button("Reveal the token"))
    token = page.locator("#revealed").inner_text()
    address = page.locator("#connect").get_by_role("link", name=re.compile("^http")).inner_text()
    return Gateway(page.url, address, token, marks)


def requests(page: Page) -> Locator:
    return page.locator(".request")


def wait_until_it_asks(theirs: Page) -> None:
    """Wait until the gateway's page shows that it needs approval.

    A gateway that was just started may be too busy, and its page gives up; then connect again.
    """
    asks = theirs.get_by_role("heading", name="Approve this browser")
    gave_up = theirs.get_by_role("heading", name="Gateway unreachable")
    expect(asks.or_(gave_up)).to_be_visible(timeout=30_000)
    if gave_up.is_visible():
        theirs.get_by_role("button", name="Connect", exact=True).click()
    expect(asks).to_be_visible(timeout=30_000)


def approve(asking: Locator) -> None:
    """Approve a request. Retry, because a gateway that was just started may be too busy."""
    button = asking.get_by_role("button", name=re.compile("^Approve"))

    def let_in() -> bool:
        with asking.page.expect_response(re.compile("/pairing/approve$"), timeout=60_000) as answer:
            button.click()
        return answer.value.ok

    eventually(let_in, within=120)
    expect(asking).to_have_count(0)


def composer(page: Page) -> Locator:
    return page.get_by_label("Chat composer")


def test_a_colleague_gets_from_the_set_up_link_to_a_chat_reply(
    office: Office, ana: Person, gateway: Gateway
) -> None:
    page = ana.page
    theirs = ana.open(page.get_by_role("link", name="Open with this token"))
    wait_until_it_asks(theirs)
    gateway.mark("gateway's page asks for approval")

    expect(requests(page)).to_contain_text(f"From{office.machine.address}")
    gateway.mark("request shown")
    assert theirs.url.startswith(f"http://{office.machine.host}:")
    expect(requests(page)).to_contain_text("Chrome on Linux")
    expect(requests(page)).to_contain_text(f"opened {gateway.address.rstrip('/')}")
    office.picture(page, "request")
    listed = ana.go(office.home)
    expect(listed.get_by_role("row", name="Support bot")).to_contain_text("1 device asks")
    office.picture(listed, "list")
    listed.close()

    gateway.mark("approve clicked")
    ana.click(ana.button(re.compile("^Approve")))
    expect(composer(theirs)).to_be_visible(timeout=30_000)
    gateway.mark("connected by itself")
    expect(requests(page)).to_have_count(0)
    expect(page.locator("#pairing")).to_contain_text("by ana")

    composer(theirs).fill("Hello?")
    composer(theirs).press("Enter")
    gateway.mark("message sent")
    expect(theirs.get_by_text(REPLY).first).to_be_visible(timeout=OF_A_START)
    gateway.mark("reply shown")
    office.picture(theirs, "chat")

    assert office.provider.chats[-1].authorization == f"Bearer {API_KEY}"
    save_times(office, ana, gateway)


def save_times(office: Office, ana: Person, gateway: Gateway) -> None:
    """Write how long each step took, beside the pictures."""
    begun = gateway.marks[0][1]
    seconds = {what: round(at - begun, 1) for what, at in gateway.marks}
    (office.folder / "first-chat.json").write_text(
        json.dumps({"clicks, with the account": ana.clicks, "seconds": seconds}, indent=2)
    )


def test_a_second_browser_is_a_second_request(
    office: Office, ana: Person, gateway: Gateway
) -> None:
    browsers = [office.person(), office.person()]
    for browser in browsers:
        wait_until_it_asks(browser.go(gateway.link))

    expect(requests(ana.page)).to_have_count(2)
    first, second = (f"#{each.get_attribute('id')}" for each in requests(ana.page).all())
    assert first != second
    office.picture(ana.page, "two-requests")
    for browser in browsers:
        browser.leave()
    ana.click(ana.page.locator(first).get_by_role("button", name="Reject"))

    expect(ana.page.locator(first)).to_have_count(0)
    expect(ana.page.locator(second)).to_be_visible()


def test_a_viewer_sees_who_asks_and_may_not_approve(
    office: Office, ana: Person, gateway: Gateway
) -> None:
    people = ana.go(f"{office.home}/people")
    users = people.get_by_role("region", name="Users")
    users.get_by_label("Add a user").fill("vic")
    users.get_by_label("Password").fill(PASSWORD)
    users.get_by_label("Role").select_option("viewer")
    users.get_by_role("button", name="Add").click()
    expect(users).to_contain_text("vic viewer")
    asks, vic = office.person(), office.person()
    asks.go(gateway.link)

    vic.log_in("vic")
    vic.page.goto(gateway.path)

    expect(requests(vic.page).first).to_contain_text("Chrome on Linux")
    expect(vic.button(re.compile("Approve|Reject|Remove|Reveal|Stop|Ask"))).to_have_count(0)
    office.picture(vic.page, "viewer")
    request_id = str(requests(vic.page).first.get_attribute("id")).removeprefix("request-")
    csrf = vic.page.locator("input[name=csrf_token]").first.get_attribute("value")
    # Sent by the page itself, because a session is valid only from its own address.
    status = vic.page.evaluate(
        """async ([path, fields]) =>
          (await fetch(path, {method: "POST", body: new URLSearchParams(fields)})).status""",
        [f"{gateway.path}/pairing/approve", {"csrf_token": str(csrf), "request_id": request_id}],
    )
    assert status == 403
    expect(vic.page.locator(f"#request-{request_id}")).to_be_visible()


def test_a_guessed_expired_or_reused_set_up_link_is_refused(
    office: Office, deployments_dir: Path, tmp_path: Path
) -> None:
    server = strangers_server(deployments_dir, tmp_path / "server.log").start()
    home = f"http://{office.machine.host}:{server.port}"
    eve, link = Person(office.browser, home), set_up_link(server, home)
    try:
        expect_dead(eve, f"{home}/setup/{'a' * 32}")
        with expired(deployments_dir / ".deploy-agent/people.json"):
            expect_dead(eve, link)
        make_account(Person(office.browser, home), link)
        expect_dead(eve, link)
        eve.page.goto("/")
        expect(eve.page).to_have_url(re.compile("/login"))
    finally:
        server.stop()


def expect_dead(eve: Person, link: str) -> None:
    answer = eve.page.goto(link)
    assert answer is not None
    assert answer.status == 404
    expect(eve.page.locator("main")).to_contain_text("This set-up link is not valid")
    expect(eve.page.get_by_role("textbox")).to_have_count(0)


@contextmanager
def expired(people: Path) -> Iterator[None]:
    """Make the set-up link expire for the duration of the block."""
    before = people.read_text()
    after = json.loads(before)
    after["setup"]["ends_at"] = time.time() - 1
    people.write_text(json.dumps(after))
    yield
    people.write_text(before)


def test_a_key_that_the_provider_refuses_is_shown_with_the_next_step(
    office: Office, ana: Person, gateway: Gateway
) -> None:
    office.provider.key = "sk-or-v1-another"

    ana.page.goto(gateway.path)
    ana.click(ana.button("Ask the provider"))

    answer = ana.page.get_by_role("region", name=re.compile("^Provider"))
    expect(answer).to_contain_text("does not accept the key (401)")
    expect(answer.locator(".next")).to_contain_text("set OPENROUTER_API_KEY in .env")
    expect(ana.page.locator("#deployment .badge")).to_have_text("running")
    office.picture(ana.page, "key-refused")
    office.provider.key = API_KEY
    eventually(lambda: ana.button("Ask the provider").is_enabled())


@pytest.mark.soak
def test_a_page_opened_by_name_explains_the_obstacle_and_one_button_allows_it(
    office: Office, ana: Person, gateway: Gateway
) -> None:
    bea = office.person(NAME)
    bea.log_in("ana")
    page = bea.page
    bea.click(page.get_by_role("link", name="Support bot"))
    obstacle = page.locator("[data-obstacle]")
    expect(obstacle).to_contain_text("will say “Browser origin not allowed”")
    origin = gateway.address.replace(office.machine.host, NAME).rstrip("/")
    expect(obstacle).to_contain_text(origin)
    bea.click(bea.button("Reveal the token"))
    theirs = bea.open(page.get_by_role("link", name="Open with this token"))
    assert theirs.url.startswith(origin)
    expect(theirs.get_by_text("origin not allowed").first).to_be_visible(timeout=20_000)
    office.picture(page, "wall")
    office.picture(theirs, "wall-of-the-gateway")

    bea.click(bea.button(re.compile("^Allow this name")))

    expect(obstacle).to_contain_text("must be approved once", timeout=OF_A_START)
    expect(page.locator("#deployment .badge")).to_have_text("running", timeout=OF_A_START)
    again = bea.go(f"{origin}/#token={gateway.token}")
    wait_until_it_asks(again)
    asking = requests(page).filter(has_text=f"opened {origin}")
    expect(asking).to_have_count(1)
    office.picture(page, "wall-gone")
    approve(asking)
    expect(composer(again)).to_be_visible(timeout=30_000)
