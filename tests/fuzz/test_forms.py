"""Any value in a form is accepted unchanged, or reported next to its field."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import escape

from app.core.settings.env_file import parse_env
from app.core.settings.fields import BY_NAME, FIELDS, TOKEN
from tests.support.api import API_KEY, BASE, Api
from tests.support.files.hostile_files import within
from tests.support.soak import rounds
from tests.support.waiting import eventually

NAMES = [each.name for each in FIELDS]
# No form has the gateway token, because nobody may set it.
TYPED = [each for each in NAMES if each != TOKEN.name]
typed = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("aA1 \t\r\n\0'\"\\${}:#=<>&%./\x1b\u202e\u2028é"), max_size=20),
    st.sampled_from(["", " ", "0", "-1", "65536", "1e3", "٣", "x" * 40_000, "http://[", "a:b@c"]),
)


def hold_taken(folder: Path, name: str, value: object) -> None:
    """Assert that `.env` has the value: a secret unchanged, another value without outer spaces."""
    field = BY_NAME[name]
    if field.type == "integer" or not isinstance(value, str) or not value.strip():
        return
    written = parse_env((folder / ".env").read_bytes()).get(field.env)
    assert written == (value if field.secret else value.strip()), (name, value)


def hold_told(page: str, name: str, text: str) -> None:
    """Assert that the error is next to its field, with the typed value if not a secret."""
    [entry] = re.findall(rf'<input id="{name}"[^>]*>', page)
    [said] = re.findall(rf'id="{name}-message"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert 'aria-invalid="true"' in entry, (name, text)
    assert '<span class="error">It ' in said, (name, text)
    if not BY_NAME[name].secret:
        assert f'value="{escape(text)}"' in entry, (name, text)
    elif len(text.strip()) > 7:  # A shorter secret may be on the page by chance.
        assert str(escape(text.strip())) not in page, (name, text)


def is_busy(api: Api, deployment_id: str) -> bool:
    operation = api.status(deployment_id)["operation"]
    return bool(operation and operation["state"] == "running")


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    return rounds(request.config, 10, 1000)


@pytest.mark.usefixtures("no_engine", "preloaded_operations")
@pytest.mark.parametrize("new", [True, False], ids=["new", "edit"])
def test_any_typed_value_is_accepted_or_reported_beside_its_field(
    api: Api, deployments_dir: Path, examples: int, new: bool
) -> None:
    deployment_id = api.configure(name="Support bot")
    path = "/deployments/new" if new else f"/deployments/{deployment_id}/edit"
    before = {"openrouter_api_key": API_KEY} if new else {}

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(TYPED), typed)
    def check(name: str, text: str) -> None:
        with within(60, f"{name}={text!r}"):
            answer = api.client.post(path, data={**before, name: text}, base_url=BASE)
        if answer.status_code == 422:
            hold_told(answer.text, name, text)
            return
        assert answer.status_code == 303, (name, text, answer.text[:300])
        folder = deployments_dir / answer.location.rpartition("/")[2]
        eventually(lambda: not is_busy(api, folder.name), within=30, every=0.01)
        hold_taken(folder, name, text)
        if new:
            shutil.rmtree(folder)

    check()
