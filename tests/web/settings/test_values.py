"""Hostile values are passed on exactly or rejected, and never interpreted.

Compose decides: it must read exactly the given value from our files, and no other changed key. A
container's environment must have the value too. `--soak` tries thousands of values.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import InputRejected
from app.core.settings.env_file import format_env, parse_env
from app.core.settings.field_checks import check_input
from app.core.settings.fields import FIELDS
from app.store.history import read_history
from app.usecases.context import AppContext
from app.usecases.people import people
from app.usecases.settings.configure import configure_deployment
from tests.support.api import API_KEY, BASE, Api
from tests.support.command_line import CommandLine
from tests.support.engine.compose import compose, environment_of, resolved
from tests.support.engine.images import STANDIN
from tests.support.soak import rounds

SECRETS = tuple(each for each in FIELDS if each.secret and each.group != "auto")
# Values that harm a reader that does not treat them as plain text.
INJECTIONS = (
    "'", '"', "\\", "\\'", "$", "$$", "${PORT}", "${OPENCLAW_GATEWAY_TOKEN}", "$(id)", "`id`",
    "${X:?x}", "${X:-", "x\\nPORT=1", "PORT=1", "export PORT=1", " #c", "#", "=", ": ", "- a",
    "{a: b}",
    "!!python/object:os.system", "&a *a", "|", ">", "%(label)s", "{0}", "{{7*7}}", "{% x %}",
    "; id", "&& id", "--privileged", "-v/:/host", "<script>x</script>", "</textarea>",
    "\" onload=x",
    "' onload=x", "&lt;", "<!--", "]]>", "=cmd()", "+1", "@SUM(A1)", "%s%n", "%00", "..", "../../x",
    "\ufeff", "\u200b", "é", "日本", "\U0001f99e", "e\u0301", "\xa0", "\u2028", "\x85", "null", "~",
)  # fmt: skip
# Characters that end a line, change the direction of text, or control a terminal.
STEERING = (
    "a\nPORT=1", "a\r\nb", "a\0b", "a\x1b[2Jb", "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07",
    "\u202egnp.exe", "\u2066x", "\x9b2J", "a\bb", "\x07", "\ud800",
)  # fmt: skip

anything = st.text(
    st.one_of(
        st.sampled_from("aA1 \t'\"\\${}:-?+#=`!%&|;<>()[]*~.,/@^"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=24,
)
values = st.one_of(
    anything, st.sampled_from(INJECTIONS), st.tuples(anything, anything).map("\n".join)
)


class Markup(HTMLParser):
    """A page's markup without text: the names of all elements and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def markup_of(api: Api, deployment_id: str) -> set[tuple[str, tuple[str, ...]]]:
    pages = ("/", f"/deployments/{deployment_id}", f"/deployments/{deployment_id}/edit", "/history")
    return {each for page in pages for each in Markup(api.page(page).text).found}


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    return rounds(request.config, 2, 60)


def test_compose_passes_on_every_value_exactly(
    tmp_path: Path, examples: int, request: pytest.FixtureRequest
) -> None:
    """Write two hundred values to a file at a time, next to variables that values may name."""
    tried = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(values, min_size=200, max_size=200))
    def check(given: list[str]) -> None:
        nonlocal tried
        tried += len(given)
        written = {"PORT": "20000", **{f"V{number}": each for number, each in enumerate(given)}}
        (tmp_path / ".env").write_bytes(format_env(written).encode())
        service = {"image": STANDIN, "environment": dict.fromkeys(written), "entrypoint": "node"}
        (tmp_path / "compose.yml").write_text(json.dumps({"services": {"a": service}}))

        assert parse_env((tmp_path / ".env").read_bytes()) == written
        assert environment_of(resolved(tmp_path)[0]["services"]["a"]) == written
        if tried == 200 or request.config.getoption("soak"):
            assert in_container(tmp_path, "a").items() >= written.items()

    check()
    assert tried >= 200 * examples


