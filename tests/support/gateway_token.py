"""A deployment's gateway token: its places, and whether the gateway accepts a token."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from app.config import PROJECT
from app.core.settings.env_file import parse_env
from app.engine.gateway.handshake import connect_request
from app.store.operation_log import read_log
from tests.support.api import Api

KEY = "OPENCLAW_GATEWAY_TOKEN"
CONNECTS = (PROJECT / "images/standin/connect.mjs").read_text()


class GatewayToken:
    """Reads and changes one deployment's token, in each of its places."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder, self.id = api, folder, folder.name

    @property
    def in_env(self) -> str:
        return parse_env((self.folder / ".env").read_bytes())[KEY]

    @property
    def config(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "config/openclaw.json").read_text()))

    @property
    def in_config(self) -> str:
        return str(self.config["gateway"]["auth"]["token"])

    def write_config(self, token: str | None) -> None:
        config = self.config
        config["gateway"]["auth"] = {"mode": "token"} | ({"token": token} if token else {})
        (self.folder / "config/openclaw.json").write_text(json.dumps(config))

    def answer_to(self, token: str) -> str:
        """Return the gateway's answer to a token: `hello-ok`, or the error code."""
        port = parse_env((self.folder / ".env").read_bytes())["PORT"]
        with connect(f"ws://127.0.0.1:{port}", proxy=None) as gateway:
            gateway.recv(timeout=10)
            gateway.send(json.dumps(connect_request("1", token)))
            answer = json.loads(gateway.recv(timeout=10))
        return str(
            answer["payload"]["type"] if answer["ok"] else answer["error"]["details"]["code"]
        )

    def accepts(self, token: str) -> bool:
        with suppress(OSError, WebSocketException):
            return self.answer_to(token) == "hello-ok"
        return False

    @contextmanager
    def refusing(self, which: str) -> Iterator[None]:
        """From its next start on, let the gateway refuse a token if the condition `which` holds."""
        connects = self.folder / "connect.mjs"
        changed = CONNECTS.replace("secret !== this.#token", which)
        assert changed != CONNECTS
        connects.write_text(changed)
        try:
            yield
        finally:
            connects.write_text(CONNECTS)

    def places(self) -> dict[str, str]:
        answer = self.api.get(f"token/{self.id}")
        assert answer.status_code == 200, answer.text
        return {each["place"]: each["match"] for each in answer.json["places"]}

    def rotate(self, **more: object) -> Any:
        return self.api.post("rotate_token", {"deployment_id": self.id, **more})

    def equalize(self) -> Any:
        return self.api.post("token/equalize", {"deployment_id": self.id})

    def page(self, of: str = "") -> str:
        return self.api.page(f"/deployments/{self.id}{of}").text

    def log(self, number: int) -> list[str]:
        return [line.partition(" ")[2] for line in read_log(self.folder, number)]

    def own_files_text(self) -> str:
        """Return the text of all files in the deployment's `.deploy-agent` folder, joined."""
        kept = (self.folder / ".deploy-agent").rglob("*")
        return "".join(path.read_text(errors="replace") for path in kept if path.is_file())
