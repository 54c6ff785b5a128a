"""The provider check of one deployment, through the API."""

from typing import Any

from tests.support.api import Api


def check_provider(api: Api, deployment_id: str) -> dict[str, Any]:
    """Run the check and return its result."""
    answer = api.post("answer", {"deployment_id": deployment_id})
    assert answer.status_code == 200, answer.text
    assert answer.json["asking"] is False
    return dict(answer.json["answer"])


def last_check(api: Api, deployment_id: str) -> dict[str, Any] | None:
    answer = api.get(f"answer/{deployment_id}").json["answer"]
    return dict(answer) if answer else None
