"""A restart of the server loses nothing, and operations continue."""

import os
import signal
from pathlib import Path

from app.store.operation_log import read_log
from demo.cleaning import operation_processes
from tests.support.engine.images import SLOW_START
from tests.support.server import Server
from tests.support.waiting import eventually


def assert_launch_went_on(server: Server, folder: Path) -> None:
    """Assert that the running launch succeeds, with a complete log."""
    eventually(lambda: server.status_of(folder.name) == "running", within=30)
    lines = [line.partition(" ")[2] for line in read_log(folder, 1)]
    assert lines[0] == "docker compose config"
    assert lines[-1] == "Done"
    assert lines.count("docker compose up -d") == 1
    assert server.call("GET", f"operations/{folder.name}/1")[1]["state"] == "succeeded"


def test_a_launch_continues_when_the_server_is_killed(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    launched, other = server.configure(image=SLOW_START), server.configure(name="other")
    before = server.call("GET", "list")[1]
    server.begin_launch(launched)
    eventually(lambda: operation_processes(deployments_dir))

    server.kill_group()
    server.start()

    after = server.call("GET", "list")[1]
    assert [row["deployment_id"] for row in after] == [row["deployment_id"] for row in before]
    assert server.status_of(launched) == "launching"
    assert server.status_of(other) == "configured"
    assert_launch_went_on(server, deployments_dir / launched)


def test_a_launch_continues_when_the_server_is_reloaded(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    launched = server.configure(image=SLOW_START)
    server.begin_launch(launched)
    assert server.process is not None

    server.process.send_signal(signal.SIGHUP)

    eventually(lambda: server.log.read_text().count("Booting worker") == 2)
    assert_launch_went_on(server, deployments_dir / launched)


def test_the_server_log_lists_the_deployments_at_the_start(server: Server) -> None:
    server.start()
    deployment_id = server.configure()
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
    deployment_id = server.configure(image=SLOW_START)
    server.begin_launch(deployment_id)
    [process] = eventually(lambda: operation_processes(deployments_dir))

    process.kill()

    def state() -> str:
        return str(server.call("GET", f"operations/{deployment_id}/1")[1]["state"])

    eventually(lambda: state() == "interrupted")
    answer = server.call("POST", "launch", {"deployment_id": deployment_id})
    assert answer[0] == 200, answer
    assert answer[1]["status"] == "running"


def test_stopping_the_server_is_quick_and_leaves_operations_running(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    deployment_id = server.configure(image=SLOW_START)
    server.begin_launch(deployment_id)
    [process] = eventually(lambda: operation_processes(deployments_dir))
    assert server.process is not None

    server.process.send_signal(signal.SIGINT)

    assert server.process.wait(10) == 0
    assert process.is_running()
    assert os.getsid(process.pid) == process.pid
    assert "Traceback" not in server.log.read_text()
