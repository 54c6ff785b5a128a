"""A real server: gunicorn as `make run` starts it, on a separate port."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.config import PROJECT
from demo.provider import API_KEY
from tests.support.openapi_check import check
from tests.support.waiting import eventually


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Run gunicorn in a separate session, with its output in `log`.

    `command` is the Python command that runs gunicorn, and `project` is the working folder.
    `variables` are added to the environment. `token` is sent with API calls. `ready_status` is the
    status of `GET schema` once the server is ready.
    """

    command: Sequence[str | Path] = (sys.executable,)
    project: Path = PROJECT
    variables: Mapping[str, str] = {}
    token = ""
    ready_status = 200

    def __init__(self, deployments_dir: Path, log: Path, **settings: object) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.settings = {"port": self.port, "deployments_dir": deployments_dir, **settings}

    def environment(self) -> dict[str, str]:
        ours = {f"DEPLOY_AGENT_{key.upper()}": str(value) for key, value in self.settings.items()}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DEPLOY_AGENT_")}
        return {**inherited, **ours, **self.variables}

    def start(self, *arguments: str) -> "Server":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "-m", "gunicorn", "wsgi:app", *arguments],
                cwd=self.project,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, within=20)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.call("GET", "schema")[0] == self.ready_status
        except OSError:
            return False

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the JSON API. Return the status and the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/deploy/{path}",
            data,
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
            if self.token
            else {"Content-Type": "application/json"},
            method=method,
        )
        try:
            answer = urllib.request.urlopen(request, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            media, data = answer.headers.get_content_type(), answer.read()
        check(method, urlsplit(request.full_url).path, answer.status, media, data)
        return answer.status, json.loads(data)

    def configure(self, **fields: object) -> str:
        """Configure a deployment and return its id."""
        status, answer = self.call("POST", "configure", {"openrouter_api_key": API_KEY, **fields})
        assert status == 200, answer
        return str(answer["deployment_id"])

    def begin_launch(self, deployment_id: str) -> None:
        """Begin a launch without waiting for its end."""
        body = {"deployment_id": deployment_id, "wait": False}
        status, answer = self.call("POST", "launch", body)
        assert status == 202, answer

    def status_of(self, deployment_id: str) -> str:
        return str(self.call("GET", f"status/{deployment_id}")[1]["status"])

    def kill_group(self) -> None:
        """Kill gunicorn's master and worker at once, as `kill -9` of the process group does."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill_group()
