"""The demo: the company's deployments in a scratch folder, and a server that shows them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from websockets.exceptions import WebSocketException

from app.config import PROJECT, Settings
from app.engine.host.network import port_is_free
from app.store.locks import Locked, lock_folder
from app.usecases.context import build_context
from demo.cleaning import remove_everything_of
from demo.company import ASKED, CURRENT, MODELS, STANDIN, company
from demo.devices import Browser
from demo.fleet import fill
from demo.provider import Provider

FOLDER = PROJECT / ".cache" / "demo"
_PAGE_PORT, _PROVIDER_PORT = 8000, 8090
# A gateway forgets pairing requests after five minutes.
ASK_AGAIN_SECONDS = 60
# The demo's slow launch must not end while the demo runs.
_LAUNCH_SECONDS = 86400
# Platform and user agent of the browsers that ask for pairing.
_COLLEAGUES = (
    ("MacIntel", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/131.0.0.0 Safari/537.36"),
    ("Win32", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0 Safari/537.36"),
)


class Demo:
    """The company's deployments, and the clients that ask for pairing."""

    def __init__(self, settings: Settings, provider: Provider) -> None:
        self.context = build_context(settings)
        self.url = f"http://127.0.0.1:{settings.port}"
        self.wanted = company(provider.address, provider.port)
        # Deployment ids by name.
        self.ids: dict[str, str] = {}
        self._askers: list[Browser] = []

    def fill(self) -> None:
        made = fill(self.wanted, context=self.context)
        self.ids.update(zip((each.name for each in self.wanted), made, strict=True))
        asked = self.context.store.load(self.ids[ASKED])
        assert asked.port
        name = self.context.settings.public_host or "10.9.8.7"
        self._askers = [
            Browser(asked.port, asked.token, name=name, platform=platform, agent=agent)
            for platform, agent in _COLLEAGUES
        ]
        self.ask()

    def ask(self) -> None:
        """Renew the pairing requests, as a gateway's open page does."""
        for each in self._askers:
            if each.connection is None:
                # Somebody may have stopped the gateway, or rejected the request.
                with suppress(OSError, WebSocketException):
                    each.knock()


@contextmanager
def running_demo(folder: Path, **settings: Any) -> Iterator[tuple[Demo, subprocess.Popen[bytes]]]:
    """Serve an empty demo and remove it afterwards. First remove the leftovers of a killed demo."""
    lock = _lock(folder)
    deployments_dir = folder / "deployments"
    try:
        _take_away(deployments_dir)
        with _listener() as listener, _provider() as provider:
            checked = _settings(deployments_dir, listener, settings)
            with _served(checked, listener) as server:
                yield Demo(checked, provider), server
    finally:
        # A second Ctrl-C must not interrupt the clean-up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _take_away(deployments_dir)
        shutil.rmtree(folder)
        os.close(lock)


def _lock(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return lock_folder(folder)
    except (Locked, FileNotFoundError):
        sys.exit(f"A demo already runs, with its deployments in {folder}.")


def _listener() -> socket.socket:
    """Return the page's listening socket. It is open before the server starts, to keep the port."""
    try:
        return socket.create_server(("127.0.0.1", _PAGE_PORT))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


def _settings(deployments_dir: Path, listener: socket.socket, more: Mapping[str, Any]) -> Settings:
    return Settings(
        deployments_dir=deployments_dir,
        image=f"{STANDIN}:{CURRENT}",
        host="127.0.0.1",
        port=listener.getsockname()[1],
        launch_timeout=_LAUNCH_SECONDS,
        log_level="warning",
        **more,
    )


def _provider() -> Provider:
    """Start the stand-in for OpenRouter at an address that containers can reach."""
    bridge = psutil.net_if_addrs().get("docker0", ())
    address = next((each.address for each in bridge if "." in each.address), "127.0.0.1")
    port = _PROVIDER_PORT if port_is_free(_PROVIDER_PORT) else 0
    return Provider(address=address, port=port, models=MODELS)


@contextmanager
def _served(settings: Settings, listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"fd://{listener.fileno()}"],
        cwd=PROJECT,
        env={**os.environ, **settings.as_environment()},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=[listener.fileno()],
    )
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def _take_away(deployments_dir: Path) -> None:
    deployments_dir.mkdir(exist_ok=True)
    remove_everything_of(deployments_dir)
    shutil.rmtree(deployments_dir)
