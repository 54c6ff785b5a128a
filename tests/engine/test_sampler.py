"""Usage sampling continues after any error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.engine.usage_sampler import UsageSampler
from tests.support.waiting import eventually


class Client:
    """An engine client whose first answer is malformed."""

    asked = 0

    @contextmanager
    def calls(self) -> Iterator["Client"]:
        yield self

    def stats(self, container_id: str, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.asked == 1:
            raise ValueError("an answer that nobody foresaw")
        return {}


def test_sampling_restarts_after_an_unexpected_error(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    sampler = UsageSampler(client, lambda: None)  # type: ignore[arg-type]

    def looked() -> bool:
        sampler.usage_of(["c0ffee"])
        return client.asked > 1

    eventually(looked)

    assert "nobody foresaw" in caplog.text
