"""The one shape of an API error."""

from typing import Any


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check the shape of an error and return it."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = dict(answer.json)
    assert problem["ok"] is False
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    return problem
