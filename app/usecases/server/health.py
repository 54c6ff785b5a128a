"""Readiness of this server, described without addresses or paths: strangers may read it."""

from app.store.storage_errors import write_problem
from app.usecases.context import AppContext


def readiness_of(context: AppContext) -> dict[str, str]:
    """Return the problem of each part that the server needs; empty if all parts work.

    Write nothing. Call the engine at most once a second, however often this function is called.
    """
    problem = context.snapshots.take().problem
    return {
        "deployments_folder": write_problem(context.settings.deployments_dir),
        "engine": _ENGINE[problem.code] if problem else "",
    }


_ENGINE = {
    "engine_unreachable": "Nothing answers at Docker Engine's address. Start Docker Engine.",
    "engine_denied": "This server's user is not in the docker group, so may not use Docker Engine.",
    "engine_silent": "Docker Engine accepts connections but never answers. Restart Docker Engine.",
    "engine_refused": "Docker Engine refuses to list the containers.",
}
