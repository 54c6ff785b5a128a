"""Links, pipes, sockets and huge files in place of our files are reported quickly, never followed.

The pages and calls are the GET routes in the app's URL map, so new ones are tested too. `--soak`
tries every attack in every place; the suite tries links and pipes in some places.
"""

import io
import os
import re
import secrets
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.settings.openclaw_config import parse_config
from app.store import operation_log, operations
from app.store.files import AGENT_DIR
from app.store.history import record
from tests.support.api import BASE, Api
from tests.support.command_line import CommandLine
from tests.support.files.hostile_files import (
    CANARY,
    Outside,
    crowd,
    dangling_link,
    endless_device,
    folder,
    large,
    link,
    link_to_itself,
    pipe,
    plain_file,
    sparse,
    unix_socket,
    within,
)
from tests.support.routes import folder_routes, numbered, path_of
from tests.support.soak import rounds

# Generous: only endless waiting or reading a terabyte takes longer.
SECONDS = 60
FILES = (
    ".env",
    "docker-compose.yml",
    "config/openclaw.json",
    f"{AGENT_DIR}/history.jsonl",
    f"{AGENT_DIR}/applied.json",
    f"{AGENT_DIR}/answer.json",
    f"{AGENT_DIR}/operations/1/log",
    f"{AGENT_DIR}/operations/1/steps.jsonl",
    f"{AGENT_DIR}/operations/1/operation.json",
    f"{AGENT_DIR}/operations/1/outcome.json",
    f"{AGENT_DIR}/update/journal.json",
    f"{AGENT_DIR}/update/kept.json",
    f"{AGENT_DIR}/last-words/000000000001-0123456789ab.json",
)
FOLDERS = (
    "config",
    "workspace",
    AGENT_DIR,
    f"{AGENT_DIR}/operations",
    f"{AGENT_DIR}/operations/1",
    f"{AGENT_DIR}/update",
    f"{AGENT_DIR}/update/kept",
    f"{AGENT_DIR}/last-words",
    ".",
)
Attack = Callable[[Path, Outside], None]
IN_FILES: tuple[Attack, ...] = (
    link, dangling_link, link_to_itself, pipe, unix_socket, endless_device, folder, sparse,
)  # fmt: skip
IN_FOLDERS: tuple[Attack, ...] = (link, dangling_link, pipe, unix_socket, plain_file)
CROWDED = ("config", "workspace", f"{AGENT_DIR}/operations", f"{AGENT_DIR}/last-words", ".")


def case(attack: Attack, *places: str) -> object:
    return pytest.param(attack, places, id=f"{attack.__name__} {' '.join(places)}")


