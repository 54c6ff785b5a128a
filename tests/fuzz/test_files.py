"""Files with any content are read without a server error and never changed.

Each file starts valid. Then part of it gets another value, or all bytes are random. The reading
pages and calls are the GET routes in the app's URL map.
"""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.core.access.provider import ProviderAnswer
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.snapshot import Run
from app.core.updates.journal import Journal, KeptVersion, UpdateStage, Version
from app.core.webhook.notifications import Notification, WebhookEvent, WebhookMessage
from app.core.webhook.troubles import HistoryCursor
from app.store import applied_settings as applied
from app.store import batches, history, operation_log, operations
from app.store import provider_answers as answers
from app.store import update_files as updates
from app.store.files import AGENT_DIR
from app.store.last_words import LastWords, last_words_files, save_last_words
from app.store.people import PeopleStore, Setup, Token
from app.store.webhook_queue import Delivery, WebhookQueueStore
from app.usecases.context import AppContext
from app.usecases.people.people import digest
from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.files.hostile_files import within
from tests.support.json_values import AT, json_values, paths_in, put_in
from tests.support.routes import folder_routes, path_of
from tests.support.soak import rounds

TOKEN = f"da_0badcafe_{'5' * 64}"
# Generous, so that a longer call surely hangs.
SECONDS = 60

