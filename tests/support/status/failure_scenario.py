"""A staged failure: its cause must be shown everywhere, and its fix command must work."""

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

# Causes that may be shown for a moment on a busy machine.
_BUSY = {"engine_silent"}
_FIX_LINE_SECONDS = 240


def run_as_printed(line: str, seconds: float = _FIX_LINE_SECONDS) -> None:
    """Run a fix command in a shell as printed, from an unrelated folder."""
    done = subprocess.run(
        line,
        shell=True,
        cwd="/",
        # Wait longer for the engine: the machine may be busy with other tests.
        env={**os.environ, "DEPLOY_AGENT_ENGINE_TIMEOUT": "9"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout!r}\n{done.stderr!r}"


def _is_only_starting(cause: dict[str, Any]) -> bool:
    """Return whether a cause only says that a gateway may still be starting."""
    return "may still be starting" in cause["next_step"]


class FailureScenario:
    """One deployment to break. `borrowed` releases the host's resources at the end."""

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

    def edit_compose_file(self, before: str, after: str) -> None:
        """Edit docker-compose.yml."""
        compose_file = self.folder / "docker-compose.yml"
        assert before in compose_file.read_text()
        compose_file.write_text(compose_file.read_text().replace(before, after, 1))

    def remove_token(self) -> None:
        """Remove the token from `.env`."""
        env = self.folder / ".env"
        env.write_text(re.sub(r"(?m)^OPENCLAW_GATEWAY_TOKEN=.*\n", "", env.read_text()))

    def launched(self) -> None:
        ended = self._launch_and_wait()
        assert ended["state"] == "succeeded", ended

    def restarted(self) -> None:
        """Restart the gateway by hand: Deploy Agent would repair some of the damage first."""
        self.engine.restart(self.container, timeout=1)

    def compose_up(self) -> None:
        """Start the gateway by hand with Compose."""
        subprocess.run(
            ["docker", "compose", "up", "-d"], cwd=self.folder, check=True, capture_output=True
        )

    def launch_fails(self, code: str) -> None:
        """Assert that a launch fails with this code, and that the status shows the same fix."""
        ended = self._launch_and_wait()
        assert (ended["state"], ended["code"]) == ("failed", code), ended
        assert self.api.status(self.id)["cause"]["fix"] == ended["fix"]

    def _launch_and_wait(self) -> dict[str, Any]:
        begun = self.api.launch(self.id, wait=False)
        assert begun.status_code == 202, begun.text
        location = begun.headers["Location"]

        def ended() -> dict[str, Any] | None:
            operation = dict(self.api.page(location).json)
            return operation if operation["state"] != "running" else None

        return eventually(ended, within=self.patience, every=0.5)  # type: ignore[return-value]

    def shows_cause(self, code: str) -> dict[str, Any]:
        """Wait for the cause and return it. API, page and command line must show the same cause."""
        seen: list[dict[str, Any]] = []

        def shown_cause() -> dict[str, Any] | None:
            cause = self.api.status(self.id)["cause"]
            seen.extend([cause] if cause else [])
            return dict(cause) if cause and cause["code"] == code else None

        try:
            cause = eventually(shown_cause, within=self.patience, every=0.2)
        except AssertionError:
            raise AssertionError({each["code"]: each["words"] for each in seen}) from None
        assert cause is not None
        wrong = [
            each
            for each in seen
            if each["code"] not in {code, *_BUSY} and not _is_only_starting(each)
        ]
        assert not wrong, f"a wrong cause is worse than none: {wrong}"
        eventually(lambda: self._is_on_the_page(cause), within=self.patience)
        # A new command has no earlier readiness checks, so it shows the cause only after Docker's
        # health check.
        eventually(lambda: self.cli.json("show", self.id)["cause"] == cause, within=self.patience)
        shown = eventually(lambda: self._shown(code), within=self.patience)
        assert cause["fix"] in shown
        return cause

    def _is_on_the_page(self, cause: dict[str, Any]) -> bool:
        page = self.api.page(f"/deployments/{self.id}").text
        text = html.unescape(page).lower()
        shown = (cause["words"], cause["next_step"], cause["fix"])
        return (
            f'data-cause="{cause["code"]}"' in page
            and ('data-copy="#fix"' in page) == bool(cause["fix"])
            and all(each.rstrip(".").lower() in text for each in shown)
        )

    def _shown(self, code: str) -> str:
        shown = self.cli.done("show", self.id)
        return shown if code in shown else ""

    def is_fixed_by(self, line: str) -> None:
        """Run a fix command as printed, and assert that the gateway runs afterwards."""
        assert line
        run_as_printed(line, max(self.patience, _FIX_LINE_SECONDS))
        self.is_running()

    def is_running(self) -> None:
        eventually(lambda: self.api.listed(self.id)["status"] == "running", within=self.patience)
        eventually(self._passes_all_checks, within=self.patience)
        assert self.api.status(self.id)["cause"] is None

    def _passes_all_checks(self) -> bool:
        checks = self.api.status(self.id)["ladder"]
        return {each["state"] for each in checks} == {"passed"}

    def foreign_container(self, image: str, name: str = "", port: int | None = None) -> str:
        """Start a container that is not ours, and return its name."""
        created = self.engine.create_container(
            image,
            name=name or None,
            ports=[80],
            environment={"OPENCLAW_GATEWAY_TOKEN": "another"},
            host_config=self.engine.create_host_config(port_bindings={80: port or free_port()}),
        )
        self.borrowed.callback(self.engine.remove_container, created["Id"], force=True)
        self.engine.start(created["Id"])
        return str(self.engine.inspect_container(created["Id"])["Name"]).lstrip("/")
