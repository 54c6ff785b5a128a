"""Invalid requests get an error in the API's only format; nothing is created or started."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.api import API_KEY, BASE, Api
from tests.support.problems import assert_problem

UNKNOWN = "0123456789"
CANARY = "canary-5f2a9c"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"openrouter_api_key"}),
        ({"openrouter_api_key": CANARY * 4000}, {"openrouter_api_key"}),
        ({"openrouter_api_key": f"{CANARY}\ud800"}, {"openrouter_api_key"}),
        ({"openrouter_api_key": API_KEY, CANARY: "1"}, {CANARY}),
        (
            {"port": 0, "image": "?", "nonsense": 1},
            {"port", "image", "nonsense", "openrouter_api_key"},
        ),
        ([], {"body"}),
        ("text", {"body"}),
    ],
)
def test_every_wrong_field_is_named_and_nothing_is_made(
    api: Api, deployments_dir: Path, body: Any, fields: set[str]
) -> None:
    problem = assert_problem(api.post("configure", body), 422, "invalid_input")

    assert {error["field"] for error in problem["errors"]} == fields
    assert all(error["message"] for error in problem["errors"])
    assert fields == {CANARY} or CANARY not in str(problem), "a value must not be repeated"
    assert [each.name for each in deployments_dir.iterdir()] == [".deploy-agent"]


@pytest.mark.parametrize("verb", ["configure", "launch", "stop", "reveal"])
def test_only_json_bodies_are_accepted(api: Api, verb: str) -> None:
    path = f"/api/deploy/{verb}"

    broken = api.client.post(path, data=b'{"a":', content_type="application/json", base_url=BASE)
    form = api.client.post(path, data={"a": "b"}, base_url=BASE)
    text = api.client.post(path, data=b"{}", content_type="text/plain", base_url=BASE)

    assert_problem(broken, 400, "bad_request")
    assert_problem(form, 415, "unsupported_media_type")
    assert_problem(text, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "deployment_id",
    [UNKNOWN, "ABCDEF0123", "0b7a3361b", "0b7a3361bee", "../../etc/pas", "0b7a3361b\u0665", " "],
)
def test_an_id_that_names_nothing_is_not_found(api: Api, deployment_id: str) -> None:
    for verb in ("launch", "stop"):
        assert_problem(api.post(verb, {"deployment_id": deployment_id}), 404, "not_found")
    reveal = {"deployment_id": deployment_id, "field": "openclaw_gateway_token"}
    assert_problem(api.post("reveal", reveal), 404, "not_found")
    for verb in ("status", "logs"):
        assert_problem(api.get(f"{verb}/{deployment_id}"), 404, "not_found")
    assert api.page(f"/deployments/{deployment_id}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "deployment_id"),
        ({"deployment_id": ""}, "deployment_id"),
        ({"deployment_id": 5}, "deployment_id"),
        ({"deployment_id": UNKNOWN, "force": True}, "force"),
        ({"deployment_id": UNKNOWN, "wait": "no"}, "wait"),
    ],
)
def test_launch_accepts_only_an_id_and_whether_to_wait(api: Api, body: object, field: str) -> None:
    problem = assert_problem(api.post("launch", body), 422, "invalid_input")

    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "query", ["tail=0", "tail=-1", "tail=x", "tail=999999999999", "since=soon"]
)
def test_invalid_log_queries_are_rejected(api: Api, query: str) -> None:
    deployment_id = api.configure()

    assert_problem(api.get(f"logs/{deployment_id}?{query}"), 422, "invalid_input")


def test_a_wrong_method_and_an_unknown_path_have_different_errors(api: Api) -> None:
    for verb in ("launch", "pairing/approve", "pairing/reject", "pairing/remove", "token/equalize"):
        assert_problem(api.get(verb), 405, "method_not_allowed")
    for address in ("nowhere", "pairing/nowhere", "token/0B7A3361BE"):
        assert_problem(api.get(address), 404, "not_found")


def test_a_request_body_over_the_limit_is_rejected(api: Api) -> None:
    answer = api.post("configure", {"openrouter_api_key": "x" * 2_000_000})

    assert_problem(answer, 413, "too_large")


def test_deeply_nested_json_is_rejected(api: Api) -> None:
    deep = api.client.post(
        "/api/deploy/configure",
        data=b"[" * 200_000,
        content_type="application/json",
        base_url=BASE,
    )

    assert_problem(deep, 400, "bad_request")


def test_only_secret_fields_that_have_a_value_are_revealed(api: Api) -> None:
    deployment_id = api.configure()

    for field in ("name", "port", "nonsense", "slack_bot_token"):
        answer = api.post("reveal", {"deployment_id": deployment_id, "field": field})
        assert_problem(answer, 422, "invalid_input")
