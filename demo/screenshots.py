"""`make screenshots`: take the README's pictures of the demo in a real browser."""

import base64
import json
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.config import PROJECT
from app.core.status.status import Status
from demo.chromium import FLAGS, program
from demo.company import ASKED, BROKEN
from demo.provider import API_KEY
from demo.show import Demo, running_demo

PICTURES = PROJECT / "docs" / "pictures"
# Shown in the pictures in place of this machine's folder and host name.
_FOLDER = Path(tempfile.gettempdir()) / "deploy-agent"
_HOST = "agents.example.com"
_QUALITY = 75
_THEMES = ("light", "dark")


@dataclass(frozen=True)
class _Screen:
    name: str
    width: int
    height: int
    scale: float


_WIDE = _Screen("wide", 1440, 1000, 1.5)
_PHONE = _Screen("phone", 390, 844, 2)


@dataclass(frozen=True)
class _Picture:
    """A picture: its name, its page, and a function that waits until the page is complete."""

    name: str
    path: str
    await_it: Callable[[Page], None]
    screens: tuple[_Screen, ...] = (_WIDE,)


@click.command()
def main() -> None:
    """Take all pictures again: dark and light, desktop and phone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with running_demo(_FOLDER, public_host=_HOST) as (demo, _), sync_playwright() as playwright:
        click.echo("Filling the demo …")
        demo.fill()
        chromium = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        PICTURES.mkdir(parents=True, exist_ok=True)
        for picture in _pictures(demo):
            for screen in picture.screens:
                for theme in _THEMES:
                    file = PICTURES / f"{picture.name}-{screen.name}-{theme}.webp"
                    file.write_bytes(_taken(picture, screen, theme, chromium, demo))
                    click.echo(f"{file.relative_to(PROJECT)}  {file.stat().st_size // 1024} KiB")
        chromium.close()


def _pictures(demo: Demo) -> list[_Picture]:
    asked, broken = (f"/deployments/{demo.ids[name]}" for name in (ASKED, BROKEN))
    return [
        _Picture("list", "/", lambda page: _await_list(page, demo), (_WIDE, _PHONE)),
        _Picture("deployment", asked, _await_deployment, (_WIDE, _PHONE)),
        _Picture("failed", broken, lambda page: None),
        _Picture("configure", "/deployments/new", lambda page: None),
    ]


def _await_list(page: Page, demo: Demo) -> None:
    for each in demo.wanted:
        row = page.locator(f"#row-{demo.ids[each.name]}")
        expect(row.locator("[data-status]").first).to_have_text(each.status)
        if each.status is Status.RUNNING:
            expect(row.locator(".cell-memory")).to_contain_text("MiB")


def _await_deployment(page: Page) -> None:
    expect(page.get_by_text("devices ask to be paired")).to_be_visible()
    expect(page.get_by_text("accepts the key").first).to_be_attached()


def _taken(picture: _Picture, screen: _Screen, theme: str, chromium: Browser, demo: Demo) -> bytes:
    context = chromium.new_context(
        base_url=demo.url,
        viewport={"width": screen.width, "height": screen.height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        timezone_id="Europe/Amsterdam",
        locale="en-GB",
    )
    with context, context.new_page() as page:
        page.add_init_script(_ELSEWHERE % (json.dumps(str(PROJECT)), '"/srv/deploy-agent"'))
        page.goto(picture.path)
        expect.set_options(timeout=90_000)
        picture.await_it(page)
        _refuse_what_nobody_may_see(page, demo)
        session = context.new_cdp_session(page)
        area = {"x": 0, "y": 0, "width": screen.width, "height": screen.height}
        given = {"format": "webp", "quality": _QUALITY, "clip": {**area, "scale": screen.scale}}
        return base64.b64decode(session.send("Page.captureScreenshot", given)["data"])


# Commands to copy contain this machine's folder, and live updates insert the folder again.
_ELSEWHERE = """
const move = (node) => {
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  for (let text = texts.currentNode; text; text = texts.nextNode()) {
    const moved = text.nodeType === Node.TEXT_NODE && text.data.replaceAll(%s, %s);
    if (moved && moved !== text.data) text.data = moved;
  }
};
new MutationObserver(() => move(document.documentElement)).observe(document, {
  subtree: true, childList: true, characterData: true,
});
"""


def _refuse_what_nobody_may_see(page: Page, demo: Demo) -> None:
    """Exit if the page shows a secret or a name of this machine."""
    tokens = (demo.context.store.load(each).token for each in demo.ids.values())
    words = page.locator("body").inner_text()
    for each in (API_KEY, *filter(None, tokens), str(PROJECT), socket.gethostname()):
        if each in words.split() or (len(each) > 8 and each in words):
            sys.exit(f"{page.url} shows a secret or a name of this machine: {each[:4]}…")


if __name__ == "__main__":
    main()
