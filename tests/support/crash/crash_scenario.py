"""Interrupt an action at one of its steps, and check the deployment afterwards."""

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
import yaml

from app.config import Settings
from app.core.errors import UserError
from app.core.operations.operation import OperationState
from app.core.settings.env_file import parse_env
from app.core.status.status import Status
from app.store.files import AGENT_DIR
from app.usecases.context import AppContext, build_context
from app.usecases.lifecycle.archive import list_archived
from app.usecases.status.overview import list_deployments
from tests.support.crash import actions
from tests.support.crash.disk_steps import DiskStep, Fault, steps_in

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.support.crash.actions"])

# By name: the actions that prepare the deployment, and the action under test.
WITHOUT_CONTAINERS = {
    "configure": ((), actions.configure),
    "reconfigure": ((actions.configure,), actions.reconfigure),
    "reveal": ((actions.configure,), actions.reveal),
    "restore": ((actions.configure, actions.archive), actions.restore),
    "purge": ((actions.configure, actions.archive), actions.purge),
    "stop": ((actions.configure,), actions.stop),
    "archive": ((actions.configure,), actions.archive),
    "rotate": ((actions.configure,), actions.rotate_its_token),
}
WITH_CONTAINERS = {
    "launch": ((actions.configure,), actions.launch),
    "restart": ((actions.configure, actions.launch), actions.restart),
    "update": ((actions.configure, actions.launch), actions.update),
}


class CrashScenario:
    """One deployment, reset to the same state before each try."""

    def __init__(self, settings: Settings, scratch: Path) -> None:
        self.settings = settings
        self.root = settings.deployments_dir
        self.id = build_context(settings).store.new_id()
        self._kept = scratch / "kept"
        self._trace = scratch / "trace"

    def run(
        self, verb: actions.Action, last: int | None = None, fault: Fault = Fault.KILLED
    ) -> int:
        """Run an action in a separate process; return its exit code."""
        self._trace.unlink(missing_ok=True)
        process = _PROCESSES.Process(
            target=actions.do, args=(verb, self.id, self.settings, self._trace, last, fault)
        )
        process.start()
        process.join(180)
        assert process.exitcode is not None, f"{verb.__name__} did not end"
        return process.exitcode

    def steps(self, *before: actions.Action, verb: actions.Action) -> list[DiskStep]:
        """Run preparing actions, then `verb`, and return the disk steps of `verb`.

        `again` then resets the deployment to its state before `verb`.
        """
        for each in before:
            assert self.run(each) == 0
        shutil.copytree(self.root, self._kept, symlinks=True)
        assert self.run(verb) == 0
        return steps_in(self._trace)

    def again(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self._kept, self.root, symlinks=True)

    def context(self) -> AppContext:
        """Return the context of a newly started server."""
        return build_context(self.settings)


def assert_whole(crashes: CrashScenario, at: str) -> None:
    """Assert that no deployment is incomplete, duplicate, or shows a dead operation as running."""
    context = crashes.context()
    views = list_deployments(context)
    archived = list_archived(context=context)
    assert len(views) + len(archived) <= 1, at
    for view in views:
        assert view.report.status is not Status.INVALID, f"{at}: {view.report.reason}"
        operation = view.deployment.operation
        assert operation is None or operation.state is not OperationState.RUNNING, at
    for deployment in [each.deployment for each in (*views, *archived)]:
        folder = Path(deployment.folder)
        if any(each.purging for each in archived):
            continue
        env = parse_env((folder / ".env").read_bytes())
        assert env["PORT"].isdecimal(), at
        assert len(env["OPENCLAW_GATEWAY_TOKEN"]) == 64, at
        assert yaml.safe_load((folder / "docker-compose.yml").read_text())["services"], at
        assert json.loads((folder / "config/openclaw.json").read_text())["gateway"], at


def files_of(crashes: CrashScenario) -> dict[str, bytes]:
    """Return the deployment's files by path, without those in `.deploy-agent`."""
    return {
        str(path.relative_to(crashes.root)): path.read_bytes()
        for path in crashes.root.rglob("*")
        if path.is_file() and AGENT_DIR not in path.parts
    }


def assert_done_again(crashes: CrashScenario, verb: actions.Action, at: str) -> None:
    """Assert that repeating the action succeeds, or is refused because it was done already."""
    if crashes.run(verb) == 0:
        return
    try:
        verb(crashes.id, crashes.context())
    except UserError:
        return
    pytest.fail(f"{at}: refused, and then done")
