"""What a button does, as a line to paste into a terminal of this host."""

import shlex

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind

_VERBS = {
    OperationKind.LAUNCH: "up -d",
    OperationKind.STOP: "down",
    OperationKind.RESTART: "up -d --force-recreate",
    OperationKind.ARCHIVE: "down",
    OperationKind.ALLOW_ORIGIN: "restart",
    OperationKind.UPDATE: "up -d --pull missing",
    OperationKind.ROTATE_TOKEN: "up -d --force-recreate",
    OperationKind.EQUALIZE_TOKEN: "up -d --force-recreate",
    OperationKind.RECONFIGURE: "up -d",
}


def command_of(kind: OperationKind, deployment: Deployment) -> str:
    """Return the line that does by hand what an operation of this kind does.

    Compose can't work in a folder that it does not understand; by the project's
    name it stops what runs all the same.
    """
    verb = _VERBS[kind]
    if deployment.problem or not deployment.has_compose_file:
        return f"docker compose -p {deployment.id} {verb}"
    return f"cd {shlex.quote(deployment.folder)} && docker compose {verb}"
