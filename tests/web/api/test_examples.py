"""Run every example on the API's page as written, all on the same deployment."""

import argparse
import html
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings
from app.core import orphans as stranded
from app.core.answers import EXAMPLE_ID
from app.core.settings.env_file import parse_env
from demo.devices import Browser
from demo.provider import Provider
from tests.support.api import API_KEY, BASE, Api
from tests.support.engine.images import SILENT
from tests.support.files.env_edits import edit_env
from tests.support.waiting import eventually
from tests.support.webhook_receiver import receiving

pytestmark = pytest.mark.usefixtures("preloaded_operations")

OLD, NEW = "deploy-agent-standin:2026.8.2", "deploy-agent-standin:2026.9.6"
# The options of curl that the examples use.
CURL = argparse.ArgumentParser("curl")
CURL.add_argument("-X", dest="method", default="GET")
CURL.add_argument("-H", dest="headers", action="append", default=[])
CURL.add_argument("-d", dest="data")
CURL.add_argument("address")


@dataclass
class Story:
    """The examples by the names of their calls. `real` maps example values to real values."""

    api: Api
    folder: Path
    real: dict[str, str] = field(default_factory=dict)
    run_examples: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        page = self.api.page("/api").text
        found = re.findall(r'<code id="curl-(\w+)">(.*?)</code>', page, re.DOTALL)
        self.lines = {name: html.unescape(line) for name, line in found}
        self.examples = dict(_examples(self.api.page("/api/openapi.json").json))

    def run(self, *names: str) -> Any:
        """Run examples in order, and return the last answer."""
        for name in names:
            answer = self._send(name)
            status, example = self.examples[name]
            assert answer.status_code == status, (name, answer.text)
            assert _outline(answer.json) == _outline(example or answer.json), name
            self.run_examples.add(name)
        return answer.json

    def _send(self, name: str) -> TestResponse:
        line = self.lines[name]
        for example, real in self.real.items():
            line = line.replace(example, real)
        program, *words = shlex.split(line.replace("\\\n", ""))
        assert program == "curl"
        sent = CURL.parse_args(words)
        path = sent.address.removeprefix(BASE)
        headers = dict(header.split(": ", 1) for header in sent.headers)
        return self.api.client.open(
            path, base_url=BASE, method=sent.method, data=sent.data, headers=headers
        )

    @property
    def home(self) -> Path:
        return self.folder / self.real[EXAMPLE_ID]

    def browser(self) -> Browser:
        env = parse_env((self.home / ".env").read_bytes())
        return Browser(env["PORT"], env["OPENCLAW_GATEWAY_TOKEN"])


def _examples(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, Any]]]:
    """Yield each call's name with its example's status and answer."""
    for methods in document["paths"].values():
        for call in methods.values():
            good = {
                status: each["content"].get("application/json", {})
                for status, each in call["responses"].items()
                if "content" in each
            }
            [status, answer] = next(
                ((status, each["example"]) for status, each in good.items() if "example" in each),
                ("200", None),
            )
            yield call["operationId"], (int(status), answer)


def _outline(answer: Any) -> object:
    """Return an example's keys, which it promises beyond the schema."""
    return sorted(answer) if isinstance(answer, dict) else bool(answer)


@pytest.fixture
def story(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setattr(stranded, "SETTLED", timedelta(0))
    with receiving() as receiver:
        webhook = {"webhook_url": SecretStr(receiver.url)}
        api = Api(create_app(settings.model_copy(update=webhook)))
        yield Story(api, settings.deployments_dir)


def test_every_example_on_the_api_page_works(story: Story) -> None:
    with Provider() as provider:
        _live(story, provider)

    assert story.run_examples == set(story.examples), "an example that no test runs"


def _live(story: Story, provider: Provider) -> None:
    run = story.run
    run("get_openapi_json", "get_schema", "get_doctor", "get_webhook", "post_webhook_test")
    story.real["sk-or-v1-…"] = API_KEY
    story.real[EXAMPLE_ID] = run("post_configure")["deployment_id"]
    edit_env(story.home, OPENROUTER_BASE_URL=provider.base_url, OPENCLAW_IMAGE=OLD)
    run("post_rotate_token", "post_token_equalize", "post_launch")
    run("get_operations_by_deployment_id_by_number", "get_list", "get_status_by_deployment_id")
    run("post_reveal", "get_token_by_deployment_id", "get_logs_by_deployment_id")
    run("post_answer", "get_answer_by_deployment_id")
    _pair(story)
    story.real["ghcr.io/openclaw/openclaw:2026.9.6"] = NEW
    _update_several(story)
    run("post_update", "post_go_back", "post_allow_origin", "post_restart")
    _strand(story)
    run("post_stop", "post_reconfigure")
    story.real["Support bot"] = "Sales bot"
    _cancel(story)
    run("post_archive", "get_archived", "post_restore", "post_archive", "post_purge")
    run("get_history")


def _pair(story: Story) -> None:
    first, second = story.browser(), story.browser()
    try:
        for browser, answer in ((first, "post_pairing_approve"), (second, "post_pairing_reject")):
            story.real["3c1f…"] = browser.ask()
            story.real["9ab4…"] = browser.identity.id
            story.run("get_pairing_by_deployment_id", answer)
        story.real["9ab4…"] = first.identity.id
        story.run("post_pairing_remove", "get_history_by_deployment_id")
    finally:
        first.close()
        second.close()


def _update_several(story: Story) -> None:
    """Start a batch of one deployment and cancel it. The deployment may be updated before that."""

    def ended() -> Any:
        batch = story.run("get_update_many_by_number")
        return None if batch["state"] == "running" else batch

    story.run("post_update_many", "post_update_many_cancel")
    if eventually(ended, within=120)["operations"]:
        story.api.post("go_back", {"deployment_id": story.home.name})


def _strand(story: Story) -> None:
    aside = story.home.rename(story.folder.parent / "aside")
    story.run("get_stranded", "post_stranded_remove")
    aside.rename(story.home)


def _cancel(story: Story) -> None:
    edit_env(story.home, OPENCLAW_IMAGE=SILENT)
    story.api.launch(story.home.name, wait=False)
    story.run("post_cancel")
