"""Commands to paste into a terminal of this host, which do the same as the page's buttons."""

import shlex

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind


def command_of(kind: OperationKind, deployment: Deployment) -> str:
    """Return the command that does the same as an operation of this kind.

    Compose can't work in a folder with files that it does not understand, but it can still stop the
    containers by the project's name.
    """
    verb = kind.facts.compose_command
    if deployment.problem or not deployment.has_compose_file:
        return f"docker compose -p {deployment.id} {verb}"
    return f"cd {shlex.quote(deployment.folder)} && docker compose {verb}"
