"""Search all output for secrets: every secret field has a canary as its value.

Pages and calls are taken from the app's URL map, so new ones are tested too. Output means: answers,
the server's log, all files that should hold no secrets, the engine's data about containers, and the
arguments of all processes. `--soak` also makes every call that changes something.
"""

import base64
import io
import json
import os
import re
import subprocess
import threading
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import pytest
import requests

from app import create_app
from app.config import PROJECT, Settings
from app.core.settings.env_file import parse_env
from app.core.settings.fields import FIELDS
from app.web.api.calls import call_of
from tests.support.command_line import PYTHON
from tests.support.engine.images import STANDIN
from tests.support.server import Server
from tests.support.webhook_receiver import Receiver, receiving

MARK = "canary"
SECRET_FIELDS = tuple(each for each in FIELDS if each.secret and each.group != "auto")
# The files that should hold secrets, and their copies during an update.
KEEPERS = re.compile(r"(?:/\.env|/config/openclaw\.json|\.kept)\Z")


class Seen:
    """All output, with the origin of each text."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, bytes]] = []
        self.canaries: dict[str, str] = {}

    def add(self, where: str, data: bytes) -> None:
        self.texts.append((where, data))
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.texts += [(f"{where}: {each}", archive.read(each)) for each in archive.namelist()]

    def plant(self, where: str, value: str) -> str:
        self.canaries[where] = value
        return value

    def leaks(self) -> list[str]:
        """Return each canary found in the output, and where. Also search for encoded canaries."""
        forms = {
            (name, form)
            for name, value in self.canaries.items()
            for form in (
                value.encode(),
                quote(value, safe="").encode(),
                json.dumps(value)[1:-1].encode(),
                base64.b64encode(value.encode()).rstrip(b"="),
            )
        }
        return sorted(
            {
                f"{name} in {where}"
                for where, data in self.texts
                for name, form in forms
                if form in data
            }
        )


def canary(name: str) -> str:
    """Return an ordinary-looking value, which is masked only if it is known as a secret."""
    return f"{MARK}.{name}.{os.urandom(6).hex()}"


@contextmanager
def arguments_watched(seen: Seen, every: float) -> Iterator[None]:
    """Record the arguments of all processes."""
    ended, found = threading.Event(), set[bytes]()

    def watch() -> None:
        while not ended.wait(every):
            for each in os.scandir("/proc"):
                if each.name.isdecimal():
                    with suppress(OSError), open(f"/proc/{each.name}/cmdline", "rb") as file:
                        found.add(file.read())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        assert any(b"app.operation" in each for each in found), "no operation was seen"
        for each in found:
            seen.add("arguments of a process", each)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def seen() -> Seen:
    return Seen()


class Driver:
    """Use one server through the API and the command line, and record all output."""

    def __init__(self, server: Server, seen: Seen) -> None:
        self.server, self.seen = server, seen

    def cli(self, *words: str, typed: str = "") -> str:
        done = subprocess.run(
            [*PYTHON, *words],
            cwd=PROJECT,
            env=self.server.environment(),
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.seen.add(f"deploy-agent {words}", f"{done.stdout}{done.stderr}".encode())
        return done.stdout

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        answer = requests.request(
            method,
            f"{self.server.url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.server.token}"},
            timeout=120,
            allow_redirects=False,
            stream=path.endswith("stream"),
        )
        said = b"" if path.endswith("stream") else answer.content
        headers = "".join(f"{name}: {text}\n" for name, text in answer.headers.items())
        self.seen.add(f"{method} {path} ({answer.status_code})", headers.encode() + said)
        answer.close()
        return answer

    def call(self, verb: str, **body: object) -> Any:
        return self.ask("POST", f"/api/deploy/{verb}", body).json()


def everything(app: Any, ids: Collection[str], calls: bool) -> Iterator[tuple[str, str, object]]:
    """Yield each request that the URL map allows: method, path and body.

    With `calls`, a call that changes something gets its example as body.
    """
    for rule in app.url_map.iter_rules():
        call = call_of(app.view_functions[rule.endpoint])
        body = call.example.body.model_dump(mode="json") if call and call.example.body else {}
        for deployment_id in ids:
            if "deployment_id" in body:
                body = {**body, "deployment_id": deployment_id}
            path = re.sub(r"<int:\w+>", "1", rule.rule)
            path = re.sub(r"<(?:id:)?\w+>", deployment_id, path)
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                sent = call and calls and rule.endpoint not in _BY_THEMSELVES
                if method == "GET" or sent:
                    yield method, path, body if method == "POST" else None
            if "<" not in rule.rule and "deployment_id" not in body:
                break


# Calls that `everything` leaves out. Most of them change a deployment or its containers.
_BY_THEMSELVES = (
    "token_api.reveal_by_script",
    "running_api.launch_by_script",
    "running_api.restart_by_script",
    "running_api.stop_by_script",
    "archive_api.archive_and_wait",
    "archive_api.purge_by_script",
    "configure_api.configure_by_script",
    "token_api.rotate_and_wait",
    "updates_api.update_by_script",
    "versions_api.begin",
)


def files_under(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for each in sorted(folder.rglob("*")):
        if each.is_file() and not KEEPERS.search(str(each)):
            yield each, each.read_bytes()


def test_no_secret_appears_anywhere(
    deployments_dir: Path,
    tmp_path: Path,
    receiver: Receiver,
    seen: Seen,
    engine: docker.APIClient,
    request: pytest.FixtureRequest,
) -> None:
    soak = bool(request.config.getoption("soak"))
    webhook = seen.plant("the webhook's address", canary("webhook"))
    server = Server(
        deployments_dir,
        tmp_path / "server.log",
        image=STANDIN,
        webhook_url=f"{receiver.url}?key={webhook}",
        log_level="debug",
        log_format="json",
    )
    driver = Driver(server, seen)
    password = seen.plant("a user's password", canary("password"))
    driver.cli("user", "add", "ana", "--role", "operator", typed=f"{password}\n")
    # Ignore output that should contain a secret, such as a new token.
    token = driver.cli("token", "add", "script", "--role", "operator").split()[-1]
    seen.texts.pop()
    server.token = seen.plant("a script's token", token)
    try:
        server.start()
        with arguments_watched(seen, 0.01 if soak else 0.2):
            _drive(driver, deployments_dir, engine, soak)
    finally:
        server.stop()

    seen.add("the server's log", (tmp_path / "server.log").read_bytes())
    for path, data in files_under(deployments_dir):
        seen.add(f"file {path.relative_to(deployments_dir)}", data)
    seen.add("messages", json.dumps(receiver.got).encode())
    assert receiver.got
    assert len(seen.canaries) > 20
    assert len(seen.texts) > 100
    assert seen.leaks() == []


def _drive(driver: Driver, deployments_dir: Path, engine: docker.APIClient, soak: bool) -> None:
    seen = driver.seen
    secrets = {
        each.name: seen.plant(each.name, canary(each.name.replace("_", "-")))
        for each in SECRET_FIELDS
    }
    healthy = str(driver.call("configure", **secrets, name="Good bot")["deployment_id"])
    leaking = str(driver.call("configure", **secrets, name="Bad bot")["deployment_id"])
    invalid = driver.cli("configure", "--set", "name=Broken bot", typed=json.dumps(secrets))
    ids = {"healthy": healthy, "leaking": leaking, "invalid": invalid.strip()}
    for name, each in ids.items():
        env = parse_env((deployments_dir / each / ".env").read_bytes())
        seen.plant(f"the token of the {name} one", env["OPENCLAW_GATEWAY_TOKEN"])
    _go_wrong(driver, ids, secrets, deployments_dir)
    assert driver.call("launch", deployment_id=healthy)["ok"]
    # This gateway logs its keys and exits.
    word = ",".join(secrets.values())
    (deployments_dir / leaking / "config/standin-fault").write_text(word)
    failed = driver.call("launch", deployment_id=leaking)
    assert failed["code"] == "launch_failed"
    assert "there is no fault" in str(driver.ask("GET", f"/api/deploy/logs/{leaking}").json())
    (deployments_dir / leaking / "config/standin-fault").unlink()

    [gateway] = engine.containers(filters={"name": f"{healthy}-openclaw-1"})
    inspected = engine.inspect_container(gateway["Id"])
    inspected["Config"].pop("Env")
    seen.add("docker inspect", json.dumps(inspected).encode())
    app = create_app(Settings(deployments_dir=deployments_dir))
    walked = ids.values() if soak else [leaking]
    for method, path, body in everything(app, walked, calls=soak):
        driver.ask(method, path, body)
    words_of_all = (["show", leaking], ["list"], ["history"], ["doctor"], ["logs", leaking])
    for words in words_of_all if soak else words_of_all[:1]:
        driver.cli(*words)
        driver.cli(*words, "--json")

    _reveal(driver, healthy, secrets)
    if soak:
        _change_and_end(driver, ids, deployments_dir)


def _change_and_end(driver: Driver, ids: Mapping[str, str], deployments_dir: Path) -> None:
    healthy, leaking = ids["healthy"], ids["leaking"]
    assert driver.call("rotate_token", deployment_id=healthy)["ok"]
    env = parse_env((deployments_dir / healthy / ".env").read_bytes())
    driver.seen.plant("the token after it was rotated", env["OPENCLAW_GATEWAY_TOKEN"])
    driver.call("update", deployment_id=healthy, image="deploy-agent-standin:crash-78")
    for each in ids.values():
        driver.call("archive", deployment_id=each)
    driver.ask("GET", "/archive")
    driver.ask("GET", "/doctor")
    driver.call("restore", deployment_id=leaking)
    driver.call("purge", deployment_id=healthy, confirm="Good bot")


def _go_wrong(
    driver: Driver, ids: Mapping[str, str], secrets: Mapping[str, str], deployments_dir: Path
) -> None:
    """Send secrets in invalid places, in an invalid form or with a wrong method."""
    key = secrets["openrouter_api_key"]
    refused = [
        driver.call(
            "configure", **{each.name: f"{secrets[each.name]}\0" for each in SECRET_FIELDS}
        ),
        driver.call("configure", **{each.name: [secrets[each.name]] for each in SECRET_FIELDS}),
        driver.call("configure", **secrets, port="eighty"),
        driver.call("configure", openrouter_api_key=key, image=f"{key}$"),
        driver.call("configure", openrouter_api_key=key, model=f"no provider {key}"),
        driver.call("reveal", deployment_id=ids["healthy"], field=key),
        driver.call("launch", deployment_id=key),
        driver.ask("GET", f"/api/deploy/list?key={key}").json(),
        driver.ask("PUT", f"/api/deploy/list?key={key}", {"key": key}).json(),
    ]
    assert not any(each["ok"] for each in refused if isinstance(each, dict))
    # A malformed file with a person's own variables as secrets.
    own = driver.seen.plant("a variable of a person's own", canary("own"))
    again = driver.seen.plant("a password in an address", canary("address"))
    text = f'{MARK.upper()}_PASSWORD={own}\nPROXY=http://ana:{again}@proxy.example\nTZ="Europe\n'
    with (deployments_dir / ids["invalid"] / ".env").open("a") as env:
        env.write(text)


def _reveal(driver: Driver, deployment_id: str, secrets: Mapping[str, str]) -> None:
    """Reveal all secrets. Ignore the answers, which should contain secrets."""
    for name, value in secrets.items():
        answer = driver.call("reveal", deployment_id=deployment_id, field=name)
        assert answer["value"] == value
        driver.seen.texts.pop()
