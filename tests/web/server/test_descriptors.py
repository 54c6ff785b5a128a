"""Without free file descriptors, errors say so, no file is called damaged, no number is reused."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.store import history
from tests.support.api import API_KEY, Api
from tests.support.soak import rounds

VERBS = ("launch", "restart", "stop", "archive", "rotate_token")


@contextmanager
def descriptors_left(number: int) -> Iterator[None]:
    """Let this process open only `number` more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each) for each in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 16, hard))
    held: list[int] = []
    try:
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        for _ in range(number):
            os.close(held.pop())
        yield
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def deployment_id(api: Api) -> str:
    """A stopped deployment. All code that is loaded at its first use is loaded already."""
    deployment_id = api.configure(name="Support bot")
    assert api.stop(deployment_id).status_code == 200
    api.page("/")
    api.page(f"/deployments/{deployment_id}")
    return deployment_id


def test_without_descriptors_no_file_is_called_damaged(
    api: Api, deployment_id: str, deployments_dir: Path
) -> None:
    os.utime(deployments_dir / deployment_id / ".env")  # So that `.env` is read again.
    with descriptors_left(0):
        answers = [api.get("list"), api.get(f"status/{deployment_id}"), api.stop(deployment_id)]
        page = api.page(f"/deployments/{deployment_id}")

    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (503, "out_of_files"), answer.text
    assert page.status_code == 503
    assert "too many open files" in page.text
    assert api.status(deployment_id)["status"] == "stopped"


def test_without_descriptors_every_verb_is_refused_and_changes_nothing(
    api: Api, deployment_id: str, deployments_dir: Path, pytestconfig: pytest.Config
) -> None:
    folder = deployments_dir / deployment_id
    before, env = api.status(deployment_id), (folder / ".env").read_bytes()
    last = 3
    for left in range(0, last, last // rounds(pytestconfig, 1, last)):
        for verb in VERBS:
            with descriptors_left(left):
                refused = api.post(verb, {"deployment_id": deployment_id})

            at = f"{verb} with {left} descriptors left: {refused.text}"
            assert refused.status_code in (503, 507), at
            assert refused.json["code"] in ("out_of_files", "storage_failed"), at
            assert "too many open files" in refused.json["detail"], at
        with descriptors_left(left):
            refused = api.post("configure", {"openrouter_api_key": API_KEY})
        assert refused.status_code == 507, refused.text

        after = api.status(deployment_id)
        assert (after["status"], after["port"]) == (before["status"], before["port"])
        assert after["reason"].startswith("stopped by a local user")
        assert (folder / ".env").read_bytes() == env
        numbers = [each["n"] for each in history.read_history(folder)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(api.get("list").json) == 1
    assert api.stop(deployment_id).status_code == 200
