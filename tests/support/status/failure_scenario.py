"""A failure that is staged: it has to be named everywhere, and mended by its line as printed."""

import html
import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import docker

from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.server import free_port
from tests.support.waiting import eventually

# What every answer may say for a moment on a busy machine.
_BUSY = {"engine_silent"}
_OF_A_LINE = 240


def run_as_printed(line: str, seconds: float = _OF_A_LINE) -> None:
    """Paste a line into a shell, from another folder."""
    done = subprocess.run(
        line,
        shell=True,
        cwd="/",
        # The machine may be busy with other tests.
        env={**os.environ, "DEPLOY_AGENT_ENGINE_TIMEOUT": "9"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout!r}\n{done.stderr!r}"


def _starts(cause: dict[str, Any]) -> bool:
    """Say whether a cause claims no more than that a gateway is not up yet."""
    return "may still be starting" in cause["next_step"]


class Stage:
    """One deployment to spoil. What the stage borrows of the host is given back at its end."""

    def __init__(
        self,
        api: Api,
        cli: CommandLine,
        engine: docker.APIClient,
        borrowed: ExitStack,
        patience: float = 120,
        **fields: str,
    ) -> None:
        self.api, self.cli, self.engine, self.borrowed = api, cli, engine, borrowed
        self.patience = patience
        self.id = api.configure(**fields)
        self.folder = Path(api.listed(self.id)["deploy_dir"])
        self.port = int(api.listed(self.id)["port"])
        self.container = f"{self.id}-openclaw-1"

    def spoil(self, before: str, after: str) -> None:
        """Edit docker-compose.yml."""
        compose_file = self.folder / "docker-compose.yml"
        assert before in compose_file.read_text()
        compose_file.write_text(compose_file.read_text().replace(before, after, 1))

    def remove_token(self) -> None:
        """Take the token out of `.env`."""
        env = self.folder / ".env"
        env.write_text(re.sub(r"(?m)^OPENCLAW_GATEWAY_TOKEN=.*\n", "", env.read_text()))

    def launched(self) -> None:
        ended = self._launched_at_leisure()
        assert ended["state"] == "succeeded", ended

    def restarted(self) -> None:
        """Start the gateway anew as by hand, past the app, which would mend what it can."""
        self.engine.restart(self.container, timeout=1)

    def brought_up(self) -> None:
        """Bring it up by hand, past the app."""
        subprocess.run(
            ["docker", "compose", "up", "-d"], cwd=self.folder, check=True, capture_output=True
        )

    def launch_fails(self, code: str) -> None:
        """See that a launch fails for that reason, and says so."""
        ended = self._launched_at_leisure()
        assert (ended["state"], ended["code"]) == ("failed", code), ended
        assert self.api.status(self.id)["cause"]["fix"] == ended["fix"]

    def _launched_at_leisure(self) -> dict[str, Any]:
        begun = self.api.launch(self.id, wait=False)
        assert begun.status_code == 202, begun.text
        location = begun.headers["Location"]

        def ended() -> dict[str, Any] | None:
            operation = dict(self.api.page(location).json)
            return operation if operation["state"] != "running" else None

        return eventually(ended, within=self.patience, every=0.5)  # type: ignore[return-value]

    def named(self, code: str) -> dict[str, Any]:
        """Return the cause, which has to be the same for script, page and command line."""
        seen: list[dict[str, Any]] = []

        def is_named() -> dict[str, Any] | None:
            cause = self.api.status(self.id)["cause"]
            seen.extend([cause] if cause else [])
            return dict(cause) if cause and cause["code"] == code else None

        try:
            cause = eventually(is_named, within=self.patience, every=0.2)
        except AssertionError:
            raise AssertionError({each["code"]: each["words"] for each in seen}) from None
        assert cause is not None
        wrong = [each for each in seen if each["code"] not in {code, *_BUSY} and not _starts(each)]
        assert not wrong, f"a wrong cause is worse than none: {wrong}"
        eventually(lambda: self._is_on_the_page(cause), within=self.patience)
        # A command has not seen the gateway before: it waits for what Docker says of its health.
        eventually(lambda: self.cli.json("show", self.id)["cause"] == cause, within=self.patience)
        shown = eventually(lambda: self._shown(code), within=self.patience)
        assert cause["fix"] in shown
        return cause

    def _is_on_the_page(self, cause: dict[str, Any]) -> bool:
        page = self.api.page(f"/deployments/{self.id}").text
        text = html.unescape(page).lower()
        told = (cause["words"], cause["next_step"], cause["fix"])
        return (
            f'data-cause="{cause["code"]}"' in page
            and ('data-copy="#fix"' in page) == bool(cause["fix"])
            and all(each.rstrip(".").lower() in text for each in told)
        )

    def _shown(self, code: str) -> str:
        shown = self.cli.done("show", self.id)
        return shown if code in shown else ""

    def mended_by(self, line: str) -> None:
        """Run a line as it was printed, and see that it ends with a gateway that runs."""
        assert line
        run_as_printed(line, max(self.patience, _OF_A_LINE))
        self.runs()

    def runs(self) -> None:
        eventually(lambda: self.api.listed(self.id)["status"] == "running", within=self.patience)
        eventually(self._is_climbed, within=self.patience)
        assert self.api.status(self.id)["cause"] is None

    def _is_climbed(self) -> bool:
        ladder = self.api.status(self.id)["ladder"]
        return {rung["state"] for rung in ladder} == {"passed"}

    # What is borrowed of the host.

    def stranger(self, image: str, name: str = "", port: int | None = None) -> str:
        """Start somebody else's container, and return its name."""
        created = self.engine.create_container(
            image,
            name=name or None,
            ports=[80],
            environment={"OPENCLAW_GATEWAY_TOKEN": "stranger"},
            host_config=self.engine.create_host_config(port_bindings={80: port or free_port()}),
        )
        self.borrowed.callback(self.engine.remove_container, created["Id"], force=True)
        self.engine.start(created["Id"])
        return str(self.engine.inspect_container(created["Id"])["Name"]).lstrip("/")
