"""Schemathesis generates calls from the API's description and checks every answer.

In the suite the calls need no server and no engine, which is fast. With `--soak` they also go to a
real server on the real engine, which launches and stops gateways.
"""

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import psutil
import pytest
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.hooks import unregister
from schemathesis.schemas import BaseSchema

from app import create_app
from app.config import Settings
from tests.support.api import BASE, Api
from tests.support.browser.fleet import configure, folder_of, launch
from tests.support.server import Server
from tests.support.soak import rounds
from tests.support.waiting import eventually

# Statuses of explained server errors. 500 is never right.
_TOLD = [502, 503, 504, 507]
# Calls that wait for a gateway. Fewer of them are made.
_LONG = "/(launch|restart|stop|update.*|rotate_token|token/equalize|reconfigure|answer|archive)$"
# Calls that the suite tries.
_SOME = "/(stop|status/.*|logs/.*|history|update_many.*)$"


def how(most: int, in_full: bool, most_long: int = 0) -> SchemathesisConfig:
    """Return the configuration: all checks are on, with up to `most` calls for each path."""
    long = {"include-path-regex": _LONG, "generation": {"max-examples": most_long or most}}
    return SchemathesisConfig.from_dict({
        "generation": {"max-examples": most},
        "operations": [long],
        "headers": {"Accept-Encoding": "identity"},
        "request-timeout": 125,
        "phases": {key: {"enabled": in_full} for key in ("examples", "coverage", "stateful")},
        "checks": {
            "not_a_server_error": {"expected-statuses": ["2xx", "4xx", *_TOLD]},
            # 422 is for rules that no schema can express, such as a taken port or an image's name.
            "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 422, *_TOLD]},
            "max_response_time": 120,
        },
    })  # fmt: skip


@contextmanager
def naming(deployment_ids: Sequence[str]) -> Iterator[list[Case]]:
    """Let every second valid call name an existing deployment. Yield the list of all calls."""
    names, made = cycle(deployment_ids), []

    def before_call(_context: object, case: Case, _more: object) -> None:
        made.append(case)
        if len(made) % 2 or case.meta.generation.mode is not GenerationMode.POSITIVE:
            return
        for given in (case.path_parameters, case.body):
            if isinstance(given, dict) and "deployment_id" in given:
                given["deployment_id"] = next(names)

    schemathesis.hook("before_call")(before_call)
    try:
        yield made
    finally:
        unregister(before_call)


def found_by(schema: BaseSchema) -> list[str]:
    """Make all calls. Return the failures, each with a command that repeats it."""
    wrong = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            wrong += list(_failures(event.recorder))
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
    return wrong


def _failures(recorder: Any) -> Iterator[str]:
    for checks in recorder.checks.values():
        for info in filter(None, (each.failure_info for each in checks)):
            yield f"{info.failure.title}: {info.failure.message}\n{info.code_sample}"


def test_every_answer_is_as_described_and_nothing_grows(
    no_engine: None, settings: Settings, request: pytest.FixtureRequest
) -> None:
    most = rounds(request.config, 3, 150)
    this = psutil.Process()
    threads, files = threading.active_count(), this.num_fds()

    in_full = request.config.getoption("soak")
    assert tried(settings, how(most, in_full), "" if in_full else _SOME) > most * 10

    gc.collect()
    assert threading.active_count() <= threads + 2
    assert this.num_fds() <= files + 10


def tried(settings: Settings, config: SchemathesisConfig, paths: str) -> int:
    """Check a new app against its API's description. Return the number of calls."""
    api = Api(create_app(settings))
    ids = [api.configure(name=name) for name in ("Sales", "Stopped", "No file", "Invalid", "Old")]
    (settings.deployments_dir / ids[2] / "docker-compose.yml").unlink()
    (settings.deployments_dir / ids[3] / ".env").write_text("PORT=many\n")
    api.app.config["CONTEXT"].store.archive.add(ids[4])
    address = "/api/openapi.json"
    schema = schemathesis.openapi.from_wsgi(address, api.app, config=config, base_url=BASE)
    schema = schema.include(path_regex=paths) if paths else schema
    with naming(ids) as made:
        assert found_by(schema) == []
    return len(made)


@pytest.mark.soak
def test_every_answer_of_a_real_server_on_a_real_engine_is_as_described(server: Server) -> None:
    server.start()
    ids = [configure(server, name=name) for name in ("Sales", "Stopped", "Invalid", "Archived")]
    for each in ids[:2]:
        launch(server, each)
    assert server.call("POST", "stop", {"deployment_id": ids[1]})[0] == 200
    (folder_of(server, ids[2]) / ".env").write_text("PORT=many\n")
    assert server.call("POST", "archive", {"deployment_id": ids[3]})[0] == 200
    [worker] = psutil.Process(server.process.pid).children()
    files, threads = worker.num_fds(), worker.num_threads()

    url = f"{server.url}/api/openapi.json"
    with naming(ids) as made:
        config = how(75, False, most_long=10)
        wrong = found_by(schemathesis.openapi.from_url(url, config=config))

    assert wrong == []
    assert len(made) > 1000
    assert "Traceback" not in server.log.read_text()
    eventually(lambda: worker.num_fds() <= files + 20)
    eventually(lambda: worker.num_threads() <= threads + 20)
