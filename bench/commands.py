"""`deploy-agent list`, compared with the command of the closest peer."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import Settings
from app.engine.client import engine_address
from bench.fleet import fleet
from bench.measure import run, timed
from bench.tables import Table

_COUNT = 5


def commands() -> Table:
    table = Table(
        "The list on the command line, in s (median of 5)",
        ("what", "seconds"),
        "The peer, `openclaw fleet`, has no cells and is timed inside a running container.",
    )
    with fleet() as made, _container() as name:
        made.grow(_COUNT)
        environment = {**os.environ, "DEPLOY_AGENT_DEPLOYMENTS_DIR": str(made.root)}
        ours = [sys.executable, "-m", "app.cli", "list"]
        peer = ["docker", "exec", name, "openclaw", "fleet", "list"]
        for what, command in (
            ("`openclaw fleet list`, no cell", peer),
            (f"`deploy-agent list`, {_COUNT} stopped", ours),
        ):
            taken = timed(lambda: run(*command, environment=environment), 5)  # noqa: B023
            table.add(what, taken.median / 1000)
    return table


@contextmanager
def _container() -> Iterator[str]:
    """Run a container of the OpenClaw image whose `openclaw` command can reach the engine."""
    name = f"deploy-agent-bench-{os.getpid()}"
    socket = engine_address().removeprefix("unix://")
    program = Path(shutil.which("docker") or "docker").resolve()
    mounts = (f"{socket}:/var/run/docker.sock", f"{program}:/usr/local/bin/docker:ro")
    options = ("--rm", "--detach", "--init", "--user", "0", "--name", name)
    volumes = [part for mount in mounts for part in ("--volume", mount)]
    image = Settings().image
    run("docker", "run", *options, *volumes, "--entrypoint", "sleep", image, "infinity")
    try:
        yield name
    finally:
        run("docker", "rm", "--force", name)
