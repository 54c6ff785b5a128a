"""A separate engine beside the machine's engine. Tests may stop, kill, freeze or fill it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.support.browser.other_machine import connect, ip
from tests.support.engine.images import STANDIN
from tests.support.waiting import eventually

_START_SECONDS = 60
# dockerd starts this proxy for each published port. It runs Docker's own proxy on this host, which
# forwards to the same port in dockerd's namespace. dockerd's rules forward from there to the
# container.
_PROXY = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -host-port) port=$2; kept="$kept $1 $2" ;;
    -container-ip | -container-port) ;;
    *) kept="$kept $1 $2" ;;
  esac
  shift 2
done
exec nsenter --net={host} docker-proxy $kept -container-ip {inside} -container-port $port
"""


def why_no_engine() -> str:
    """Return why this machine can't run another engine, or an empty string."""
    if os.geteuid() != 0:
        return "only root starts an engine"
    missing = [each for each in ("dockerd", "ip", "nsenter") if not shutil.which(each)]
    return f"not installed: {', '.join(missing)}" if missing else ""


class OwnEngine:
    """A real dockerd with all its files in one folder.

    Its networks and iptables rules are in a separate network namespace. In the host's namespace
    they would have the same names as those of the machine's engine, and dockerd would take over
    docker0. Only published ports listen on this host, and forward into the namespace. `options` are
    options of dockerd, such as `--live-restore`. With `megabytes`, dockerd's data is on a file
    system of that size.
    """

    def __init__(self, folder: Path, *options: str, megabytes: int | None = None) -> None:
        self.folder = folder
        self.options = options
        self.log = folder / "dockerd.log"
        self.data = folder / "data"
        self.socket = folder / "docker.sock"
        self.address = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None
        self._namespace = folder.name
        self.data.mkdir()
        if megabytes:
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self.data))

    def __repr__(self) -> str:
        return f"<engine at {self.address}>"

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, *options: str) -> "OwnEngine":
        """Start the engine unless it runs. `options` apply to this start only."""
        if self.is_up:
            return self
        self._make_network()
        # These files hold the process ids of an earlier dockerd and of its containerd, which ended
        # together. If a living process has one of these ids, dockerd does not start, or waits for
        # containerd.
        for left in ("pid", "exec/containerd/containerd.pid"):
            (self.folder / left).unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self._namespace}"),
                    # End the engine if the test run is killed.
                    *("setpriv", "--pdeathsig", "TERM"),
                    "dockerd",
                    f"--host={self.address}",
                    f"--data-root={self.data}",
                    f"--exec-root={self.folder / 'exec'}",
                    f"--pidfile={self.folder / 'pid'}",
                    f"--userland-proxy-path={self._proxy}",
                    "--config-file=",
                    "--shutdown-timeout=2",
                    *self.options,
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, within=_START_SECONDS)
        return self

    @property
    def _proxy(self) -> Path:
        return self.folder / "proxy"

    def _make_network(self) -> None:
        """Connect the namespace to this host, and write the script for the proxies on this host."""
        if Path("/run/netns", self._namespace).exists():
            return
        name, cable = self._namespace, self._namespace.replace("engine-", "own")
        _, inside = connect(name, cable)
        self._proxy.write_text(_PROXY.format(host=f"/proc/{os.getpid()}/ns/net", inside=inside))
        self._proxy.chmod(0o755)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with socket.socket(socket.AF_UNIX) as caller, contextlib.suppress(OSError):
            caller.settimeout(5)
            caller.connect(str(self.socket))
            caller.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in caller.recv(64)
        return False

    def stop(self) -> None:
        """Stop the engine as an init system does. Without `--live-restore`, containers stop too."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the engine without clean-up: its socket stays, and its containers keep running."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.is_up:
            self.thaw()
            self.process.send_signal(how)
            self.process.wait(_START_SECONDS)

    def freeze(self) -> None:
        """Let the engine accept connections and never answer."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def lose_power(self) -> None:
        """Kill engine and containers at once, as a power cut does. `start` boots them again."""
        self.kill()
        self._end_everything()
        shutil.rmtree(self.folder / "exec", ignore_errors=True)

    def load(self, *images: str) -> None:
        """Copy images from the machine's engine, whatever DOCKER_HOST says."""
        machine = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
        with subprocess.Popen(
            ["docker", "save", *images], stdout=subprocess.PIPE, env=machine
        ) as saved:
            _run("docker", "--host", self.address, "load", "--quiet", stdin=saved.stdout)
        assert saved.returncode == 0

    def docker(self, *arguments: str) -> str:
        """Return the output of a `docker` command on this engine."""
        return _run("docker", "--host", self.address, *arguments)

    def remove(self) -> None:
        """Remove all containers, networks, processes, mounts and files of this engine."""
        try:
            if self.process is not None:
                self.thaw()
                self.start()
                if ids := self.docker("ps", "--all", "--quiet").split():
                    self.docker("rm", "--force", "--volumes", *ids)
                self.docker("network", "prune", "--force")
                self.stop()
        finally:
            if self.is_up:
                self.kill()
            self._end_everything()
            shutil.rmtree(self.folder)

    def _end_everything(self) -> None:
        """Kill the processes that dockerd leaves behind: containerd, containers and their shims."""
        ours = [each for each in psutil.process_iter() if str(self.folder) in _command(each)]
        # The engine's folder is in the arguments of a container's shim, not of its process.
        left = [*ours, *(child for each in ours for child in _descendants(each))]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)
        for mount in _mounts_below(self.folder):
            _run("umount", "--lazy", mount)
        if Path("/run/netns", self._namespace).exists():
            ip("netns", "delete", self._namespace)


@contextlib.contextmanager
def running_engine(
    *options: str, megabytes: int | None = None, images: tuple[str, ...] = ()
) -> Iterator[OwnEngine]:
    """Yield a running engine that has some images; remove it afterwards."""
    # A short path: a socket's path has at most 108 bytes, and containerd appends a long one.
    engine = OwnEngine(
        Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp")),
        *options,
        megabytes=megabytes,
    )
    try:
        engine.start().load(STANDIN, *images)
        yield engine
    finally:
        engine.remove()


def _run(*command: str, stdin: object = subprocess.DEVNULL) -> str:
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, timeout=120)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return str(done.stdout)


def _command(process: psutil.Process) -> str:
    try:
        return f"{process.name()} {' '.join(process.cmdline())}" if _is_engines(process) else ""
    except psutil.Error:
        return ""


def _is_engines(process: psutil.Process) -> bool:
    return process.name().startswith(("containerd", "docker"))


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    return sorted((each for each in points if each.startswith(f"{folder}/")), reverse=True)
