"""A launch that may exceed the host's memory starts, with a warning."""

import pytest

from app.usecases.status import capacity as room
from tests.support.api import Api
from tests.support.command_line import CommandLine


@pytest.fixture
def short_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with almost no free memory."""
    monkeypatch.setattr(room, "available_memory", lambda: 100_000_000)


@pytest.mark.usefixtures("short_of_memory")
def test_a_launch_that_may_exceed_memory_starts_with_a_warning(api: Api, cli: CommandLine) -> None:
    first, second = api.configure(), api.configure()
    warned = "It may not fit: 100.0 MB of memory is available"

    assert warned in api.page("/deployments/new").text
    assert warned in api.page(f"/deployments/{first}").text
    answer = api.launch(first)
    assert (answer.status_code, answer.json["status"]) == (200, "running")
    assert warned in answer.json["warning"]
    assert warned not in api.page(f"/deployments/{first}").text, "it runs"
    assert api.launch(first).json["warning"] == "", "again, it takes no more"

    launched = cli.call("launch", second, "--wait", "0")
    assert warned in launched.stderr
    assert api.stop(second).status_code == 200
    found = {each["code"]: each for each in api.get("doctor").json["findings"]}
    assert found["room"]["verdict"] == "warning"
    assert "No more gateways fit: 100.0 MB of memory" in found["room"]["seen"]


def test_with_enough_memory_there_is_no_warning_and_the_form_says_how_many_fit(api: Api) -> None:
    deployment_id = api.configure()

    assert "Room for about" in api.page("/deployments/new").text
    assert "It may not fit" not in api.page(f"/deployments/{deployment_id}").text
