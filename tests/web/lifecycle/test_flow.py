"""The API flow of an existing script: configure, list, launch, status, logs, stop."""

from tests.support.api import Api


def test_a_script_configures_launches_watches_and_stops(api: Api) -> None:
    deployment_id = api.configure(name="Support bot")
    assert api.listed(deployment_id)["status"] == "configured"

    launched = api.launch(deployment_id)

    assert launched.status_code == 200, launched.text
    assert launched.json["ok"] is True
    assert launched.json["status"] == "running"
    assert api.listed(deployment_id)["status"] == "running"
    assert "listening" in api.get(f"logs/{deployment_id}").json["logs"]

    stopped = api.stop(deployment_id)

    assert stopped.json["ok"] is True
    assert api.listed(deployment_id)["status"] == "stopped"
    last_words = api.get(f"logs/{deployment_id}").json
    assert "listening" in last_words["logs"]
    assert last_words["last_words"]["exit_code"] == 0
