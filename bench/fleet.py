"""Many deployments: folders, and running stand-in gateways."""

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker

from app.config import Settings
from app.core.settings.compose_file import compose_file
from app.core.settings.env_file import format_env
from app.core.settings.openclaw_config import format_config, seed_config
from app.core.settings.ports import subnet_of
from app.engine.client import engine_address
from app.store import history
from app.store.data_folders import FOLDERS, give_to_gateway
from app.store.deployment_files import COMPOSE_FILE, ENV_FILE
from app.store.files import AGENT_DIR
from app.usecases.context import build_context
from demo.cleaning import remove_everything_of
from demo.provider import API_KEY
from tests.support.server import Server

STANDIN = "deploy-agent-standin:latest"
_FIRST_PORT = 20000
_AT_ONCE = 8


class Fleet:
    """A scratch folder of deployments."""

    def __init__(self, root: Path) -> None:
        self.root = root / "deployments"
        self.root.mkdir()
        self.log = root / "server.log"
        self.settings = Settings(deployments_dir=self.root, image=STANDIN)
        self.ids: list[str] = []
        self.engine = docker.APIClient(base_url=engine_address(), version="auto", timeout=120)

    def server(self) -> Server:
        return Server(self.root, self.log, image=STANDIN)

    def grow(self, count: int) -> None:
        """Make folders until there are `count`, as configure does, but without syncs."""
        store = build_context(self.settings).store
        store.open()
        for number in range(len(self.ids), count):
            self.ids.append(store.new_id())
            self._make_folder(self.ids[-1], _FIRST_PORT + number)

    def run(self, count: int, *, answering: bool = False) -> None:
        """Start gateways until `count` run, through the engine: Compose takes seconds per gateway.

        Gateways publish a port only if `answering`; without a port the server runs no readiness
        checks.
        """
        running = {row["Labels"].get("com.docker.compose.project") for row in self.containers()}
        down = [each for each in self.ids[:count] if each not in running]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda each: self._start(each, answering), down))

    def containers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.engine.containers(all=True)
        return found

    def _make_folder(self, deployment_id: str, port: int) -> None:
        folder = self.root / deployment_id
        for each in (*FOLDERS, AGENT_DIR):
            (folder / each).mkdir(parents=True, mode=0o700)
        env = {
            "OPENROUTER_API_KEY": API_KEY,
            "PORT": str(port),
            "OPENCLAW_GATEWAY_TOKEN": "a" * 64,
            "DEPLOYMENT_NAME": f"Gateway {port}",
            "OPENCLAW_IMAGE": STANDIN,
            "MEMORY_LIMIT": "2g",
            "BIND_ADDRESS": "",
        }
        config = seed_config(env, ("127.0.0.1",))
        (folder / "config" / "openclaw.json").write_bytes(format_config(config))
        give_to_gateway(folder)
        (folder / ENV_FILE).write_text(format_env(env))
        subnet = subnet_of(port, self.settings.subnet_pool)
        (folder / COMPOSE_FILE).write_text(compose_file(deployment_id, subnet))
        made = {"n": 1, "at": datetime.now(UTC).isoformat(), "what": "configure", "who": "bench"}
        (folder / AGENT_DIR / history.FILE).write_text(f"{json.dumps(made)}\n")

    def _start(self, deployment_id: str, answering: bool) -> None:
        port = _FIRST_PORT + self.ids.index(deployment_id)
        config = self.root / deployment_id / "config"
        published = {
            "port_bindings": {18789: ("127.0.0.1", port)},
            "binds": [f"{config}:/home/node/.openclaw"],
        }
        container = self.engine.create_container(
            STANDIN,
            name=f"{deployment_id}-openclaw-1",
            labels={
                "com.docker.compose.project": deployment_id,
                "com.docker.compose.service": "openclaw",
                "com.docker.compose.container-number": "1",
                "com.docker.compose.oneoff": "False",
                "com.docker.compose.project.working_dir": str(self.root / deployment_id),
            },
            environment={"OPENCLAW_GATEWAY_TOKEN": "a" * 64},
            healthcheck={"test": ["NONE"]},
            ports=[18789],
            host_config=self.engine.create_host_config(
                **published if answering else {"network_mode": "none"}
            ),
        )
        self.engine.start(container)


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Yield a scratch folder. Afterwards remove it and everything started from it."""
    with tempfile.TemporaryDirectory(prefix="deploy-agent-bench-") as folder:
        made = Fleet(Path(folder))
        try:
            yield made
        finally:
            made.engine.close()
            remove_everything_of(made.root)
