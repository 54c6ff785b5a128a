"""The actions on a deployment. Each action runs in a separate process."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from app.config import Settings
from app.core.errors import UserError
from app.core.operations.operation import Operation
from app.core.settings.fields import TOKEN
from app.usecases.context import AppContext, build_context
from app.usecases.lifecycle.archive import archive_deployment
from app.usecases.lifecycle.launch import launch_deployment, restart_deployment
from app.usecases.lifecycle.purge import purge_archived
from app.usecases.lifecycle.restore import restore_archived
from app.usecases.lifecycle.stop import stop_deployment
from app.usecases.operations import start
from app.usecases.operations.perform import perform_operation
from app.usecases.settings.change_request import ChangeRequest
from app.usecases.settings.configure import configure_deployment
from app.usecases.settings.reconfigure import reconfigure_deployment, resume_reconfiguration
from app.usecases.tokens.reveal import reveal_secret
from app.usecases.tokens.rotate import rotate_token
from app.usecases.updates.update import update_deployment
from tests.support.api import API_KEY
from tests.support.crash.disk_steps import Fault, watch
from tests.support.server import free_port

_BY = "somebody"
NAME = "Support bot"
REFUSED, BROKEN_OFF = 3, 4
OTHER_IMAGE = "deploy-agent-standin:2026.9.6"

Action = Callable[[str, AppContext], object]


def configure(deployment_id: str, context: AppContext) -> object:
    given = {"openrouter_api_key": API_KEY, "name": NAME}
    return configure_deployment(given, actor=_BY, context=context, deployment_id=deployment_id)


def restore(deployment_id: str, context: AppContext) -> object:
    return restore_archived(deployment_id, actor=_BY, context=context)


def purge(deployment_id: str, context: AppContext) -> object:
    return purge_archived(deployment_id, NAME, actor=_BY, context=context)


def reveal(deployment_id: str, context: AppContext) -> object:
    return reveal_secret(deployment_id, TOKEN.name, actor=_BY, context=context)


def launch(deployment_id: str, context: AppContext) -> object:
    return launch_deployment(deployment_id, actor=_BY, context=context)


def restart(deployment_id: str, context: AppContext) -> object:
    return restart_deployment(deployment_id, actor=_BY, context=context)


def reconfigure(deployment_id: str, context: AppContext) -> object:
    wish = ChangeRequest({"port": free_port(), "timezone": "UTC", "model": "openai/gpt-6-astra"})
    return reconfigure_deployment(deployment_id, wish, "restart", actor=_BY, context=context)


def undo_reconfiguration(deployment_id: str, context: AppContext) -> object:
    return resume_reconfiguration(deployment_id, "undo", actor=_BY, context=context)


def stop(deployment_id: str, context: AppContext) -> object:
    return stop_deployment(deployment_id, actor=_BY, context=context)


def archive(deployment_id: str, context: AppContext) -> object:
    return archive_deployment(deployment_id, actor=_BY, context=context)


def rotate_its_token(deployment_id: str, context: AppContext) -> object:
    return rotate_token(deployment_id, actor=_BY, context=context)


def update(deployment_id: str, context: AppContext) -> object:
    return update_deployment(deployment_id, OTHER_IMAGE, actor=_BY, context=context)


def do(
    verb: Action,
    deployment_id: str,
    settings: Settings,
    trace: Path,
    last: int | None = None,
    fault: Fault = Fault.KILLED,
) -> NoReturn:
    """Run an action in this process, with the operation that it starts, and exit.

    The fault happens before step number `last`. The exit code says how the action ended.
    """
    start._start_process = _performed_here
    context = build_context(settings)
    watch(settings.deployments_dir, trace, last, fault)
    try:
        verb(deployment_id, context)
    except UserError:
        os._exit(REFUSED)
    os._exit(0)


def _performed_here(
    folder: Path, operation: Operation, lock: int, context: AppContext
) -> subprocess.Popen[bytes]:
    try:
        perform_operation(folder, operation.number, lock, context.settings)
    except OSError:
        # A real operation's process would exit too and leave the operation interrupted.
        os._exit(BROKEN_OFF)
    os._exit(0)
