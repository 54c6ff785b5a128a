"""Origins: what a gateway's page does for a visitor, and how to allow another host name."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import docker
import pytest
from werkzeug.test import TestResponse

from app.core.settings.env_file import parse_env
from app.store.history import read_history
from app.usecases.people import people
from demo.devices import Browser
from tests.support.api import Api
from tests.support.engine.containers import containers_of
from tests.support.files.env_edits import edit_env
from tests.support.pages import csrf_token
from tests.support.waiting import eventually

GATEWAY = "gw.example"
PAGE = f"http://{GATEWAY}:8000"


class Reader:
    """A visitor who opened Deploy Agent under a given host name."""

    def __init__(self, api: Api, role: str = "operator", base_url: str = PAGE) -> None:
        context = api.app.config["CONTEXT"]
        if not people.has_users(context):
            people.add_user("ana", "operator", "correct horse battery", by="test", context=context)
        token = people.make_token(f"{role}-{id(self)}", role, "ana", context=context)
        self.client = api.app.test_client()
        self.base_url = base_url
        self.headers = {"Authorization": f"Bearer {token}"}

    def page(self, deployment_id: str, **more: str) -> str:
        answer = self.client.get(
            f"/deployments/{deployment_id}",
            base_url=self.base_url,
            headers={**self.headers, **more},
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    def walls(self, deployment_id: str, **more: str) -> list[str]:
        return re.findall(r'data-obstacle="(\w+)"', self.page(deployment_id, **more))

    def press(self, deployment_id: str, origin: str | None = None) -> TestResponse:
        """Send the form on the page as a browser without JavaScript does."""
        page = self.page(deployment_id)
        shown = re.search(r'name="origin" value="([^"]+)"', page)
        return self.client.post(
            f"/deployments/{deployment_id}/allow-origin",
            data={"csrf_token": csrf_token(page), "origin": origin or (shown and shown[1]) or ""},
            base_url=self.base_url,
            headers={
                **self.headers,
                "Origin": self.base_url,
                "Referer": f"{self.base_url}/deployments/{deployment_id}",
            },
        )

    def call(self, method: str, path: str, body: object = None) -> TestResponse:
        return self.client.open(
            f"/api/deploy/{path}",
            method=method,
            json=body,
            base_url=self.base_url,
            headers=self.headers,
        )

    def allow(self, deployment_id: str, origin: object, **more: object) -> TestResponse:
        body = {"deployment_id": deployment_id, "origin": origin, **more}
        return self.call("POST", "allow_origin", body)

    def status(self, deployment_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"status/{deployment_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json)


def port_of(folder: Path) -> str:
    return parse_env((folder / ".env").read_bytes())["PORT"]


def origins_of(folder: Path) -> list[str]:
    config = json.loads((folder / "config" / "openclaw.json").read_text())
    return list(config["gateway"]["controlUi"]["allowedOrigins"])


def run_of(engine: docker.APIClient, deployment_id: str) -> tuple[str, str]:
    [container] = containers_of(engine, deployment_id)
    state = engine.inspect_container(container["Id"])["State"]
    return str(container["Id"]), str(state["StartedAt"])


def test_one_button_allows_a_name_and_then_the_page_may_request_pairing(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    folder = deployments_dir / deployment_id
    assert api.launch(deployment_id).status_code == 200
    env = parse_env((folder / ".env").read_bytes())
    browser = Browser(env["PORT"], env["OPENCLAW_GATEWAY_TOKEN"], name=GATEWAY)
    before, run = (
        json.loads((folder / "config/openclaw.json").read_text()),
        run_of(engine, deployment_id),
    )
    ana = Reader(api)
    origin = f"http://{GATEWAY}:{env['PORT']}"
    assert ana.walls(deployment_id) == ["origin_refused"]
    assert browser.knock()["error"]["details"]["code"] == "CONTROL_UI_ORIGIN_NOT_ALLOWED"

    pressed = ana.press(deployment_id)

    assert pressed.status_code == 303, pressed.text
    ended = eventually(
        lambda: (o := ana.status(deployment_id)["operation"])["state"] != "running" and o
    )
    assert (ended["kind"], ended["state"]) == ("allow-origin", "succeeded"), ended
    assert ended["arguments"] == {"origin": origin}
    assert origins_of(folder) == [*before["gateway"]["controlUi"]["allowedOrigins"], origin]
    after = json.loads((folder / "config/openclaw.json").read_text())
    after["gateway"]["controlUi"] = before["gateway"]["controlUi"]
    assert after == before, "every other key stays"
    again = run_of(engine, deployment_id)
    assert again[0] == run[0]
    assert again[1] != run[1], "the gateway reads its file at the start"
    assert ana.status(deployment_id)["status"] == "running"
    assert ana.walls(deployment_id) == ["pairing"]
    assert 'hx-select="#obstacles"' not in ana.page(deployment_id)
    browser.ask()
    entries = [each for each in read_history(folder) if each["what"].startswith("allow-origin")]
    assert [each["what"] for each in entries] == ["allow-origin", "allow-origin succeeded"]
    assert entries[0]["arguments"] == {"origin": origin}
    assert all("operator" in each["who"] for each in entries), entries


@pytest.mark.parametrize(
    ("base_url", "walls"),
    [
        ("http://localhost:8000", ["opens", "perhaps_tunnelled"]),
        ("http://10.9.8.7:8000", ["pairing"]),
        ("http://gw.example", ["origin_refused"]),
        ("https://gw.example", ["https_page", "origin_refused"]),
    ],
)
def test_the_page_says_what_will_happen_for_this_visitor(
    api: Api, base_url: str, walls: list[str]
) -> None:
    deployment_id = api.configure()
    reader = Reader(api, base_url=base_url)

    assert reader.walls(deployment_id) == walls
    assert [wall["code"] for wall in reader.status(deployment_id)["walls"]] == walls
    assert "#token=" not in reader.page(deployment_id)


def test_a_gateway_for_this_host_only_comes_with_a_tunnel_command(api: Api) -> None:
    deployment_id = api.configure(bind_address="127.0.0.1")
    port = api.listed(deployment_id)["port"]
    far = Reader(api)

    # A visitor through a proxy on this host does not count as local.
    assert far.walls(deployment_id, **{"X-Forwarded-For": "10.0.0.9"}) == ["published_there_only"]
    page = far.page(deployment_id, **{"X-Forwarded-For": "10.0.0.9"})
    assert f"ssh -N -L {port}:127.0.0.1:{port} {GATEWAY}</code>" in page
    assert far.walls(deployment_id) == ["published_here_only"]


def test_the_https_name_of_a_proxied_gateway_can_be_entered_and_allowed(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    reader = Reader(api, base_url="https://gw.example")

    assert reader.press(deployment_id, "https://claw.example/").status_code == 303
    eventually(lambda: reader.walls(deployment_id)[0] == "https_allowed")
    assert "https://claw.example" in origins_of(deployments_dir / deployment_id)


def test_allowing_a_name_on_a_stopped_gateway_changes_only_its_file(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    ana, folder = Reader(api), deployments_dir / deployment_id
    origin = f"http://{GATEWAY}:{port_of(folder)}"

    answer = ana.allow(deployment_id, origin)

    assert answer.status_code == 200, answer.text
    assert answer.json == {
        "ok": True,
        "deployment_id": deployment_id,
        "status": "configured",
        "origin": origin,
    }
    assert origin in origins_of(folder)
    assert containers_of(engine, deployment_id) == []
    text = (folder / "config/openclaw.json").read_bytes()
    assert ana.allow(deployment_id, origin).status_code == 200
    assert (folder / "config/openclaw.json").read_bytes() == text

    ana.call("POST", "launch", {"deployment_id": deployment_id})
    ana.call("POST", "stop", {"deployment_id": deployment_id})
    stopped = ana.allow(deployment_id, "https://claw.example")

    assert stopped.json["status"] == "stopped"
    assert "stopped by" in ana.status(deployment_id)["reason"]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "http://gw.example",
        "http://gw.example:1",
        "https://x/y",
        "ws://x",
        "https://a b",
    ],
)
def test_a_bad_origin_is_rejected_and_no_operation_starts(
    api: Api, deployments_dir: Path, origin: str
) -> None:
    deployment_id = api.configure()
    ana, folder = Reader(api), deployments_dir / deployment_id
    before = origins_of(folder)

    answer = ana.allow(deployment_id, origin)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json["errors"]] == ["origin"]
    assert ana.press(deployment_id, origin).status_code == 422
    assert ana.allow(deployment_id, 5).status_code == 422
    assert origins_of(folder) == before
    assert ana.status(deployment_id)["operation"] is None


def test_a_viewer_sees_the_statement_but_may_not_allow(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    vic = Reader(api, "viewer")
    before = origins_of(deployments_dir / deployment_id)

    page = vic.page(deployment_id)

    assert vic.walls(deployment_id) == ["origin_refused"]
    assert "An operator can allow it." in page
    assert "allow-origin" not in page
    origin = f"http://{GATEWAY}:{port_of(deployments_dir / deployment_id)}"
    assert vic.allow(deployment_id, origin).status_code == 403
    assert origins_of(deployments_dir / deployment_id) == before


def test_a_gateway_that_fails_with_the_new_file_is_rolled_back(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    ana, folder = Reader(api), deployments_dir / deployment_id
    ana.call("POST", "launch", {"deployment_id": deployment_id})
    before, run = (folder / "config/openclaw.json").read_bytes(), run_of(engine, deployment_id)
    # The next start crashes. The start after the rollback, with the old file, succeeds.
    fault = folder / "config" / "standin-fault"
    fault.write_text("crash:3")
    repair = threading.Thread(target=_repair_after_rollback, args=(folder, before, fault))
    repair.start()

    answer = ana.allow(deployment_id, f"http://{GATEWAY}:{port_of(folder)}")
    repair.join()

    assert answer.status_code == 502, answer.text
    assert answer.json["code"] == "launch_failed"
    assert answer.json["cause"] == "exited_3"
    assert (
        "The old config/openclaw.json was put back, and the gateway runs." in answer.json["detail"]
    )
    assert (folder / "config/openclaw.json").read_bytes() == before
    assert run_of(engine, deployment_id) != run
    assert ana.status(deployment_id)["status"] == "running", "and verified at once"
    assert ana.walls(deployment_id) == ["origin_refused"]


def _repair_after_rollback(folder: Path, before: bytes, fault: Path) -> None:
    config = folder / "config" / "openclaw.json"
    eventually(lambda: config.read_bytes() != before, every=0.005)
    eventually(lambda: config.read_bytes() == before, every=0.005)
    fault.unlink()


def test_a_gateway_that_starts_with_neither_file_says_so(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    ana, folder = Reader(api), deployments_dir / deployment_id
    ana.call("POST", "launch", {"deployment_id": deployment_id})
    # Edit the file by hand. The running gateway has not read the edit yet.
    config = json.loads((folder / "config/openclaw.json").read_text())
    config["gateway"]["bind"] = "nowhere"
    text = json.dumps(config)
    (folder / "config/openclaw.json").write_text(text)

    answer = ana.allow(deployment_id, f"http://{GATEWAY}:{port_of(folder)}")

    assert answer.status_code == 502
    assert answer.json["cause"] == "config_bad_bind"
    assert (
        "The old config/openclaw.json was put back, but the gateway does not come up: "
        in answer.json["detail"]
    )
    assert (folder / "config/openclaw.json").read_text() == text, "their edit is kept"


def test_a_file_that_is_not_plain_json_is_kept_and_the_manual_step_is_shown(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    ana, folder = Reader(api), deployments_dir / deployment_id
    text = "{gateway: {}, /* JSON5 */}"
    (folder / "config/openclaw.json").write_text(text)
    assert ana.walls(deployment_id) == ["origin_unknown"]

    answer = ana.allow(deployment_id, "https://claw.example")

    assert (answer.status_code, answer.json["cause"]) == (502, "config_unreadable")
    assert "https://claw.example to gateway.controlUi.allowedOrigins" in answer.json["detail"]
    assert (folder / "config/openclaw.json").read_text() == text


def test_an_invalid_deployment_is_left_alone(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    ana = Reader(api)
    edit_env(deployments_dir / deployment_id, PORT="none")

    answer = ana.allow(deployment_id, "https://claw.example")

    assert (answer.status_code, answer.json["code"]) == (409, "deployment_invalid")
    assert ana.walls(deployment_id) == []
