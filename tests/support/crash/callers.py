"""Twenty callers on two servers, who also edit files and use `docker` by hand."""

import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from tests.support.api import API_KEY
from tests.support.crash.deployment_past import Span
from tests.support.server import Server, free_port
from tests.support.waiting import eventually

_NOT_YET = Span(0, 0)
CALLERS = 20
# Callers act on the first few deployments. The other deployments are only listed.
_FOUGHT_OVER = 3
_PORTS = 5
_VERBS = {
    "launch": 8, "reconfigure": 8, "stop": 2, "archive": 2, "restore": 6, "list": 4, "status": 4,
    "edit .env": 1, "edit docker-compose.yml": 1, "kill": 1, "halt": 1, "remove": 1,
}  # fmt: skip


@dataclass
class Call:
    """A request or a manual action, with its result. The status of a manual action is 0."""

    verb: str
    deployment_id: str
    body: dict[str, Any] = field(default_factory=dict)
    span: Span = _NOT_YET
    status: int = 0
    answer: Any = None

    @property
    def code(self) -> str:
        return str(self.answer["code"]) if self.status >= 400 else ""


class Callers:
    """Callers with random plans. A caller's number and the seed decide its plan.

    `patience` is the probability that a caller waits for a busy deployment and tries again.
    """

    def __init__(
        self, servers: Sequence[Server], root: Path, engine: docker.APIClient, patience: float
    ) -> None:
        self._servers, self._root, self._engine = servers, root, engine
        self._patience = patience
        self._together = threading.Barrier(CALLERS)
        self._ports = [free_port() for _ in range(_PORTS)]
        self.ids: list[str] = []
        self.calls: list[Call] = []

    def run(self, number: int, seed: int, steps: int) -> None:
        mind = random.Random(seed * 1000 + number)
        self._together.wait()
        self._configure(number, mind)
        self._together.wait()
        for step in range(steps):
            [verb] = mind.choices(list(_VERBS), weights=_VERBS.values())
            call = Call(verb, mind.choice(self.ids[:_FOUGHT_OVER]))
            call.body = self._body(call, f"{number}-{step}", mind)
            if call.verb.startswith("edit"):
                self._edit(call, f"{number}_{step}")
            elif call.verb in ("kill", "halt", "remove"):
                self._by_docker(call)
            else:
                self._insist(call, mind)

    def _configure(self, number: int, mind: random.Random) -> None:
        """Configure a deployment. Every second caller requests the same port."""
        wanted: dict[str, object] = {"port": self._ports[0]} if number % 2 else {}
        call = Call("configure", "", {"openrouter_api_key": API_KEY, **wanted})
        self._ask(call, mind)
        if call.status == 200:
            self.ids.append(call.answer["deployment_id"])

    def _body(self, call: Call, name: str, mind: random.Random) -> dict[str, Any]:
        if call.verb in ("list", "status"):
            return {}
        body: dict[str, Any] = {"deployment_id": call.deployment_id}
        if call.verb in ("launch", "archive"):
            body["wait"] = mind.random() < 0.5
        if call.verb == "reconfigure":
            body |= {"name": name, "wait": False}
            if mind.random() < 0.5:
                body["port"] = mind.choice(self._ports)
        return body

    def _insist(self, call: Call, mind: random.Random) -> None:
        server = self._ask(call, mind)
        if call.code != "busy" or "operation" not in call.answer or mind.random() > self._patience:
            return
        path = f"operations/{call.deployment_id}/{call.answer['operation']['id']}"
        eventually(lambda: server.call("GET", path)[1].get("state") != "running", within=200)
        self._ask(Call(call.verb, call.deployment_id, call.body), mind)

    def _ask(self, call: Call, mind: random.Random) -> Server:
        server = mind.choice(self._servers)
        path = f"status/{call.deployment_id}" if call.verb == "status" else call.verb
        with self._noted(call):
            call.status, call.answer = server.call(
                "POST" if call.body else "GET", path, call.body or None
            )
        return server

    @contextmanager
    def _noted(self, call: Call) -> Iterator[None]:
        began = time.time()
        yield
        call.span = Span(began, time.time())
        self.calls.append(call)

    def _edit(self, call: Call, name: str) -> None:
        """Append a line as `echo >>` does; record the line only if the file is still in place."""
        file = call.verb.removeprefix("edit ")
        path = self._root / call.deployment_id / file
        line = f"BY_HAND_{name}=so\n" if file == ".env" else f"# by hand {name}\n"
        with suppress(FileNotFoundError), path.open("a") as opened, self._noted(call):
            opened.write(line)
            opened.flush()
            there = os.path.samestat(path.stat(), os.fstat(opened.fileno()))
            call.answer = line if there else None

    def _by_docker(self, call: Call) -> None:
        name = f"{call.deployment_id}-openclaw-1"
        with self._noted(call), suppress(APIError):
            match call.verb:
                case "kill":
                    self._engine.kill(name)
                case "halt":
                    self._engine.stop(name, timeout=1)
                case "remove":
                    self._engine.remove_container(name, force=True)
