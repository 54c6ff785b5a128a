"""The server's log has one line for each request, without any text that a visitor typed."""

import json
from pathlib import Path

import requests

from tests.support.engine.images import STANDIN
from tests.support.server import Server
from tests.support.waiting import eventually


def test_each_json_log_line_names_its_request(deployments_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    server = Server(deployments_dir, log, image=STANDIN, log_format="json", log_level="debug")
    server.start()
    try:
        answer = requests.get(f"{server.url}/deployments/canary0001?token=canary-77", timeout=20)
        named = answer.headers["X-Request-Id"]
        eventually(lambda: named in log.read_text())
    finally:
        server.stop()

    assert answer.status_code == 404
    assert named in answer.text
    assert "canary" not in log.read_text()
    lines = [json.loads(each) for each in log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    [line] = [each for each in lines if each.get("request_id") == named]
    assert line["message"].startswith("GET /deployments/<deployment_id> 404")
    assert line["time"].endswith("+00:00")
    assert (line["level"], line["logger"]) == ("INFO", "gunicorn.access")
    assert (line["endpoint"], line["person"], line["status"]) == (
        "pages.show",
        "a local user",
        404,
    )
    assert isinstance(line["milliseconds"], int)
