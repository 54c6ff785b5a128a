"""A gateway, and browsers that request pairing."""

from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from app.core.settings.env_file import parse_env
from app.store.history import read_history
from demo.devices import Browser
from tests.support.api import BASE, Api
from tests.support.pages import csrf_token


class PairingGateway:
    """A deployment, and browsers that connect to its gateway's port."""

    def __init__(self, api: Api, deployments_dir: Path, base_url: str = "") -> None:
        self.api = api
        self.id = api.configure(name="Support bot", openrouter_base_url=base_url)
        self.folder = deployments_dir / self.id
        self.env = parse_env((self.folder / ".env").read_bytes())
        self._browsers: list[Browser] = []

    def browser(self, **more: Any) -> Browser:
        browser = Browser(self.env["PORT"], self.env["OPENCLAW_GATEWAY_TOKEN"], **more)
        self._browsers.append(browser)
        return browser

    def close_browsers(self) -> None:
        for browser in self._browsers:
            browser.close()

    def devices(self) -> dict[str, Any]:
        answer = self.api.get(f"pairing/{self.id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def known(self) -> dict[str, Any] | None:
        """Return the devices, or None before the gateway has listed them."""
        devices = self.devices()
        return devices if devices["state"] == "known" else None

    def pending_ids(self) -> list[str]:
        return [each["request_id"] for each in self.devices()["pending"]]

    def answer(self, verb: str, **given: str) -> TestResponse:
        return self.api.post(f"pairing/{verb}", {"deployment_id": self.id, **given})

    def page(self) -> str:
        return self.api.page(f"/deployments/{self.id}").text

    def press_button(self, verb: str, **given: str) -> TestResponse:
        """Submit a button's form, as a browser without JavaScript does."""
        return self.api.client.post(
            f"/deployments/{self.id}/pairing/{verb}",
            data={"csrf_token": csrf_token(self.page()), **given},
            base_url=BASE,
        )

    def device_entries(self) -> list[dict[str, Any]]:
        return [each for each in read_history(self.folder) if "device" in each]