def soak(attack: Attack, *places: str) -> object:
    marks = [pytest.mark.soak]
    if attack is endless_device:
        marks.append(pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices"))
    return pytest.param(attack, places, marks=marks, id=f"{attack.__name__} {' '.join(places)}")


CASES = [
    case(link, *FILES[1:]),
    case(pipe, *FILES[1:]),
    case(sparse, *FILES[:4]),
    case(link, AGENT_DIR),
    case(link, "."),
    *(soak(attack, place) for attack in IN_FILES for place in FILES),
    *(soak(attack, place) for attack in IN_FOLDERS for place in FOLDERS),
    *(soak(large, place) for place in FILES),
    *(soak(crowd, place) for place in CROWDED),
]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    outside = Outside(tmp_path / "outside")
    yield outside
    assert outside.is_untouched()


@pytest.fixture
def attacked(api: Api, deployments_dir: Path) -> Path:
    """The folder of a deployment that has every possible file."""
    found = deployments_dir / api.configure(name="Support bot")
    operation = operations.begin(found, OperationKind.STOP, "ana")
    operation_log.log_path(found, 1).write_text("2026-11-24T10:00:00.000Z said\n")
    operations.end(found, replace(operation, state=OperationState.SUCCEEDED))
    record(found, "stop", "ana", operation=1)
    (found / AGENT_DIR / "update/kept").mkdir(parents=True)
    return found


def text_of(answer: TestResponse) -> str:
    if answer.mimetype != "application/zip":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def descriptors() -> set[str]:
    """Return the paths of the files and pipes that this process has open."""
    found = (f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd"))
    return {os.readlink(each) for each in found if os.path.lexists(each)}


@pytest.mark.parametrize(("attack", "places"), CASES)
def test_links_and_pipes_in_place_of_files_are_neither_followed_nor_waited_for(
    api: Api, attacked: Path, outside: Outside, attack: Attack, places: tuple[str, ...]
) -> None:
    for place in places:
        attack(attacked / place, outside)
    asked = [path_of(rule, attacked.name) for rule in folder_routes(api)]
    asked = [path for path in asked if "<" not in path]

    for path in asked:
        with within(SECONDS, path):
            answer = api.page(path)
            assert answer.status_code < 500, f"{path}: {answer.text}"
            assert CANARY not in text_of(answer), path

    assert len(asked) > 30
    assert not [each for each in descriptors() if each.startswith(f"{attacked}/")]
    listed = [each["deployment_id"] for each in api.get("list").json]
    # A folder or a link is listed, even if it is damaged; a file is not listed.
    assert listed == [attacked.name] * (attacked.is_dir() or attacked.is_symlink())


@pytest.mark.parametrize(("attack", "places"), CASES)
def test_no_action_follows_a_link_or_waits_for_a_pipe(
    api: Api, attacked: Path, outside: Outside, attack: Attack, places: tuple[str, ...]
) -> None:
    for place in places:
        attack(attacked / place, outside)
    named = {"deployment_id": attacked.name}

    for verb, body in {
        "reveal": {**named, "field": "openclaw_gateway_token"},
        "reconfigure": {**named, "name": "Another", "then": "save"},
    }.items():
        with within(60, verb):
            answer = api.post(verb, body)
        assert answer.status_code != 500, answer.text
        assert CANARY not in answer.text
        # A refusal's `detail` says what to do.
        assert answer.status_code == 200 or len(answer.json["detail"]) > 30


@pytest.mark.parametrize(
    ("attack", "place"),
    [
        (link, "config"),
        (link, "workspace"),
        (plain_file, "config"),
        (link, AGENT_DIR),
        (link, ".env"),
    ],
)
def test_no_container_gets_files_behind_a_symlink(
    api: Api, attacked: Path, outside: Outside, attack: Attack, place: str
) -> None:
    attack(attacked / place, outside)
    what = "no folder" if attack is plain_file else "a link, which is not followed"

    status = api.status(attacked.name)
    refused = [
        api.post(verb, {"deployment_id": attacked.name})
        for verb in ("launch", "restart", "rotate_token")
    ]

    assert status["status"] == "invalid"
    assert f"its {place} is {what}" in status["reason"]
    assert [(each.status_code, each.json["code"]) for each in refused] == [
        (409, "deployment_invalid")
    ] * len(refused)
    assert all(f"its {place} is {what}" in each.json["detail"] for each in refused)


@pytest.mark.parametrize(("attack", "places"), CASES)
def test_links_and_pipes_in_the_archive_are_neither_followed_nor_waited_for(
    api: Api, attacked: Path, outside: Outside, attack: Attack, places: tuple[str, ...]
) -> None:
    for place in places:
        attack(attacked / place, outside)
    archive = attacked.parent / ".archive"
    archive.mkdir()
    archived = archive / f"{attacked.name}-20261124T100000Z"
    is_one = attacked.is_dir() and not attacked.is_symlink()
    attacked.rename(archived)

    with within(SECONDS, "the archive"):
        assert [each["archived"] for each in api.get("archived").json] == [archived.name] * is_one
        assert CANARY not in api.page("/archive").text + api.page("/doctor").text
    with within(SECONDS, "restore"):
        restored = api.post("restore", {"deployment_id": attacked.name})
        assert restored.status_code in ((200, 507) if is_one else (404,)), restored.text
    if restored.status_code == 200:
        attacked.rename(archived)
    body = {"deployment_id": attacked.name, "confirm": "Support bot", "name": "Support bot"}
    with within(60, "purge"):
        purged = api.post("purge", body)
        assert purged.status_code != 500
        assert CANARY not in restored.text + purged.text


def test_the_gateways_damaged_file_is_left_alone(
    api: Api, attacked: Path, outside: Outside
) -> None:
    """The gateway may put links into its own folder; Deploy Agent never writes through them."""
    config = attacked / "config/openclaw.json"
    outside.take_in("copy.json", config)
    config.unlink()
    config.symlink_to(outside.folder / "copy.json")

    answer = api.post(
        "reconfigure", {"deployment_id": attacked.name, "model": "openrouter/other", "then": "save"}
    )

    assert answer.status_code < 500, answer.text
    assert parse_config((outside.folder / "copy.json").read_bytes())["agents"]


NAMES_OF_NOTHING = (
    "..", ".", ".archive", ".deploy-agent", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd",
    "{id}%00", "{id}%0a", "%00{id}", "{id}%20", "{id}.", "{id}%2f", "{id}%2f.env", "{upper}",
    "{wide}", "{id}%e2%80%8b", "%ff%fe", "{id}{id}", "a" * 5000, "-", "~", "*", "{id}%5c",
    "%ed%a0%80",
)  # fmt: skip


def with_a_letter(api: Api, deployments_dir: Path) -> str:
    """Configure a deployment whose id contains a letter, so that its upper case differs."""
    deployment_id = f"a{secrets.token_hex(5)[1:]}"
    (deployments_dir / api.configure()).rename(deployments_dir / deployment_id)
    return deployment_id


def test_an_invalid_id_is_not_found_on_any_route(
    api: Api, deployments_dir: Path, request: pytest.FixtureRequest
) -> None:
    """Invalid ids are other spellings of an existing id, and paths out of the folder."""
    deployment_id = with_a_letter(api, deployments_dir)
    wide = "".join(chr(ord(each) + 0xFEE0) for each in deployment_id)
    asked = [
        name.format(id=deployment_id, upper=deployment_id.upper(), wide=wide)
        for name in NAMES_OF_NOTHING[:: rounds(request.config, 4, 1)]
    ]
    client, walked = FlaskClient(api.app, api.app.response_class), 0

    for rule in api.app.url_map.iter_rules():
        part = next((each for each in rule.arguments if each in ("deployment_id", "archived")), "")
        for method in sorted((rule.methods or set()) & {"GET", "POST"}) if part else ():
            for name in asked:
                path = re.sub(rf"<(?:id:)?{part}>", lambda _, name=name: name, numbered(rule))
                answer = client.open(path, method=method, base_url=BASE)
                walked += 1
                assert answer.status_code in (404, 405, 308, 400), f"{method} {path}"
                answer.close()

    assert walked > 40 * len(asked)
    assert api.status(deployment_id)["status"] == "configured"


@pytest.mark.parametrize(
    "name", ["..", "../x", ".archive", "{upper}", "{id}\n", "a\tb", "-", "\udcff", "*"]
)
def test_an_invalid_id_is_not_found_on_the_command_line(
    api: Api, cli: CommandLine, deployments_dir: Path, name: str
) -> None:
    deployment_id = with_a_letter(api, deployments_dir)
    asked = name.format(id=deployment_id, upper=deployment_id.upper())

    for verb in ("status", "launch", "stop", "archive"):
        result = cli.call(verb, "--", asked)
        assert result.exit_code != 0
        assert result.exception is None or isinstance(result.exception, SystemExit)
    assert api.status(deployment_id)["status"] == "configured"
