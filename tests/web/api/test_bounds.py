"""Limits on request rates, on waiting calls and on streaming pages.

test_bad_input.py and test_raw_requests.py test the limits of bodies, headers and URLs;
tests/web/people/test_permissions.py tests the rate of log-ins.
"""

from contextlib import closing
from datetime import UTC, datetime
from threading import BoundedSemaphore

import pytest

from app import create_app
from app.config import Settings
from app.core.errors import TooManyWaiting
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.usecases.operations import wait
from app.usecases.server import live_updates
from tests.support.api import BASE, Api
from tests.support.files.hostile_files import within
from tests.support.problems import assert_problem

MANY = {f"field{number}": "x" for number in range(40_000)}


def test_a_form_with_many_fields_is_answered(api: Api) -> None:
    with within(30, "a form of many fields"):
        typed = api.client.post("/deployments/new", data=MANY, base_url=BASE)
    in_parts = api.client.post(
        "/deployments/new",
        data=dict(list(MANY.items())[:300]),
        content_type="multipart/form-data",
        base_url=BASE,
    )

    assert typed.status_code in (413, 422)
    assert in_parts.status_code == 413
    assert "too large" in in_parts.text
    assert api.get("list").json == []


def test_a_json_object_with_many_keys_is_answered(api: Api) -> None:
    with within(30, "an object of many keys"):
        answer = api.post("configure", MANY)

    assert_problem(answer, 422, "invalid_input")


def test_only_a_limited_number_of_pages_may_stream(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_updates, "MOST_SUBSCRIBERS", 1)

    with closing(api.page("/stream")) as first:
        second = api.page("/stream", headers={"Accept": "application/json"})

        assert first.status_code == 200
        assert second.status_code == 503
        assert "already receive live updates" in second.text
    with closing(api.page("/stream")) as again:
        assert again.status_code == 200


def test_only_a_limited_number_of_calls_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_PLACES", BoundedSemaphore(1))
    now = datetime.now(UTC)
    waited_for = Operation(
        "0b7a3361be", 1, OperationKind.LAUNCH, "ana", now, OperationState.RUNNING
    )

    with (
        wait.waiting_place(waited_for),
        pytest.raises(TooManyWaiting, match=r"\w{3,}"),
        wait.waiting_place(waited_for),
    ):
        pass
    with wait.waiting_place(waited_for):
        pass


@pytest.fixture
def slow_api(settings: Settings) -> Api:
    """An API that allows another machine ten requests in ten seconds."""
    return Api(create_app(settings.model_copy(update={"request_rate": 1})))


def statuses(api: Api, address: str, count: int, **headers: str) -> list[int]:
    """Send requests from an address and return their statuses."""
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    sender = {"REMOTE_ADDR": address}
    return [
        api.get("list", environ_base=sender, headers=sent).status_code for _ in range(count)
    ]  # fmt: skip


def test_another_machine_may_send_requests_up_to_its_limit(slow_api: Api) -> None:
    assert statuses(slow_api, "192.0.2.7", 10) == [401] * 10

    refused = slow_api.get("list", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    page = slow_api.page("/", environ_base={"REMOTE_ADDR": "192.0.2.7"})

    assert_problem(refused, 429, "too_many_requests")
    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert refused.headers["Retry-After"] == page.headers["Retry-After"] == "10"
    assert "More than 10 requests came from this address within 10 seconds" in page.text
    # The limit does not affect other machines. Programs on this machine have no limit.
    assert statuses(slow_api, "192.0.2.8", 1) == [401]
    assert statuses(slow_api, "127.0.0.1", 20) == [200] * 20


def test_addresses_of_one_ipv6_network_count_as_one_machine(slow_api: Api) -> None:
    sent = [statuses(slow_api, f"2001:db8::{number}", 1)[0] for number in range(1, 12)]

    assert sent == [401] * 10 + [429]
    assert statuses(slow_api, "2001:db8:0:1::1", 1) == [401]


def test_behind_a_proxy_each_machine_has_its_own_request_limit(settings: Settings) -> None:
    proxy = {"trusted_proxy": "192.0.2.1", "request_rate": 1}
    api = Api(create_app(settings.model_copy(update=proxy)))

    # A client's own X-Forwarded-For comes before the address that the proxy adds.
    named = [
        statuses(api, "192.0.2.1", 1, X_Forwarded_For=f"10.0.0.{number}, 198.51.100.7")[0]
        for number in range(11)
    ]

    assert named == [401] * 10 + [429]
    assert statuses(api, "192.0.2.1", 1, X_Forwarded_For="198.51.100.8") == [401]
    assert statuses(api, "192.0.2.1", 20) == [401] * 20
    assert statuses(api, "192.0.2.9", 11, X_Forwarded_For="198.51.100.9")[-1] == 429
