"""Whatever is typed into a form or sent in a field: taken, or told beside its field."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.fields import FIELDS
from tests.api import API_KEY, BASE, Api
from tests.fuzz.test_api import no_engine  # noqa: F401 - a fixture
from tests.fuzz.test_files import scalars
from tests.hostile import within
from tests.soak import rounds

# The token is given by nobody, and stands on no form.
TYPED = [each.name for each in FIELDS if each.name != "openclaw_gateway_token"]
NAMES = [each.name for each in FIELDS]
typed = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("aA1 \t\r\n\0'\"\\${}:#=<>&%./\x1b\u202e\u2028é"), max_size=20),
    st.sampled_from(["", " ", "0", "-1", "65536", "1e3", "٣", "x" * 40_000, "http://[", "a:b@c"]),
)


@pytest.mark.usefixtures("no_engine")
def test_any_text_in_any_field_is_taken_or_told_beside_it(
    api: Api, request: pytest.FixtureRequest
) -> None:
    deployment_id = api.configure(name="Support bot")
    page = api.page(f"/deployments/{deployment_id}/edit").text
    before = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))

    @settings(
        max_examples=rounds(request.config, 12, 1000),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(TYPED), typed, st.booleans())
    def form(name: str, text: str, new: bool) -> None:
        path = "/deployments/new" if new else f"/deployments/{deployment_id}/edit"
        given = {"openrouter_api_key": API_KEY} if new else before
        with within(60, f"{name}={text!r}"):
            answer = api.client.post(path, data={**given, name: text}, base_url=BASE)
        assert answer.status_code in (200, 303, 409, 422), (name, text, answer.text[:300])
        if answer.status_code == 422:
            assert 'aria-invalid="true"' in answer.text, (name, text)

    @settings(
        max_examples=rounds(request.config, 12, 1000),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(NAMES), st.one_of(typed, scalars))
    def call(name: str, value: object) -> None:
        with within(60, f"{name}={value!r}"):
            # As it is sent: more is taken than is described, as a null for what is not given.
            body = json.dumps({"openrouter_api_key": API_KEY, name: value})
            answer = api.client.post(
                "/api/deploy/configure", data=body, content_type="application/json", base_url=BASE
            )
        assert answer.status_code in (200, 400, 422), (name, value, answer.text)
        if answer.status_code == 422:
            assert name in [each["field"] for each in answer.json["errors"]], answer.text

    form()
    call()
    assert api.listed(deployment_id)["name"] is not None
