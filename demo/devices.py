"""WebSocket clients of a gateway: browsers and operators, each with its own device key."""

import json
import secrets
import socket
from typing import Any
from uuid import uuid4

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from app.core.access.device import Client, DeviceIdentity

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)
# The scopes that OpenClaw's own page requests.
PAGE_SCOPES = (
    "operator.admin",
    "operator.read",
    "operator.write",
    "operator.approvals",
    "operator.pairing",
)


class Browser:
    """A browser with a gateway's page, opened under a LAN address as from another machine.

    Under 127.0.0.1 the gateway would pair the browser at once.
    """

    def __init__(
        self,
        port: int | str,
        token: str,
        *,
        name: str = "10.9.8.7",
        scopes: Any = PAGE_SCOPES,
        platform: str = "Linux x86_64",
        agent: str = CHROME,
    ) -> None:
        self.port, self.token, self.name, self.scopes = int(port), token, name, scopes
        self.agent = agent
        self.client = Client("openclaw-control-ui", "webchat", platform)
        self.identity = DeviceIdentity(secrets.token_bytes(32))
        self.connection: ClientConnection | None = None

    def knock(self) -> dict[str, Any]:
        """Try to connect and return the gateway's answer. An accepted connection stays open."""
        self.close()
        host = f"{self.name}:{self.port}"
        connection = self.connection = connect(
            f"ws://{host}/",
            sock=socket.create_connection(("127.0.0.1", self.port), 10),
            origin=Origin(f"http://{host}"),
            user_agent_header=self.agent,
            proxy=None,
            legacy=True,
        )
        challenge = json.loads(connection.recv(timeout=10))["payload"]
        proof = self.identity.proof(
            self.client, self.scopes, self.token, challenge["nonce"], challenge["ts"]
        )
        client = {
            "id": self.client.id,
            "mode": self.client.mode,
            "platform": self.client.platform,
        }
        answer = self.call(
            "connect",
            minProtocol=4,
            maxProtocol=4,
            client={**client, "version": "1.0.0", "buildId": "dev"},
            role="operator",
            scopes=list(self.scopes),
            auth={"token": self.token},
            device=proof,
        )
        if not answer["ok"]:
            self.close()
        return answer

    def ask(self) -> str:
        """Try to connect, and return the id of the pairing request."""
        answer = self.knock()
        assert not answer["ok"], answer
        assert answer["error"]["details"]["code"] == "PAIRING_REQUIRED", answer
        return str(answer["error"]["details"]["requestId"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        assert self.connection is not None
        identifier = str(uuid4())
        frame = {"type": "req", "id": identifier, "method": method, "params": parameters}
        self.connection.send(json.dumps(frame))
        while True:
            answer: dict[str, Any] = json.loads(self.connection.recv(timeout=10))
            if answer.get("id") == identifier:
                return answer

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
