"""Bundle: a .zip for bug reports, with all that helps to diagnose a deployment and no secrets."""

import io
import json
import platform
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import EngineError
from app.core.secrets import Masker, redacted, redacted_env, redacted_file
from app.core.text import clean, shorten
from app.store import history
from app.store.deployment_files import COMPOSE_FILE
from app.store.files import Unreadable, read_file
from app.store.last_words import list_last_words
from app.store.operation_log import read_log
from app.store.operations import list_operations
from app.usecases.context import AppContext
from app.usecases.logs.logs import LogRequest, read_logs
from app.usecases.logs.masking import masker_for
from app.usecases.operations.answers import OperationShown
from app.usecases.status.answers import ContainerShown
from app.usecases.status.overview import DeploymentView, show_deployment
from app.usecases.status.readiness import checks_of
from app.version import VERSION

_MOST_ENTRIES = 5_000
_MOST_LINES = 5_000

_ABOUT = """What Deploy Agent knows about deployment {id}, for a bug report; made {now}.

Secrets are hidden: secret values of .env, secrets that the gateway was started with, and
whatever looks like a key. Still, look through the files before you share them: a gateway's
log may quote what people wrote.

deployment.json      status, reason, containers, readiness
history.jsonl        actions and incidents, the newest first
operations/          launches, stops and others: request, output, outcome
last-words/          the last log lines of ended containers, and how they ended
log.txt              the gateway's current log
env.txt              .env: all keys, and the values that are no secrets
docker-compose.yml   the compose file
versions.json        Deploy Agent, engine, image, host
"""


def bundle_of(deployment_id: str, *, context: AppContext) -> bytes:
    """Return the .zip file of a deployment. Raises NotFound."""
    view = show_deployment(deployment_id, context=context)
    mask = _masker(view, context)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _files(view, context):
            hidden = shorten(redacted(mask(clean(text))))
            archive.writestr(f"deployment-{deployment_id}/{name}", hidden)
    return file.getvalue()


def _masker(view: DeploymentView, context: AppContext) -> Masker:
    """Return a masker for all known secrets; the container's only if the engine answers."""
    try:
        return masker_for(view.deployment, view.gateway, context)
    except EngineError:
        return masker_for(view.deployment, None, context)


def _files(view: DeploymentView, context: AppContext) -> Iterator[tuple[str, str]]:
    deployment = view.deployment
    folder = context.store.folder(deployment.id)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    yield "README.txt", _ABOUT.format(id=deployment.id, now=now)
    yield "deployment.json", _json(_deployment(view, context))
    entries = islice(history.newest_first(folder), _MOST_ENTRIES)
    yield "history.jsonl", "".join(f"{json.dumps(each)}\n" for each in entries)
    for operation in list_operations(folder):
        lines = read_log(folder, operation.number)[-_MOST_LINES:]
        yield f"operations/{operation.number}.json", _json(OperationShown.of(operation).as_json())
        yield f"operations/{operation.number}.log", "".join(f"{line}\n" for line in lines)
    for number, words in enumerate(list_last_words(folder), 1):
        about = asdict(words)
        yield f"last-words/{number}.log", about.pop("log")
        yield f"last-words/{number}.json", _json(about)
    yield "log.txt", _log(view, context)
    yield "env.txt", _env(deployment)
    yield "docker-compose.yml", _compose_file(deployment, context)
    yield "versions.json", _json(_versions(view, context))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"


def _deployment(view: DeploymentView, context: AppContext) -> dict[str, Any]:
    deployment, report = view.deployment, view.report
    return {
        "deployment_id": deployment.id,
        "port": deployment.port,
        "status": report.status,
        "reason": report.reason,
        "problem": deployment.problem,
        "remark": view.remark,
        "containers": [ContainerShown.of(each).as_json() for each in view.containers],
        "ladder": [asdict(each) for each in checks_of(view, context=context)],
    }


def _log(view: DeploymentView, context: AppContext) -> str:
    try:
        return read_logs(view, LogRequest(_MOST_LINES), context=context).text
    except EngineError as error:
        return f"{error.detail}\n"


def _env(deployment: Deployment) -> str:
    if not deployment.env:
        return f"# {deployment.problem or 'The file is empty.'}\n"
    return redacted_env(deployment.env)


def _compose_file(deployment: Deployment, context: AppContext) -> str:
    try:
        data = read_file(context.store.folder(deployment.id) / COMPOSE_FILE)
    except (OSError, Unreadable) as error:
        return f"# The file can't be read: {error}\n"
    return redacted_file(data.decode(errors="replace"))


def _versions(view: DeploymentView, context: AppContext) -> dict[str, Any]:
    try:
        engine = context.about.version()
        image = context.images.id_of(view.image) if view.image else None
    except EngineError as error:
        return {"deploy_agent": VERSION, "engine": error.detail}
    return {
        "deploy_agent": VERSION,
        "engine": engine,
        "image": view.image,
        "image_id": image,
        "host": platform.platform(),
        "python": platform.python_version(),
    }
