"""The JSON API as a script uses it."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from demo.provider import API_KEY as API_KEY
from tests.support.openapi_check import CheckedClient

BASE = "http://localhost"


class Api:
    """Call an app's JSON API. Each method returns the app's response."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        app.test_client_class = CheckedClient
        self.client = app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(f"/api/deploy/{path}", base_url=BASE, **more)

    def post(self, path: str, body: object = None, **more: Any) -> TestResponse:
        return self.client.post(f"/api/deploy/{path}", json=body, base_url=BASE, **more)

    def page(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, base_url=BASE, **more)

    def configure(self, **fields: Any) -> str:
        """Configure a deployment and return its id."""
        answer = self.post("configure", {"openrouter_api_key": API_KEY, **fields})
        assert answer.status_code == 200, answer.text
        return str(answer.json["deployment_id"])

    def launch(self, deployment_id: str, **more: Any) -> TestResponse:
        return self.post("launch", {"deployment_id": deployment_id, **more})

    def configure_and_launch(self, **fields: Any) -> str:
        """Return the id of a new deployment whose launch has succeeded."""
        deployment_id = self.configure(**fields)
        answer = self.launch(deployment_id)
        assert answer.status_code == 200, answer.text
        return deployment_id

    def cancel(self, deployment_id: str) -> TestResponse:
        return self.post("cancel", {"deployment_id": deployment_id})

    def stop(self, deployment_id: str) -> TestResponse:
        return self.post("stop", {"deployment_id": deployment_id})

    def status(self, deployment_id: str) -> dict[str, Any]:
        answer = self.get(f"status/{deployment_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def listed(self, deployment_id: str) -> dict[str, Any]:
        """Return a deployment's entry in the list."""
        found = [row for row in self.get("list").json if row["deployment_id"] == deployment_id]
        assert len(found) == 1, found
        return dict(found[0])