def in_container(folder: Path, service: str) -> dict[str, str]:
    """Return the environment of a process in a new container of the service."""
    script = "JSON.stringify(process.env)"
    run = ["run", "--rm", "-T", "--no-deps", "--entrypoint", "node", service, "-p", script]
    ran: subprocess.CompletedProcess[bytes] = compose(folder, *run)
    assert ran.returncode == 0, ran.stderr.decode()
    return dict(json.loads(ran.stdout))


def test_a_field_keeps_its_exact_value_and_no_other_key_changes(
    context: AppContext, examples: int
) -> None:
    line = values.map(lambda each: re.sub(r"[\r\n]", " ", each)).map(
        lambda each: each if each.strip() else f"x{each}"
    )

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries({each.name: line for each in SECRETS}))
    def check(given: Mapping[str, str]) -> None:
        checked = check_input(given)
        assert checked.errors == {}
        deployment = configure_deployment(given, actor="test", context=context)
        read = resolved(Path(deployment.folder))[0]["services"]["openclaw"]

        expected = {each.env: given[each.name] for each in SECRETS}
        own = {
            "OPENCLAW_GATEWAY_PORT": str(deployment.port),
            "OPENCLAW_GATEWAY_TOKEN": deployment.token,
            "OPENCLAW_DISABLE_BONJOUR": "1",
        }
        assert environment_of(read) == {**own, **expected}
        assert read["image"] == STANDIN

    check()


def test_a_name_is_plain_text_on_pages_in_logs_and_at_the_terminal(
    api: Api, cli: CommandLine, caplog: pytest.LogCaptureFixture, deployments_dir: Path
) -> None:
    plain = api.configure(name="plain")
    markup = markup_of(api, plain)

    for name in INJECTIONS:
        answer = api.post("reconfigure", {"deployment_id": plain, "name": name, "then": "save"})
        if answer.status_code == 422:
            continue
        assert api.listed(plain)["name"] == name.strip()
        for row in cli.done("list").splitlines()[:1]:
            assert row.split("\t")[0] == plain
        assert parse_env((deployments_dir / plain / ".env").read_bytes())["PORT"] != "1"

    api.post("reconfigure", {"deployment_id": plain, "name": "<b title='x'>", "then": "save"})
    new = {each for each in markup_of(api, plain) if each not in markup}
    assert not [
        each for each in new if each[0] in ("script", "b", "img", "iframe", "style", "base")
    ]
    assert "onload" not in {attribute for _, attributes in new for attribute in attributes}
    assert all(isinstance(each, dict) for each in read_history(deployments_dir / plain))
    assert not any("\n" in record.getMessage() for record in caplog.records if not record.exc_info)


def test_control_characters_are_rejected_everywhere(api: Api, cli: CommandLine) -> None:
    for value in STEERING:
        answer = api.post("configure", {"openrouter_api_key": API_KEY, "name": value})
        assert answer.status_code == 422
        assert value not in answer.text
        form = {"openrouter_api_key": API_KEY, "name": value, "configure": "yes"}
        if value != "\ud800":
            typed = api.client.post("/deployments/new", data=form, base_url=BASE)
            assert typed.status_code == 422
        made = cli.call(
            "configure", "--set", f"name={value}", typed=json.dumps({"openrouter_api_key": API_KEY})
        )
        assert made.exit_code != 0
        assert "\x1b" not in made.output
    assert api.get("list").json == []


def test_names_of_people_tokens_and_origins_are_plain_text(api: Api, context: AppContext) -> None:
    deployment_id = api.configure()

    for value in (*STEERING, "<script>x</script>", "a b", "'", "$(id)", "http://x/'"):
        asked = api.post("allow_origin", {"deployment_id": deployment_id, "origin": value})
        assert asked.status_code == 422, value
        with pytest.raises(InputRejected):
            people.add_user(value, "viewer", "a long password", by="test", context=context)
    for value in STEERING:
        with pytest.raises(InputRejected):
            people.make_token(value, "viewer", "test", context=context)
