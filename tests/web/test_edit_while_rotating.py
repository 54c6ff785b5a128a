"""An edit by hand in the middle of a rotation is never written over."""

from pathlib import Path

import pytest

from app.core.deployment import OperationKind
from app.store import operations
from app.usecases.operations.cancellation import Cancellation
from app.usecases.tokens.rollback import what_stands, write_new_token
from app.usecases.operations.operations import OperationFailed
from app.usecases.operations.operation_context import Task
from app.usecases.context import World
from tests.api import Api


def test_env_that_somebody_has_edited_meanwhile_gets_no_new_token(
    api: Api, world: World, deployments_dir: Path
) -> None:
    folder = deployments_dir / api.configure()
    operation = operations.begin(folder, OperationKind.ROTATE_TOKEN, "ana")
    deployment = world.store.load(folder.name)
    task = Task(operation, deployment, world, print, Cancellation(lambda: False))
    before = what_stands(task)
    edited = (folder / ".env").read_text() + "SLACK_BOT_TOKEN=xoxb\n"
    (folder / ".env").write_text(edited)

    with pytest.raises(OperationFailed, match="has edited"):
        write_new_token(task, before, "b" * 64)

    assert (folder / ".env").read_text() == edited
