"""Taking away what a test started: operation processes, containers, networks, files of others."""

import os
import signal
from pathlib import Path

import docker
import psutil

from app.core.deployment import is_id
from app.engine.client import engine_address

_PROJECT = "com.docker.compose.project"


def remove_everything_of(deployments_dir: Path) -> None:
    """Leave no process, container or network of any deployment in a folder."""
    ids = [each.name for each in deployments_dir.iterdir() if is_id(each.name)]
    if not ids:
        return
    _end_operations(deployments_dir)
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
    """Return the operation processes that work on deployments in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "app.operation" in words and any(str(deployments_dir) in word for word in words):
            found.append(process)
    return found


def _end_operations(deployments_dir: Path) -> None:
    processes = operation_processes(deployments_dir)
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    psutil.wait_procs(processes, timeout=10)
