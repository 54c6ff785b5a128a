"""A deployment in each state, as people meet them, on a server of their own."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api import API_KEY
from tests.server import Server
from tests.waiting import eventually

LONG_NAME = "Invoice-reader-for-the-accounting-team-in-Rotterdam-and-Antwerpen <b>&amp;</b>"
_WANTED = {
    "configured",
    "launching",
    "running",
    "unhealthy",
    "restarting",
    "stopped",
    "failed",
    "invalid",
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
    """`of` has the id of one deployment for each state, and of `hostile`."""

    server: Server
    of: dict[str, str]

    @property
    def paths(self) -> list[str]:
        """Every page there is."""
        own = [f"/deployments/{each}" for each in self.of.values()]
        more = [f"/deployments/{self.of[each]}/logs" for each in ("hostile", "failed", "invalid")]
        more += [f"/deployments/{self.of[each]}/operations/1" for each in ("launching", "failed")]
        more += ["/history", f"/deployments/{self.of['failed']}/history"]
        return ["/", "/deployments/new", *own, *more, f"{own[0]}/status"]

    @classmethod
    def fill(cls, server: Server) -> "Fleet":
        of = {
            "configured": configure(server),
            "launching": configure(server, image="deploy-agent-standin:never-healthy"),
            "running": configure(server, name=LONG_NAME, bind_address="127.0.0.1"),
            "unhealthy": configure(server, name="Sales", model="openrouter/anthropic/claude-4.5"),
            "restarting": configure(server, image="deploy-agent-standin:crash"),
            "failed": configure(server, name="Night", image="deploy-agent-standin:npm-missing"),
            "hostile": configure(server, name="Zoo", image="deploy-agent-standin:hostile-log"),
            "stopped": "0badc0ffee",
            "invalid": "00ddba11aa",
        }
        for state in ("launching", "running", "unhealthy", "failed", "hostile"):
            launch(server, of[state], wait=False)
        _older_folder(folder_of(server, of["stopped"]), "PORT=18790\nOPENCLAW_GATEWAY_TOKEN=abc\n")
        _older_folder(
            folder_of(server, of["invalid"]), 'PORT=18791\nOPENCLAW_GATEWAY_TOKEN="open\n'
        )
        _run("docker", "compose", "up", "-d", cwd=folder_of(server, of["restarting"]))
        eventually(lambda: _states(server)[of["unhealthy"]] == "running")
        # A container whose health is just being checked can't always be frozen at once.
        eventually(lambda: _paused(f"{of['unhealthy']}-openclaw-1"))
        eventually(lambda: all(_states(server)[of[each]] == each for each in _WANTED))
        return cls(server, of)


def _states(server: Server) -> dict[str, str]:
    _, rows = server.call("GET", "list")
    return {row["deployment_id"]: row["status"] for row in rows}


def _older_folder(folder: Path, env: str) -> None:
    folder.mkdir()
    (folder / ".env").write_text(env)


def _paused(container: str) -> bool:
    done = subprocess.run(("docker", "pause", container), check=False, capture_output=True)
    return done.returncode == 0


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
