"""Fill a folder with deployments in every state, through the product's own use cases.

Every state is real. Manual changes are made like a person's: by an edit of a file, or by
`docker compose up` in a deployment's folder.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from app.core.status.status import Status
from app.store.data_folders import give_to_gateway, may_change_owner
from app.store.files import AGENT_DIR
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import launch_deployment
from app.usecases.lifecycle.stop import stop_deployment
from app.usecases.operations.start import Started
from app.usecases.settings.configure import configure_deployment
from demo.provider import API_KEY

_TIME = re.compile(rb"(?<!\d)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


# For `Wanted.edits`: frequent health checks, so that the first failure shows at once.
WATCHFUL = {"interval: 30s": "interval: 2s", "start_period: 120s": "start_period: 0s"}


@dataclass(frozen=True)
class Wanted:
    """A deployment to make, and its final state.

    `fault` is the stand-in gateway's fault; `edits` are replacements in the Compose file. The
    user `by` configures and launches the deployment, `stopper` stops it. With `past`, an earlier
    launch and stop happened that long ago. `ago` shifts the latest history into the past, if no
    container shows the real time.
    """

    name: str
    status: Status = Status.RUNNING
    fault: str = ""
    by: str = "ana"
    stopper: str = "bea"
    past: timedelta | None = None
    ago: timedelta | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[str, str] = field(default_factory=dict)


def fill(wanted: Iterable[Wanted], *, context: AppContext) -> list[str]:
    """Make the deployments and return their ids, in the same order.

    Returns after the end of every launch, except launches that never end.
    """
    made = [(each, _configure(each, context)) for each in wanted]
    _live_through_the_past([(each, own) for each, own in made if each.past], context)
    for each, own in made:
        if each.fault:
            folder = context.store.folder(own)
            (folder / "config" / "standin-fault").write_text(each.fault)
            if may_change_owner():
                give_to_gateway(folder)
    _bring_about(made, context)
    return [own for _, own in made]


# A wanted deployment and its id.
_Made = tuple[Wanted, str]


def _configure(wanted: Wanted, context: AppContext) -> str:
    given = {"name": wanted.name, "openrouter_api_key": API_KEY, **wanted.fields}
    made = configure_deployment(given, actor=wanted.by, context=context).id
    file = context.store.folder(made) / "docker-compose.yml"
    text = file.read_text()
    for before, after in wanted.edits.items():
        text = text.replace(before, after)
    file.write_text(text)
    return made


def _live_through_the_past(made: Sequence[_Made], context: AppContext) -> None:
    _await(_launch(each.by, own, context) for each, own in made)
    _await(_stop(each.stopper, own, context) for each, own in made)
    for each, own in made:
        if each.past:
            shift_times(context.store.folder(own), each.past)


def _bring_about(made: Sequence[_Made], context: AppContext) -> None:
    _await(
        _launch(each.by, own, context)
        for each, own in made
        if each.status in (Status.RUNNING, Status.FAILED, Status.STOPPED)
    )
    _await(_stop(each.stopper, own, context) for each, own in made if each.status is Status.STOPPED)
    for each, own in made:
        folder = context.store.folder(own)
        if by_hand := _BY_HAND.get(each.status):
            by_hand(folder)
        elif each.status is Status.LAUNCHING:
            launch_deployment(own, actor=each.by, context=context)
        if each.ago:
            shift_times(folder, each.ago)


def _launch(by: str, deployment_id: str, context: AppContext) -> Started:
    return launch_deployment(deployment_id, actor=by, context=context)


def _stop(by: str, deployment_id: str, context: AppContext) -> Started:
    return stop_deployment(deployment_id, actor=by, context=context)


def _await(begun: Iterable[Started]) -> None:
    """Start all operations, then wait for them: parallel operations take half the time."""
    for each in list(begun):
        each.process.wait()


def _up_in_a_terminal(folder: Path) -> None:
    subprocess.run(("docker", "compose", "up", "-d"), cwd=folder, check=True, capture_output=True)


def _leave_a_quote_open(folder: Path) -> None:
    file = folder / ".env"
    file.write_text(file.read_text() + 'TELEGRAM_BOT_TOKEN="pasted in a hurry\n')


# Started without a launch, which would stop the failed gateway.
_BY_HAND: Mapping[Status, Callable[[Path], None]] = {
    Status.UNHEALTHY: _up_in_a_terminal,
    Status.RESTARTING: _up_in_a_terminal,
    Status.INVALID: _leave_a_quote_open,
}


def shift_times(folder: Path, ago: timedelta) -> None:
    """Shift a deployment's history into the past."""

    def earlier(match: re.Match[bytes]) -> bytes:
        return (datetime.fromisoformat(match[0].decode()) - ago).isoformat().encode()

    for file in (folder / AGENT_DIR).rglob("*"):
        if file.is_file():
            file.write_bytes(_TIME.sub(earlier, file.read_bytes()))
    # Invalidates cached reads.
    os.utime(folder / AGENT_DIR / "operations")
