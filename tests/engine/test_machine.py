"""Facts about this host: disks, sockets and port ranges."""

import os
import socket
from pathlib import Path

from app.engine.host import machine, network


def test_free_space_of_a_missing_folder_is_that_of_its_parent(tmp_path: Path) -> None:
    disk = machine.disk_of(tmp_path / "a/b")

    assert disk.path == str(tmp_path)
    assert 0 < disk.free <= disk.total


def test_the_engine_socket_is_described_by_mode_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)

        facts = machine.socket_facts(f"unix://{path}")

    assert (facts.path, facts.mode, facts.usable) == (str(path), 0o660, True)
    assert facts.owner == machine.user_name() == machine.user_name_of(os.geteuid())
    assert facts.held


def test_a_listening_program_is_found_by_its_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        found = [each for each in network.listeners() if each.port == port]

    assert [each.address for each in found] == ["127.0.0.1"]
    assert found[0].program


def test_only_dockers_own_two_ports_are_its_api() -> None:
    listeners = [
        network.Listener("0.0.0.0", 2375, "dockerd"),
        network.Listener("::", 2376, "dockerd"),
        network.Listener("::", 7946, "dockerd"),
        network.Listener("0.0.0.0", 2375, "nginx"),
    ]

    assert machine.engine_ports(listeners) == ["0.0.0.0:2375", "[::]:2376"]


def test_the_kernels_range_of_ports_is_read() -> None:
    low, high = machine.ephemeral_ports() or (0, 0)

    assert 0 < low < high < 65536
    assert all(a <= b for a, b in machine.reserved_ports())
    assert machine.clock_is_synchronized() in (True, False, None)
