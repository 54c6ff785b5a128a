"""Restarts: whatever restarts, nothing is lost, and what runs goes on."""

import os
import signal
from pathlib import Path

from app.store.operations import read_log
from demo.cleaning import operation_processes
from tests.support.api import API_KEY
from tests.support.server import Server
from tests.support.waiting import eventually

SLOW = "deploy-agent-standin:slow-start"


def configure(server: Server, **fields: str) -> str:
    status, answer = server.call("POST", "configure", {"openrouter_api_key": API_KEY, **fields})
    assert status == 200, answer
    return str(answer["deployment_id"])


def launch_without_waiting(server: Server, deployment_id: str) -> None:
    body = {"deployment_id": deployment_id, "wait": False}
    assert server.call("POST", "launch", body)[0] == 202


def status_of(server: Server, deployment_id: str) -> str:
    return str(server.call("GET", f"status/{deployment_id}")[1]["status"])


def assert_launch_went_on(server: Server, folder: Path) -> None:
    """The launch that was under way ends well, and its log is whole."""
    eventually(lambda: status_of(server, folder.name) == "running", within=30)
    lines = [line.partition(" ")[2] for line in read_log(folder, 1)]
    assert lines[0] == "docker compose config"
    assert lines[-1] == "Done"
    assert lines.count("docker compose up -d") == 1
    assert server.call("GET", f"operations/{folder.name}/1")[1]["state"] == "succeeded"


def test_a_launch_goes_on_when_the_whole_server_is_killed(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    launched, other = configure(server, image=SLOW), configure(server, name="other")
    before = server.call("GET", "list")[1]
    launch_without_waiting(server, launched)
    eventually(lambda: operation_processes(deployments_dir))

    server.kill_group()
    server.start()

    after = server.call("GET", "list")[1]
    assert [row["deployment_id"] for row in after] == [row["deployment_id"] for row in before]
    assert status_of(server, launched) == "launching"
    assert status_of(server, other) == "configured"
    assert_launch_went_on(server, deployments_dir / launched)


def test_a_launch_goes_on_when_the_server_is_reloaded(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    launched = configure(server, image=SLOW)
    launch_without_waiting(server, launched)
    assert server.process is not None

    server.process.send_signal(signal.SIGHUP)

    eventually(lambda: server.log.read_text().count("Booting worker") == 2)
    assert_launch_went_on(server, deployments_dir / launched)


def test_the_log_says_at_the_start_what_was_found(server: Server) -> None:
    server.start()
    deployment_id = configure(server)
    port = server.call("GET", "list")[1][0]["port"]
    server.stop()

    server.start()

    restored = f"Restored deployment {deployment_id} (port={port}, status=configured)"
    eventually(lambda: restored in server.log.read_text())
    assert "Detected: docker compose (v2 plugin) v2." in server.log.read_text()


def test_a_killed_operation_is_interrupted_and_can_be_repeated(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    deployment_id = configure(server, image=SLOW)
    launch_without_waiting(server, deployment_id)
    [process] = eventually(lambda: operation_processes(deployments_dir))

    process.kill()

    def state() -> str:
        return str(server.call("GET", f"operations/{deployment_id}/1")[1]["state"])

    eventually(lambda: state() == "interrupted")
    answer = server.call("POST", "launch", {"deployment_id": deployment_id})
    assert answer[0] == 200, answer
    assert answer[1]["status"] == "running"


def test_a_stop_of_the_server_is_quick_and_leaves_operations_alone(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    deployment_id = configure(server, image=SLOW)
    launch_without_waiting(server, deployment_id)
    [process] = eventually(lambda: operation_processes(deployments_dir))
    assert server.process is not None

    server.process.send_signal(signal.SIGINT)

    assert server.process.wait(10) == 0
    assert process.is_running()
    assert os.getsid(process.pid) == process.pid
    assert "Traceback" not in server.log.read_text()
