"""Remove the processes, containers and networks of a scratch folder."""

import os
import signal
from pathlib import Path

import docker
import psutil

from app.core.deployment import is_id
from app.engine.client import engine_address

_PROJECT = "com.docker.compose.project"
_SETTING = "DEPLOY_AGENT_DEPLOYMENTS_DIR"


def remove_everything_of(deployments_dir: Path) -> None:
    """Remove every process, container and network of the deployments in a folder."""
    _end_processes(deployments_dir)
    folders = [*deployments_dir.iterdir(), *deployments_dir.glob(".archive/*")]
    ids = {name for each in folders if is_id(name := each.name.partition("-")[0])}
    if not ids:
        return
    client = docker.APIClient(base_url=engine_address(), version="auto", timeout=60)
    try:
        for deployment_id in ids:
            remove_project(client, deployment_id)
    finally:
        client.close()


def remove_project(client: docker.APIClient, deployment_id: str) -> None:
    label = {"label": f"{_PROJECT}={deployment_id}"}
    for container in client.containers(all=True, filters=label):
        client.remove_container(container["Id"], force=True, v=True)
    for network in client.networks(filters=label):
        client.remove_network(network["Id"])


def operation_processes(deployments_dir: Path) -> list[psutil.Process]:
    """Return the operation processes of the deployments in a folder."""
    return _processes(deployments_dir, "app.operation")


def _processes(deployments_dir: Path, *programs: str) -> list[psutil.Process]:
    """Return the processes that run one of the programs and have this folder as a setting."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = not set(programs).isdisjoint(process.cmdline())
            if ours and process.environ().get(_SETTING) == str(deployments_dir):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _end_processes(deployments_dir: Path) -> None:
    """Kill operations and leftover servers, with every process that they started."""
    processes = _processes(deployments_dir, "app.operation", "wsgi:app")
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # A gunicorn worker, which ended with the process group of its server.
    psutil.wait_procs(processes, timeout=10)
