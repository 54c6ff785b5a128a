"""What a button does, as a command to paste into a terminal of this host."""

import shlex

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind


def command_of(kind: OperationKind, deployment: Deployment) -> str:
    """Return the command that does by hand what an operation of this kind does.

    Compose can't work in a folder whose files it does not understand. By the project's
    name it can still stop the containers.
    """
    verb = kind.facts.compose_command
    if deployment.problem or not deployment.has_compose_file:
        return f"docker compose -p {deployment.id} {verb}"
    return f"cd {shlex.quote(deployment.folder)} && docker compose {verb}"
