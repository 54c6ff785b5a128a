"""Fix commands: the values that fill the catalog's placeholders for a deployment on this host."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from app.core.deployment import Deployment
from app.core.diagnosis.fix_lines import FixLineParts
from app.core.doctor.shell import Shell, quoted
from app.core.errors import EngineError, InputRejected
from app.core.settings.field_rules import more_memory
from app.usecases.context import AppContext
from app.usecases.doctor.shell import shell_of
from app.usecases.settings.ports import free_port


def fix_line_parts(deployment: Deployment, context: AppContext) -> FixLineParts:
    shell = shell_of(context)
    return FixLineParts(_LazyValues(_value_makers(deployment, shell, context)), shell.as_root)


class _LazyValues(Mapping[str, str]):
    """Values are computed on demand, since finding a free port scans the host."""

    def __init__(self, makers: Mapping[str, Callable[[], str]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> str:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _value_makers(
    deployment: Deployment, shell: Shell, context: AppContext
) -> dict[str, Callable[[], str]]:
    folder, env = deployment.folder, deployment.env

    def verb(*words: str) -> Callable[[], str]:
        return lambda: shell.deploy_agent(words[0], deployment.id, *words[1:])

    return {
        "launch": verb("launch"),
        "restart": verb("restart"),
        "stop": verb("stop"),
        "rotate": verb("rotate-token"),
        "equalize": verb("equalize-token"),
        "reconfigure": verb("reconfigure", "--launch"),
        "docker": shell.docker,
        "start_engine": shell.start_engine,
        "make_setup": lambda: shell.make("setup"),
        "id": lambda: deployment.id,
        "config": lambda: quoted(f"{folder}/config"),
        "workspace": lambda: quoted(f"{folder}/workspace"),
        "compose_file": lambda: quoted(f"{folder}/docker-compose.yml"),
        "image": lambda: quoted(context.settings.image),
        "own_image": lambda: quoted(env.get("OPENCLAW_IMAGE") or context.settings.image),
        "memory": lambda: more_memory(env.get("MEMORY_LIMIT", "")),
        # The cause's text and its fix command must name the same port.
        "free_port": cache(lambda: _free_port(deployment, context)),
    }


def _free_port(deployment: Deployment, context: AppContext) -> str:
    try:
        return str(free_port(context, deployment.id))
    except (EngineError, InputRejected):
        return ""
