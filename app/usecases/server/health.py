"""Whether this server can do its work, in words that anybody may read."""

from app.store.files import write_problem
from app.usecases.context import AppContext


def readiness_of(context: AppContext) -> dict[str, str]:
    """Return what is wrong with each part that is needed; empty where it is well.

    Nothing is written, and the engine is asked at most once a second, whoever calls.
    """
    problem = context.containers.snapshot().problem
    return {
        "deployments_folder": write_problem(context.settings.deployments_dir),
        "engine": _ENGINE[problem.code] if problem else "",
    }


# Without the engine's address: strangers read this.
_ENGINE = {
    "engine_unreachable": "Nothing answers at Docker Engine's address. Start Docker Engine.",
    "engine_denied": "This server's user may not talk to Docker Engine: it is not in its group.",
    "engine_silent": "Docker Engine takes calls and does not answer. Restart it.",
    "engine_refused": "Docker Engine refuses to list the containers.",
}