raw = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: text.encode()),
    st.sampled_from([b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"a":' * 9_000, b"\xff", b"\0"]),
    json_values.map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    """A file's data with one change: a JSON value, or some bytes of another format."""
    lines = data.split(b"\n")
    line = draw(st.integers(0, len(lines) - 1))
    try:
        value = json.loads(data)
    except ValueError:
        try:
            value = json.loads(lines[line])
        except ValueError:
            begin = draw(st.integers(0, len(data)))
            end = draw(st.integers(begin, min(len(data), begin + 20)))
            return data[:begin] + draw(raw) + data[end:]
        else:
            lines[line] = draw(changed(lines[line]))
            return b"\n".join(lines)
    path = draw(st.sampled_from(paths_in(value)))
    return json.dumps(put_in(value, path, draw(json_values))).encode()


@pytest.fixture
def files(api: Api, context: AppContext, deployments_dir: Path) -> list[Path]:
    """The files of a deployment that has every possible file, each as Deploy Agent writes it."""
    folder = deployments_dir / api.configure(name="Support bot", slack_bot_token="xoxb-1")
    _fill_history(folder)
    run = Run("f" * 64, "2026-11-24T10:00:00.1Z")
    begun = operations.begin(folder, OperationKind.LAUNCH, "ana", {"image": "a:1"})
    operation_log.log_path(folder, 1).write_text("2026-11-24T10:00:00.000Z said\n")
    operations.end(folder, replace(begun, state=OperationState.FAILED, verified=run))
    env = context.store.load(folder.name).env
    compose_file = (folder / "docker-compose.yml").read_text()
    applied.write_applied(folder, applied.applied_now("f" * 64, env, compose_file))
    answer = ProviderAnswer(
        "accepted", True, "Good.", "", "", "https://x.example", "a/b", 200, 4, ("x",)
    )
    kept = {**{name: getattr(answer, name) for name in answer.__slots__}, "remarks": ["x"]}
    answers.keep_answer(folder, {**kept, "at": AT, "occasion": "f/1"})
    save_last_words(folder, LastWords(AT, 78, "", "said\n", "f" * 64, 1, "", {"State": {"a": 1}}))
    updates.open_updates(folder)
    before = Version("a:1", "sha256:1", "", "1")
    updates.write_journal(folder, Journal(1, UpdateStage.TRYING, "a:2", before, True, False, AT))
    updates.write_kept(folder, KeptVersion(before, "a:2", AT))
    (folder / updates.KEPT).mkdir()
    ours = [*folder.rglob("*.json"), *folder.rglob("*.jsonl"), *folder.rglob("operations/1/*")]
    assert last_words_files(folder)
    named = [".env", "docker-compose.yml", "config/openclaw.json"]
    return [*{*ours, *(folder / name for name in named), *_of_all(context, folder.name)}]


def _fill_history(folder: Path) -> None:
    for what, more in {
        "reveal": {"field": "slack_bot_token"},
        "exited": {"container": "f" * 64, "code": 78, "count": 2, "last_at": AT, "seen": True},
        "unhealthy": {"container": "f" * 64, "count": 2},
        "approve_device": {"request": "1", "device": "2", "label": "a", "address": "::1"},
        "approve_device_failed": {"request": "1", "device": "2", "reason": "none"},
        "env_edited": {"keys": ["TZ"]},
        "restore": {"port": 1, "port_before": 2},
        "update": {"operation": 1, "arguments": {"image": "a:1"}},
        "update failed": {"operation": 1, "reason": "none"},
        "reconfigure": {"operation": 2, "arguments": {"changed": "name, port"}},
    }.items():
        history.record(folder, what, "ana", **more)
    history.append(folder, {"of": 2, "at": AT, "count": 3})


def _of_all(context: AppContext, deployment_id: str) -> list[Path]:
    """Write the files that all deployments share, and return their paths."""
    root = context.settings.deployments_dir
    history.record(root, "make_token", "ana", token="0badcafe")
    with PeopleStore(root).changing() as people:
        people.tokens["0badcafe"] = Token("script", "operator", digest(TOKEN[12:]), "ana", 1.0, 9e9)
        people.setup = Setup("f" * 64, 9e9)
    now = datetime.now(UTC)
    with WebhookQueueStore(root).changing() as queue:
        queue.places[deployment_id] = HistoryCursor()
        notice = Notification(WebhookEvent.CRASHED, deployment_id, 7, now, "said")
        queue.waiting.append(WebhookMessage(notice))
        queue.note(Delivery(now, "crashed", deployment_id, "bot", True, "200", 1, 5))
    batches.batches_folder(root).mkdir()
    batch, lock = batches.begin(root, (deployment_id,), "a:2", "ana", "local")
    os.close(lock)
    batches.note(root, batch)
    ours = root / AGENT_DIR
    return [each for each in ours.rglob("*") if each.is_file() and each.suffix.startswith(".json")]


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def is_told(answer: TestResponse, about: tuple[str, bytes]) -> bool:
    """Return whether an answer explains its error: no engine, or an unreadable user file."""
    if answer.status_code == 503:
        return "Nothing answers at Docker Engine" in unescape(answer.text)
    return answer.status_code == 507 and about[0].endswith("people.json")


def look(api: Api, cli: CommandLine, paths: list[str], about: tuple[str, bytes]) -> None:
    """Read all pages and calls: they must not fail or hang, and must have the declared type."""
    for path in paths:
        with within(SECONDS, f"{path} of {about}"):
            answer = api.page(path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code < 500 or is_told(answer, about), (path, about, answer.text[:300])
        if answer.is_json:
            json.loads(answer.text, parse_constant=refuse)
    for words in (["list"], ["history"], ["list", "--json"]):
        with within(SECONDS, f"{words} of {about}"):
            result = cli.call(*words)
        crashed = result.exception and not isinstance(result.exception, SystemExit)
        assert not crashed, f"{words} of {about}: {result.output}"


@pytest.mark.usefixtures("no_engine")
def test_any_file_content_is_shown_or_reported_and_left_alone(
    api: Api, cli: CommandLine, files: list[Path], request: pytest.FixtureRequest
) -> None:
    in_full = request.config.getoption("soak")
    whole = {path: path.read_bytes() for path in files}
    [folder] = {path.parent for path in files if path.name == ".env"}
    asked = [path for rule in folder_routes(api) if "<" not in (path := path_of(rule, folder.name))]
    asked = asked if in_full else [each for each in asked if not each.endswith("/doctor")]
    tried: dict[str, int] = {}

    @settings(
        max_examples=rounds(request.config, 12, 600),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(files), label="file")
        content = data.draw(st.one_of(changed(whole[path]), changed(whole[path]), raw))
        path.write_bytes(content)
        name = path.relative_to(folder.parent)
        tried[str(name)] = tried.get(str(name), 0) + 1
        try:
            look(api, cli, asked, (str(name), content[:300]))
            # Only people.json may change: each use of a token is recorded there.
            assert path.name == "people.json" or path.read_bytes() == content
            if path.name != "people.json":
                assert [each["deployment_id"] for each in api.get("list").json] == [folder.name]
        finally:
            path.write_bytes(whole[path])

    check()
    print(sum(tried.values()), "tried:", tried)  # noqa: T201
    assert len(tried) > (len(files) - 1 if in_full else 3)
