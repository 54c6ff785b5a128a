"""The demo: the company's deployments in a scratch folder, and the page that shows them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from websockets.exceptions import WebSocketException

from app.config import PROJECT, Settings
from app.engine.host import port_is_free
from app.store.locks import Locked, lock_folder
from app.usecases.world import build_world
from demo.cleaning import remove_everything_of
from demo.company import ASKED, CURRENT, MODELS, STANDIN, company
from demo.devices import Browser
from demo.fleet import fill
from demo.provider import Provider

FOLDER = PROJECT / ".cache" / "demo"
_PAGE_PORT, _PROVIDER_PORT = 8000, 8090
# A gateway forgets after five minutes who has asked.
ASK_AGAIN_SECONDS = 60
# As long as one may look at it: the slow launch goes on until then.
_LAUNCH_SECONDS = 86400
_PLATFORMS = ("MacIntel", "Win32")


class Demo:
    """The company's deployments, with a server that shows them and a provider that answers."""

    def __init__(self, settings: Settings, provider: Provider) -> None:
        self.world = build_world(settings)
        self.url = f"http://127.0.0.1:{settings.port}"
        self.provider = provider
        # The id of each, by its name.
        self.ids: dict[str, str] = {}
        self._askers: list[Browser] = []

    def fill(self) -> None:
        wanted = company(self.provider.address, self.provider.port)
        made = fill(wanted, world=self.world)
        self.ids.update(zip((each.name for each in wanted), made, strict=True))
        asked = self.world.store.load(self.ids[ASKED])
        assert asked.port
        self._askers = [
            Browser(asked.port, asked.token, platform=platform) for platform in _PLATFORMS
        ]
        self.ask()

    def ask(self) -> None:
        """Let the colleagues' browsers ask, as an open page of the gateway does again and again."""
        for each in self._askers:
            if each.connection is None:
                # Somebody may have stopped the gateway, or turned them away.
                with suppress(OSError, WebSocketException):
                    each.knock()


@contextmanager
def running_demo(folder: Path) -> Iterator[tuple[Demo, subprocess.Popen[bytes]]]:
    """Serve an empty demo; afterwards nothing is left of it, nor of one that was killed."""
    lock = _lock(folder)
    deployments_dir = folder / "deployments"
    try:
        _take_away(deployments_dir)
        settings = _settings(deployments_dir)
        with _provider() as provider, _served(settings) as server:
            yield Demo(settings, provider), server
    finally:
        # The second Ctrl-C of somebody in a hurry must not leave half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _take_away(deployments_dir)
        shutil.rmtree(folder)
        os.close(lock)


def _lock(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return lock_folder(folder)
    except (Locked, FileNotFoundError):
        sys.exit(f"A demo runs already, with its deployments in {folder}.")


def _settings(deployments_dir: Path) -> Settings:
    return Settings(
        deployments_dir=deployments_dir,
        image=f"{STANDIN}:{CURRENT}",
        port=_PAGE_PORT if port_is_free(_PAGE_PORT) else _some_port(),
        launch_timeout=_LAUNCH_SECONDS,
        log_level="warning",
    )


def _some_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _provider() -> Provider:
    """Stand in for OpenRouter where containers can reach this host, as on most hosts they can."""
    bridge = psutil.net_if_addrs().get("docker0", ())
    address = next((each.address for each in bridge if "." in each.address), "127.0.0.1")
    port = _PROVIDER_PORT if port_is_free(_PROVIDER_PORT) else 0
    return Provider(address=address, port=port, models=MODELS)


@contextmanager
def _served(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=PROJECT,
        env={**os.environ, **settings.as_environment()},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await(server, settings.port)
        yield server
    finally:
        server.terminate()
        server.wait()


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    while port_is_free(port):
        if server.poll() is not None:
            sys.exit("The page could not be served; the reason is above.")
        time.sleep(0.05)


def _take_away(deployments_dir: Path) -> None:
    deployments_dir.mkdir(exist_ok=True)
    remove_everything_of(deployments_dir)
    shutil.rmtree(deployments_dir)
