"""The command line does all that the page does; secrets are never in arguments."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import status
from app.cli.settings import field_input as given
from app.config import PROJECT, Settings
from app.core.settings.env_file import parse_env
from tests.support.api import API_KEY, Api
from tests.support.command_line import PYTHON, AtTerminal, CommandLine
from tests.support.engine.images import STANDIN
from tests.support.server import Server
from tests.support.waiting import eventually

KEY = f"OPENROUTER_API_KEY={API_KEY}\n"


def test_a_deployment_is_configured_from_standard_input_and_shown_as_by_the_api(
    cli: CommandLine, api: Api, settings: Settings
) -> None:
    lines = f'# keys\n{KEY}\n{{"telegram_bot_token": "123:abc"}}\n'
    made = cli.done(
        "configure", "--set", "name=Support bot", "--set", "TZ=Europe/Berlin", typed=lines
    )

    env = parse_env((settings.deployments_dir / made.strip() / ".env").read_bytes())
    assert env["OPENROUTER_API_KEY"] == API_KEY
    assert (env["TELEGRAM_BOT_TOKEN"], env["TZ"]) == ("123:abc", "Europe/Berlin")
    assert cli.done("list").startswith(f"{made.strip()}\tSupport bot\tconfigured\t")

    def by_api(answer: object) -> object:
        return json.loads(json.dumps(answer).replace("//localhost:", "//127.0.0.1:"))

    assert cli.json("list") == by_api(api.get("list").json)
    shown, status = cli.json("show", "Support bot"), api.status(made.strip())
    assert shown.keys() == status.keys()
    assert shown["ladder"] == status["ladder"]
    assert cli.json("fields") == api.get("schema").json
    assert cli.json("archived") == api.get("archived").json == []


def test_the_command_line_records_the_system_user(cli: CommandLine, api: Api) -> None:
    deployment_id = cli.done("configure", "--set", "name=Bot", typed=json.dumps(
        {"openrouter_api_key": API_KEY}, indent=2
    )).strip()  # fmt: skip
    token = cli.done("reveal", deployment_id).strip()

    entries = [json.loads(line) for line in cli.done("history", "Bot", "--json").splitlines()]
    assert [each["what"] for each in entries] == ["reveal", "configure"]
    assert {each["who"] for each in entries} == {f"{_user()} at the command line"}
    assert {each["from"] for each in entries} == {"local"}
    assert entries == api.get(f"history/{deployment_id}").json["entries"]
    assert "revealed" in cli.done("history", "--kind", "secret", "--limit", "1")
    assert len(token) == 64
    assert token not in cli.done("history")


def _user() -> str:
    return subprocess.check_output(["id", "-un"], text=True).strip()


@pytest.mark.parametrize(
    ("words", "typed", "message"),
    [
        (["--set", f"openrouter_api_key={API_KEY}"], "", "OPENROUTER_API_KEY=VALUE"),
        (["--set", f"OPENROUTER_API_KEY={API_KEY}"], "", "on standard input"),
        (["--set", "name"], KEY, "must be FIELD=VALUE"),
        (["--ask", "telegram_bot_token"], KEY, "needs a terminal"),
        (["--copy-secrets"], KEY, "--like is needed"),
        (["--set", "nonsense=1"], KEY, "nonsense is not a field"),
        ([], "", "openrouter_api_key is needed"),
        ([], f"{KEY}{API_KEY}\n", "KEY=VALUE or a JSON object in its line 2"),
        ([], f"{API_KEY}==\n", "names an unknown field in its line 1"),
        ([], f'{{"{API_KEY}": 1}}', "names an unknown field in it"),
        ([], '{"a":' * 100_000, "a JSON object in its line 1"),
    ],
)
def test_invalid_command_input_makes_nothing_and_is_not_repeated(
    cli: CommandLine, words: list[str], typed: str, message: str, deployments_dir: Path
) -> None:
    refused = cli.call("configure", *words, typed=typed)

    assert refused.exit_code == 2
    assert message in refused.stderr
    assert API_KEY not in refused.output
    assert cli.json("list") == []


def test_waiting_for_standard_input_is_announced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(given, "_SILENT_SECONDS", 0)
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as writer, os.fdopen(ours) as reader:
        monkeypatch.setattr("sys.stdin", reader)
        given.read_input(str)
        silent = capsys.readouterr()
        writer.write(KEY)
        writer.flush()
        assert given.read_input(reader.readline) == KEY

    assert "Reading standard input." in silent.err
    assert capsys.readouterr().err == ""


def test_errors_have_exit_codes(cli: CommandLine, settings: Settings) -> None:
    short = cli.call("user", "add", "ana", typed="short\n")
    unknown = cli.json("user", "remove", "nobody", exit_code=3)
    deployment_id = cli.done("configure", typed=KEY).strip()
    nothing_runs = cli.call("cancel", deployment_id)
    not_an_option = cli.call("launch", deployment_id, "--now")
    cli.done("configure", "--set", "name=Twin", typed=KEY)
    cli.done("configure", "--set", "name=Twin", typed=KEY)
    ambiguous = cli.call("show", "Twin")
    environment = {**settings.as_environment(), "DOCKER_HOST": "tcp://elsewhere:2376"}
    elsewhere = CommandLine(None, environment).call("list")
    environment["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    without_engine = subprocess.run(
        [*PYTHON, "launch", deployment_id, "--json"],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )

    assert (short.exit_code, ambiguous.exit_code, not_an_option.exit_code) == (2, 2, 2)
    assert "at least 10 characters" in short.stderr
    assert "several have that name" in ambiguous.stderr
    assert (unknown["ok"], unknown["code"], unknown["status"]) == (False, "not_found", 404)
    assert nothing_runs.exit_code == 4
    assert "No operation runs" in nothing_runs.stderr
    assert without_engine.returncode == 5
    assert json.loads(without_engine.stdout)["code"] == "engine_unreachable"
    assert elsewhere.exit_code == 5
    assert "not this machine's own" in elsewhere.stderr


def test_an_unreadable_folder_is_not_taken_for_an_empty_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests run as root, and root may read every folder.
    monkeypatch.setattr(os, "access", lambda *_: False)
    refused = CommandLine(None, settings.as_environment()).call("list")

    assert refused.exit_code == 1
    assert f"You may not read {settings.deployments_dir}" in refused.stderr


def test_no_traceback_is_ever_shown(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, deployments_dir: Path
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a value of somebody's")

    monkeypatch.setattr(status, "list_deployments", fails)
    bug = cli.call("list")
    monkeypatch.undo()
    (deployments_dir / ".deploy-agent").write_text("a file where a folder belongs")
    damaged = cli.call("token", "add", "backup")

    assert (bug.exit_code, damaged.exit_code) == (1, 1)
    assert bug.output == (
        "Error: Deploy Agent itself failed (RuntimeError)."
        " Put DEPLOY_AGENT_LOG_LEVEL=debug before the same command to see where.\n"
    )
    assert "The token was not made" in damaged.stderr


def test_the_command_line_launches_reads_stops_archives_and_deletes(
    cli: CommandLine, deployments_dir: Path
) -> None:
    deployment_id = cli.done("configure", "--set", "name=Support bot", typed=KEY).strip()

    launched = cli.json("launch", deployment_id)
    assert (launched["ok"], launched["status"]) == (True, "running")
    shown = cli.done("show", deployment_id)
    assert "Status\trunning: " in shown
    assert "✓ It accepts the token of .env" in shown
    assert "launch 1 by " in shown
    lines = [json.loads(line) for line in cli.done("logs", "Support bot", "--json").splitlines()]
    assert any("ready (stand-in" in each["text"] for each in lines)
    assert cli.call("logs", deployment_id, "--since", "yesterday").exit_code == 2

    assert cli.done("stop", deployment_id) == f"{deployment_id} is stopped.\n"
    after = cli.call("logs", deployment_id, "--tail", "1", "--text", "shutting")
    assert "No gateway is running. These are the last words, from " in after.stderr
    assert cli.done("archive", deployment_id) == f"{deployment_id} is archived.\n"
    assert cli.json("list") == []
    assert "\tSupport bot\t" in cli.done("archived")
    assert "is back, with port" in cli.done("restore", deployment_id)
    assert cli.json("list")[0]["status"] == "stopped"

    # A folder that was moved to the archive by hand counts as archived.
    moved = deployments_dir / ".archive" / f"{deployment_id}-20261124T093125Z"
    (deployments_dir / deployment_id).rename(moved)
    wrong = cli.call("purge", deployment_id, "--confirm", "Support")
    assert (wrong.exit_code, moved.exists()) == (2, True)
    assert "written exactly so" in wrong.stderr
    unanswered = cli.call("purge", deployment_id)
    assert unanswered.exit_code == 2
    assert "ended before the answer" in unanswered.stderr
    assert "was deleted for good" in cli.done("purge", deployment_id, typed="Support bot\n")
    assert not moved.exists()


def test_the_command_line_and_the_server_work_on_one_folder_at_once(
    cli: CommandLine, server: Server
) -> None:
    server.start()
    image = f"image={STANDIN.partition(':')[0]}:slow-start"
    deployment_id = cli.done("configure", "--set", image, typed=KEY).strip()
    asked = {"deployment_id": deployment_id, "wait": False}

    going_on = cli.json("launch", deployment_id, "--wait", "0", exit_code=6)
    assert (going_on["status"], going_on["operation"]["state"]) == ("launching", "running")
    status, busy = server.call("POST", "launch", asked)
    assert (status, busy["operation"]["actor"]) == (409, f"{_user()} at the command line")
    refused = cli.call("restart", deployment_id)
    assert refused.exit_code == 4
    assert "is still running on this deployment" in refused.stderr
    assert "was cancelled" in cli.done("cancel", deployment_id)
    assert server.call("GET", f"status/{deployment_id}")[1]["operation"]["state"] == "cancelled"

    assert server.call("POST", "launch", asked)[0] == 202
    assert cli.json("show", deployment_id)["status"] == "launching"
    # A stop cancels a running launch, even a launch by somebody else.
    assert cli.json("stop", deployment_id)["status"] == "stopped"
    assert server.call("GET", "list")[1][0]["status"] == "stopped"


def test_at_a_terminal_a_secret_is_asked_for_and_ctrl_c_leaves_the_operation_going_on(
    cli: CommandLine, settings: Settings
) -> None:
    environment = {**os.environ, **settings.as_environment()}
    with AtTerminal("configure", environment=environment) as terminal:
        eventually(lambda: terminal.shows("OpenRouter API key"))
        terminal.type(f"{API_KEY}\n")
        code, made = terminal.end()
    assert code == 0, terminal.shown
    assert API_KEY not in terminal.shown
    # A slow image, so that the operation still runs at the time of Ctrl-C.
    config = settings.deployments_dir / made.strip() / "config"
    (config / "standin-fault").write_text("slow-start:4")

    with AtTerminal("restart", made.strip(), environment=environment) as terminal:
        eventually(lambda: terminal.shows("docker compose up"))
        terminal.interrupt()
        code, _ = terminal.end()
    assert code == -signal.SIGINT
    assert "The restart goes on" in terminal.shown

    with AtTerminal("logs", "-f", made.strip(), environment=environment) as terminal:
        assert terminal.process.stdout
        eventually(lambda: cli.json("show", made.strip())["status"] == "running")
        while "ready (stand-in" not in terminal.process.stdout.readline():
            pass
        cli.done("stop", made.strip())
        while "shutting down" not in terminal.process.stdout.readline():
            pass
        terminal.interrupt()
        assert terminal.end()[0] == -signal.SIGINT


def test_the_command_works_from_any_folder_and_through_a_symlink(
    tmp_path: Path, settings: Settings
) -> None:
    project, link = tmp_path / "project", tmp_path / "link"
    project.mkdir()
    shutil.copy(PROJECT / "deploy-agent", project)
    link.symlink_to(project / "deploy-agent")

    def call() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **settings.as_environment()}
        return subprocess.run(
            # Without standard input, as when a daemon calls the command.
            ["sh", "-c", '"$0" list <&-', link],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    before = call()
    (project / "app").symlink_to(PROJECT / "app")
    (project / ".venv").symlink_to(sys.prefix)
    after = call()

    assert (before.returncode, after.returncode) == (1, 0)
    assert "run make setup" in before.stderr
    assert after.stderr == f"There are no deployments in {settings.deployments_dir}.\n"


def test_users_and_tokens_are_managed_while_the_server_runs(
    cli: CommandLine, server: Server
) -> None:
    server.start()
    assert server.call("GET", "list")[0] == 200

    added = cli.done("user", "add", "ana", typed="a long password\n")
    assert added == "ana was added as operator.\n"
    assert server.call("GET", "list")[0] == 401

    server.token = cli.done("token", "add", "backup", "--role", "operator").strip()
    assert server.call("GET", "list")[0] == 200
    assert server.call("POST", "configure", {"openrouter_api_key": API_KEY})[0] == 200

    assert cli.done("user", "list") == "ana\toperator\n"
    (token,) = cli.json("token", "list")
    assert (token["name"], token["role"]) == ("backup", "operator")
    assert token["used_at"]
    cli.done("token", "revoke", token["id"])
    assert server.call("GET", "list")[0] == 401
    cli.done("user", "passwd", "ana", typed="another password\n")
    cli.done("user", "remove", "ana")
    server.token = ""
    assert server.call("GET", "list")[0] == 200


def test_a_server_on_all_addresses_needs_the_printed_set_up_link(server: Server) -> None:
    server.settings["host"] = "0.0.0.0"
    server.ready_status = 401
    server.start()

    log = eventually(lambda: "/setup/" in server.log.read_text() and server.log.read_text())

    assert server.call("GET", "list")[0] == 401
    assert "Create the first account within 30 minutes" in log


def test_binding_gunicorn_to_all_addresses_still_needs_a_log_in(
    server: Server, deployments_dir: Path
) -> None:
    server.ready_status = 401
    server.start("-b", f"0.0.0.0:{server.port}")

    assert server.call("GET", "list")[0] == 401
    assert server.call("POST", "configure", {"openrouter_api_key": API_KEY})[0] == 401
    assert [each.name for each in deployments_dir.iterdir()] == [".deploy-agent"]
