"""Browser visits: separate browser contexts whose pages are watched for errors."""

import logging
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.support.server import Server

_log = logging.getLogger(__name__)


class Visits:
    """Opens pages of one server. `end` fails the test if a page had an error.

    Errors are: a script error, an error on the console, a request to another site, a failed
    request, a response of 400 or above. A test allows the errors that it provokes.
    """

    def __init__(self, chromium: Browser, server: Server) -> None:
        self.chromium = chromium
        self.server = server
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.allowed: set[int] = set()
        self.may_fail = False
        self._contexts: list[BrowserContext] = []

    def open(
        self, *, javascript: bool = True, width: int = 1280, theme: str = "light", **more: Any
    ) -> Page:
        """Return a page in a new browser context, as for a new visitor."""
        context = self.chromium.new_context(
            base_url=self.server.url,
            java_script_enabled=javascript,
            viewport={"width": width, "height": 800},
            color_scheme=theme,  # type: ignore[arg-type]
            # Without a graphics card animations keep a processor busy.
            reduced_motion="reduce",
            **more,
        )
        context.set_default_timeout(30_000)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self._contexts.append(context)
        return context.new_page()

    def allow(self, *statuses: int) -> None:
        self.allowed.update(statuses)

    def end(self) -> None:
        for context in self._contexts:
            # Log the page's address, so that a failed test shows it.
            _log.warning("left at %s", [page.url for page in context.pages])
            context.close()
        _log.warning("last asked for %s", self.requests[-5:])
        assert not self.complaints, "\n".join(self.complaints)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((f"{self.server.url}/", "data:")):
            self.complaints.append(f"elsewhere: {request.url}")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends its stream.
        if request.failure != "net::ERR_ABORTED" and not self.may_fail:
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.complaints.append(f"answered {response.status}: {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # Other handlers check responses and failed requests.
        if message.type != "error" or message.text.startswith("Failed to load resource"):
            return
        # htmx reports requests that failed on the console.
        if not (self.may_fail and message.text.startswith("htmx:")):
            self.complaints.append(f"console: {message.text}")


def reconnect_stream(page: Page) -> None:
    """Reconnect the page's stream, and wait until it has shown what the stream sends."""
    page.evaluate(
        """() => new Promise((taken) => {
          document.addEventListener("htmx:after:swap", taken, { once: true });
          document.dispatchEvent(new Event("visibilitychange"));
        })"""
    )
