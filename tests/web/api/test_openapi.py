"""The API's description is valid OpenAPI 3.1, generated from the code, and has every call."""

import html
import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.usecases.people import people
from tests.support.api import Api
from tests.support.openapi_check import check


def test_the_description_is_valid_and_the_same_for_all_who_ask(api: Api) -> None:
    document = api.page("/api/openapi.json").json

    assert document["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert api.page("/api/openapi.json").json == document


def test_every_call_has_a_name_of_its_own_and_says_what_it_does(api: Api) -> None:
    paths = api.page("/api/openapi.json").json["paths"]
    calls = [each for path in paths.values() for each in path.values()]

    assert len({each["operationId"] for each in calls}) == len(calls)
    assert paths["/api/deploy/status/{deployment_id}"]["get"]["operationId"] == (
        "get_status_by_deployment_id"
    )
    assert all(each["summary"] and each["description"] and each["tags"] for each in calls)


def test_the_api_page_shows_every_call_with_an_example_for_its_reader(api: Api) -> None:
    token = people.make_token("ci", "viewer", "ana", context=api.app.config["CONTEXT"])
    document = api.page("/api/openapi.json").json

    here = html.unescape(api.page("/api").text)
    with_token = api.page("/api", headers={"Authorization": f"Bearer {token}"}).text

    calls = [
        (f"{method.upper()} {path}", call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    for address, call in calls:
        assert f"<code>{address}</code> {call['summary']}" in here
        assert f'id="curl-{call["operationId"]}"' in here
    assert "Bearer $TOKEN" not in here
    assert with_token.count("Bearer $TOKEN") == len(calls)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, {"ok": True, "deployment_id": "0b7a3361be", "status": "stopped", "more": 1}),
        (200, {"ok": True, "deployment_id": "0b7a3361be"}),
        (200, {"ok": True, "deployment_id": "0b7a3361be", "status": "gone"}),
        (201, {"ok": True, "deployment_id": "0b7a3361be", "status": "stopped"}),
    ],
)
def test_an_answer_that_violates_the_schema_fails_its_test(
    status: int, answer: dict[str, object]
) -> None:
    with pytest.raises(AssertionError, match="described"):
        check("POST", "/api/deploy/stop", status, "application/json", json.dumps(answer).encode())


def test_an_empty_query_value_counts_as_absent_and_is_described_so(api: Api) -> None:
    deployment_id = api.configure()
    for path, methods in api.page("/api/openapi.json").json["paths"].items():
        asked = [
            each for each in methods.get("get", {}).get("parameters", ()) if each["in"] == "query"
        ]
        for each in asked:
            address = path.format(deployment_id=deployment_id, number=1)
            assert each["allowEmptyValue"], f"{path} {each['name']}"
            assert api.page(f"{address}?{each['name']}=").status_code in (200, 404)
