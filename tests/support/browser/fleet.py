"""A server with one deployment in each state."""

import secrets
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from app.config import Settings
from app.core.status.status import Status
from app.engine.client import engine_address
from app.usecases.context import build_context
from demo.fleet import WATCHFUL, Wanted, fill
from tests.support.api import API_KEY
from tests.support.server import Server
from tests.support.waiting import eventually

LONG_NAME = "Invoice-reader-for-the-accounting-team-in-Rotterdam-and-Antwerpen <b>&amp;</b>"
# Random for each process, because test processes share one engine and its orphans.
ORPHAN = secrets.token_hex(5)
ARCHIVED = f"{ORPHAN}-20261124T093125Z"
_WANTED = {
    "configured": Wanted("", Status.CONFIGURED),
    "launching": Wanted("", Status.LAUNCHING, "never-healthy"),
    "running": Wanted(LONG_NAME, fields={"bind_address": "127.0.0.1"}),
    "unhealthy": Wanted("Sales", Status.UNHEALTHY, "never-healthy", edits=WATCHFUL),
    "restarting": Wanted("", Status.RESTARTING, "crash"),
    "failed": Wanted("Night", Status.FAILED, "npm-missing"),
    "hostile": Wanted("Zoo", fault="hostile-log"),
}
_OLDER = {
    "stopped": ("0badc0ffee", "PORT=18790\nOPENCLAW_GATEWAY_TOKEN=abc\n"),
    "invalid": ("00ddba11aa", 'PORT=18791\nOPENCLAW_GATEWAY_TOKEN="open\n'),
}


def folder_of(server: Server, deployment_id: str) -> Path:
    return Path(str(server.settings["deployments_dir"])) / deployment_id


def configure(server: Server, **fields: Any) -> str:
    """Configure a deployment over the API and return its id."""
    code, answer = server.call("POST", "configure", {"openrouter_api_key": API_KEY, **fields})
    assert code == 200, answer
    return str(answer["deployment_id"])


def launch(server: Server, deployment_id: str, wait: bool = True) -> None:
    body = {"deployment_id": deployment_id, "wait": wait}
    code, answer = server.call("POST", "launch", body)
    assert code == (200 if wait else 202), answer


@dataclass(frozen=True)
class Fleet:
    """A running server with its deployments. `of` maps each state, and `hostile`, to an id."""

    server: Server
    of: dict[str, str]

    @property
    def paths(self) -> list[str]:
        """The paths of all pages."""
        own = [f"/deployments/{each}" for each in self.of.values()]
        more = [f"/deployments/{self.of[each]}/logs" for each in ("hostile", "failed", "invalid")]
        more += [f"/deployments/{self.of[each]}/operations/1" for each in ("launching", "failed")]
        more += ["/history", "/messages", f"/deployments/{self.of['failed']}/history"]
        asked = f"/deployments/{self.of['running']}"
        actions = ("stop", "restart", "archive", "rotate-token", "token", "update", "go-back")
        more += [f"{asked}/{verb}" for verb in (*actions, "edit")]
        more += ["/archive", f"/archive/{ARCHIVED}/purge"]
        more += ["/?q=nowhere", "/people", "/login", "/doctor", "/api", "/updates"]
        more += ["/stranded", f"/stranded/remove?project={ORPHAN}"]
        return ["/", "/deployments/new", *own, *more, f"{own[0]}/status"]

    @classmethod
    def fill(cls, server: Server) -> "Fleet":
        context = build_context(Settings(**server.settings))
        of = dict(zip(_WANTED, fill(_WANTED.values(), context=context), strict=True))
        for state, (older, env) in _OLDER.items():
            of[state] = older
            _older_folder(folder_of(server, older), env)
        folder_of(server, ".archive").mkdir()
        env = f"PORT=18792\nDEPLOYMENT_NAME='{LONG_NAME}'\n"
        _older_folder(folder_of(server, f".archive/{ARCHIVED}"), env)
        _leave_network(ORPHAN)
        eventually(
            lambda: all(_states(server)[of[each]] == each for each in of.keys() & set(Status))
        )
        return cls(server, of)


def _states(server: Server) -> dict[str, str]:
    _, rows = server.call("GET", "list")
    return {row["deployment_id"]: row["status"] for row in rows}


def _leave_network(project: str) -> None:
    """Create a network with the labels of a Compose network."""
    labels = {"com.docker.compose.project": project, "com.docker.compose.network": "default"}
    with closing(docker.APIClient(base_url=engine_address(), version="auto")) as engine:
        engine.create_network(f"{project}_default", labels=labels)


def _older_folder(folder: Path, env: str) -> None:
    folder.mkdir()
    (folder / ".env").write_text(env)
