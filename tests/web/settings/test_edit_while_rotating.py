"""A manual edit during a rotation is never overwritten."""

from pathlib import Path

import pytest

from app.core.operations.kinds import OperationKind
from app.store import operations
from app.usecases.context import AppContext
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import Cancellation, OperationContext
from app.usecases.tokens.token_change import token_change
from tests.support.api import Api


def test_an_env_file_edited_in_the_meantime_gets_no_new_token(
    api: Api, context: AppContext, deployments_dir: Path
) -> None:
    folder = deployments_dir / api.configure()
    operation = operations.begin(folder, OperationKind.ROTATE_TOKEN, "ana")
    deployment = context.store.load(folder.name)
    op = OperationContext(operation, deployment, context, print, Cancellation(lambda: False))
    change = token_change(op, "b" * 64)
    edited = (folder / ".env").read_text() + "SLACK_BOT_TOKEN=xoxb\n"
    (folder / ".env").write_text(edited)

    with pytest.raises(OperationFailed, match="has edited"):
        change.write(op)

    assert (folder / ".env").read_text() == edited
