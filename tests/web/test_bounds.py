"""Nobody gets more than their share: what is sent, and how many wait or follow along, is bounded.

Size of a body, of headers and of an address, and the rate of log-ins, have their tests in
`test_bad_input.py`, `test_raw_requests.py` and `test_access.py`.
"""

from contextlib import closing
from datetime import UTC, datetime
from threading import BoundedSemaphore

import pytest

from app.core.deployment import Operation, OperationKind, OperationState
from app.core.errors import TooManyWaiting
from app.usecases import changes, operations
from tests.api import BASE, Api
from tests.hostile import within
from tests.web.test_bad_input import assert_problem

MANY = {f"field{number}": "x" for number in range(40_000)}


def test_a_form_of_many_fields_is_answered(api: Api) -> None:
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


def test_an_object_of_many_keys_is_answered(api: Api) -> None:
    with within(30, "an object of many keys"):
        answer = api.post("configure", MANY)

    assert_problem(answer, 422, "invalid_input")


def test_as_many_pages_follow_along_as_may(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_VIEWERS", 1)

    with closing(api.page("/stream")) as first:
        second = api.page("/stream", headers={"Accept": "application/json"})

        assert first.status_code == 200
        assert second.status_code == 503
        assert "already follow along" in second.text
    with closing(api.page("/stream")) as again:
        assert again.status_code == 200


def test_as_many_calls_wait_as_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_WAITING", BoundedSemaphore(1))
    now = datetime.now(UTC)
    waited_for = Operation(
        "0b7a3361be", 1, OperationKind.LAUNCH, "ana", now, OperationState.RUNNING
    )

    with (
        operations.waiting_place(waited_for),
        pytest.raises(TooManyWaiting, match=r"\w{3,}"),
        operations.waiting_place(waited_for),
    ):
        pass
    with operations.waiting_place(waited_for):
        pass
