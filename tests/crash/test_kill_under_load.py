"""After a kill under load and a restart, all deployments are complete and can be used."""

import json
import os
import random
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from app.core.settings.env_file import parse_env
from app.store import history
from app.store.locks import is_locked
from app.store.operations import operations_folder
from demo.cleaning import operation_processes
from tests.support.api import API_KEY
from tests.support.server import Server, free_port
from tests.support.soak import rounds
from tests.support.waiting import eventually

_CALLERS = 6
_MOST = 4
_KEPT = 20
VERBS = ("launch", "launch", "stop", "restart", "rotate_token", "reconfigure", "archive", "restore")
VICTIMS = ("both", "operation", "server")
# Next steps after an interruption, as shown in the page's header or at the operation.
_WHAT_TO_DO = ("; launch again", "; finish it or undo it", "was killed or the host restarted")
STATES = {"configured", "running", "stopped", "failed", "launching"}


class Load:
    """Random calls in many threads until `end` is called."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server, self._seed = server, seed
        self._ending = threading.Event()
        self.answers: list[int] = []

    def run(self, number: int) -> None:
        mind = random.Random(self._seed * 100 + number)
        while not self._ending.is_set():
            # Ignore errors: the server is killed on purpose in the middle of calls.
            with suppress(OSError, HTTPException, ValueError):
                self.answers.append(self._do(mind))

    def end(self) -> None:
        self._ending.set()

    def _do(self, mind: random.Random) -> int:
        ids = [row["deployment_id"] for row in self._server.call("GET", "list")[1]]
        if len(ids) < _MOST and mind.random() < 0.3:
            body: dict[str, object] = {"openrouter_api_key": API_KEY}
            return self._server.call("POST", "configure", body)[0]
        archived = [row["deployment_id"] for row in self._server.call("GET", "archived")[1]]
        verb = mind.choice(VERBS)
        among = archived if verb == "restore" else ids
        if not among:
            return 0
        body = {"deployment_id": mind.choice(among)}
        if verb == "reconfigure":
            body |= {"port": free_port(), "timezone": mind.choice(("UTC", "Europe/Berlin"))}
        if verb != "restore":
            body["wait"] = False
        return self._server.call("POST", verb, body)[0]


def kill(victim: str, server: Server, deployments_dir: Path, mind: random.Random) -> None:
    running = operation_processes(deployments_dir)
    if victim in ("operation", "both") and running:
        with suppress(psutil.NoSuchProcess):
            mind.choice(running).kill()
    if victim in ("server", "both"):
        server.kill_group()


def folders_in(root: Path) -> list[Path]:
    found = [each for each in root.iterdir() if len(each.name) == 10]
    with suppress(FileNotFoundError):
        found += [each for each in (root / ".archive").iterdir() if each.is_dir()]
    return found


def assert_files_whole(root: Path) -> None:
    """Assert that each folder is complete, even during operations, and its history in order."""
    for folder in folders_in(root):
        with suppress(FileNotFoundError):  # The folder is just being moved.
            env = parse_env((folder / ".env").read_bytes())
            assert env["PORT"].isdecimal(), folder
            assert len(env["OPENCLAW_GATEWAY_TOKEN"]) == 64, folder
            assert yaml.safe_load((folder / "docker-compose.yml").read_text())["services"], folder
            assert json.loads((folder / "config/openclaw.json").read_text())["gateway"], folder
            entries = history.read_history(folder)
            folder.stat()  # Skips the rest if the folder was moved during these checks.
            assert entries[0]["what"] == "configure", folder
            numbers = [each["n"] for each in entries]
            assert numbers == sorted(set(numbers)), folder


def assert_all_holds(server: Server, root: Path) -> None:
    """Assert that list and folders agree once no operation runs any more."""
    [rows] = eventually(lambda: known_rows(server))
    archived = server.call("GET", "archived")[1]
    ids = [row["deployment_id"] for row in (*rows, *archived)]
    assert len(ids) == len(set(ids)), f"listed twice: {sorted(ids)}"
    assert {folder.name[:10] for folder in folders_in(root)} == set(ids)
    ports = [row["port"] for row in rows]
    assert len(ports) == len(set(ports)), f"a port is used twice: {sorted(ports)}"
    for row in rows:
        assert row["status"] in STATES, row
        folder = root / row["deployment_id"]
        assert not is_locked(folder), f"a lock stays: {row}"
        # Skip the oldest operations, which may be partly deleted.
        numbers = [int(each.name) for each in operations_folder(folder).glob("[0-9]*")]
        for number in sorted(numbers)[-_KEPT:]:
            status, operation = server.call("GET", f"operations/{folder.name}/{number}")
            assert status == 200, operation
            assert operation["state"] != "running", operation
        assert_interruption_is_told(server, folder.name)


def known_rows(server: Server) -> list[list[dict[str, Any]]]:
    """Return the list, or an empty result while the busy engine has not answered."""
    rows = server.call("GET", "list")[1]
    return [] if any(row["status"] == "unknown" for row in rows) else [rows]


def assert_interruption_is_told(server: Server, deployment_id: str) -> None:
    """Assert that an interrupted operation has a next step on the page and in the API's answer."""
    last = server.call("GET", f"status/{deployment_id}")[1]["operation"]
    if last and last["state"] == "interrupted":
        assert last["reason"], last
        assert last["next_step"], last
        page = urllib.request.urlopen(f"{server.url}/deployments/{deployment_id}").read().decode()
        assert "interrupted" in page, deployment_id
        assert any(each in page for each in _WHAT_TO_DO), deployment_id


def test_after_a_kill_under_load_and_a_restart_nothing_is_half_done(
    server: Server, deployments_dir: Path, pytestconfig: pytest.Config
) -> None:
    server.start()
    seed = int(os.environ.get("SEED", "7"))
    mind = random.Random(seed)
    for number in range(rounds(pytestconfig, 2, 200)):
        victim = VICTIMS[number % len(VICTIMS)]
        load = Load(server, seed * 1000 + number)
        with ThreadPoolExecutor(_CALLERS) as callers:
            calling = [callers.submit(load.run, each) for each in range(_CALLERS)]
            try:
                # Kill at a random time on purpose.
                time.sleep(mind.uniform(0.2, 1.5))
                kill(victim, server, deployments_dir, mind)
                assert_files_whole(deployments_dir)
            finally:
                load.end()
        for each in calling:
            each.result()
        assert 500 not in load.answers, f"round {number}"
        if victim != "operation":
            server.start()
        eventually(lambda: not operation_processes(deployments_dir), within=150)

        assert_files_whole(deployments_dir)
        assert_all_holds(server, deployments_dir)
    assert_all_can_be_stopped(server)


def assert_all_can_be_stopped(server: Server) -> None:
    bodies = [{"deployment_id": row["deployment_id"]} for row in server.call("GET", "list")[1]]
    with ThreadPoolExecutor() as callers:
        for status, answer in callers.map(lambda each: server.call("POST", "stop", each), bodies):
            assert (status, answer.get("status")) == (200, "stopped"), answer
