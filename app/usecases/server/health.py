"""Readiness of this server, in words without addresses or paths: strangers may read them."""

from app.store.storage_errors import write_problem
from app.usecases.context import AppContext


def readiness_of(context: AppContext) -> dict[str, str]:
    """Return the problem of each part that the server needs; empty if it works.

    Nothing is written. The engine is asked at most once a second, however often this is called.
    """
    problem = context.snapshots.take().problem
    return {
        "deployments_folder": write_problem(context.settings.deployments_dir),
        "engine": _ENGINE[problem.code] if problem else "",
    }


_ENGINE = {
    "engine_unreachable": "Nothing answers at Docker Engine's address. Start Docker Engine.",
    "engine_denied": "This server's user may not use Docker Engine: it is not in the docker group.",
    "engine_silent": "Docker Engine accepts connections but does not answer. Restart it.",
    "engine_refused": "Docker Engine refuses to list the containers.",
}
