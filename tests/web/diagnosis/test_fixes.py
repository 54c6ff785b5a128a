"""Fixes: failures of engine, host and files have a cause everywhere and a working fix line.

Each failure is staged through the app on the stand-in gateway. Without a fix line, the words
say what to do. For the real gateway see test_fixes_on_openclaw.py.
"""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import docker
import psutil
import pytest
from docker.types import IPAMConfig, IPAMPool

from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.engine.image_registry import Registry, serving
from tests.support.engine.images import STANDIN
from tests.support.files.env_edits import edit_env
from tests.support.gateway_token import Tokens
from tests.support.status.failure_scenario import Stage
from tests.support.waiting import eventually

pytestmark = pytest.mark.soak


@pytest.fixture
def stage(api: Api, cli: CommandLine, engine: docker.APIClient) -> Iterator[Stage]:
    with ExitStack() as borrowed:
        yield Stage(api, cli, engine, borrowed)


def env(**values: str) -> Callable[[Stage], None]:
    return lambda stage: edit_env(stage.folder, **values)


def spoilt(before: str, after: str) -> Callable[[Stage], None]:
    return lambda stage: stage.spoil(before, after)


def port_of_a_program(stage: Stage) -> None:
    stage.borrowed.enter_context(socket.create_server(("", stage.port)))


def port_of_a_container(stage: Stage) -> None:
    stage.stranger(STANDIN, port=stage.port)


def name_of_another(stage: Stage) -> None:
    name = stage.stranger(STANDIN, f"fixed-{stage.id}")
    stage.spoil("    init: true", f"    init: true\n    container_name: {name}")
    stage.container = name


def network_of_another(stage: Stage) -> None:
    [subnet] = re.findall(r"subnet: (\S+)", (stage.folder / "docker-compose.yml").read_text())
    _network(stage, f"other-{stage.id}", subnet)


def two_networks(stage: Stage) -> None:
    [subnet] = re.findall(r"subnet: (\S+)", (stage.folder / "docker-compose.yml").read_text())
    before, _, _ = subnet.partition("/")
    labels = {"com.docker.compose.project": stage.id, "com.docker.compose.network": "default"}
    for each in (subnet, re.sub(r"^10\.\d+", "10.255", before) + "/28"):
        _network(stage, f"{stage.id}_default", each, labels)


def _network(stage: Stage, name: str, subnet: str, labels: dict[str, str] | None = None) -> None:
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
    made = stage.engine.create_network(name, ipam=ipam, labels=labels, check_duplicate=False)
    stage.borrowed.callback(_removed, stage.engine, made["Id"])


def _removed(engine: docker.APIClient, network_id: str) -> None:
    if engine.networks(ids=[network_id]):
        engine.remove_network(network_id)


def own_folder(stage: Stage) -> None:
    stage.spoil("source: ./workspace", "source: ../of my own")


def unknown_tag(stage: Stage) -> None:
    registry = Registry()
    stage.borrowed.enter_context(serving(registry))
    edit_env(stage.folder, OPENCLAW_IMAGE=f"{registry.image.removesuffix(':1')}:2")


def spoilt_download(stage: Stage) -> None:
    registry = Registry(spoilt=True)
    registry.go.set()
    stage.borrowed.enter_context(serving(registry))
    edit_env(stage.folder, OPENCLAW_IMAGE=registry.image)


@dataclass(frozen=True)
class Failed:
    """A launch that fails after some damage, with a fix line that repairs it or none."""

    code: str
    spoil: Callable[[Stage], None]
    has_line: bool = True


LAUNCHES = {
    "memory limit": Failed("memory_limit_too_small", env(MEMORY_LIMIT="1m")),
    "no image's name": Failed("image_name_invalid", env(OPENCLAW_IMAGE="Not:An:Image")),
    "registry refuses": Failed("registry_unreachable", env(OPENCLAW_IMAGE="localhost:1/no:1")),
    "registry has no name": Failed("registry_unknown", env(OPENCLAW_IMAGE="no.invalid/no:1")),
    "no such tag": Failed("image_missing", unknown_tag),
    "not our address": Failed("bind_address_unknown", env(BIND_ADDRESS="203.0.113.9")),
    "no token": Failed("variable_missing", Stage.remove_token),
    "no image": Failed("variable_missing", env(OPENCLAW_IMAGE="")),
    "port of a program": Failed("port_taken", port_of_a_program),
    "port of a container": Failed("port_taken", port_of_a_container),
    "network of another": Failed("network_overlap", network_of_another),
    "two networks": Failed("network_ambiguous", two_networks),
    "name of another": Failed("container_name_taken", name_of_another),
    "folder of one's own": Failed("data_folder_missing", own_folder),
    "download spoilt": Failed("pull_broken_off", spoilt_download, has_line=False),
    "no YAML": Failed("compose_file_invalid", spoilt("services:", "services: ["), has_line=False),
    "variable of one's own": Failed(
        "variable_missing", spoilt('BONJOUR: "1"', "BONJOUR: ${OWN:?}"), has_line=False
    ),
    "folder over a file": Failed(
        "mount_mismatch",
        spoilt("target: /home/node/.openclaw/workspace", "target: /etc/passwd"),
        has_line=False,
    ),
    "no such program": Failed(
        "command_missing",
        spoilt("    init: true", "    init: true\n    entrypoint: [/bin/nosuch]"),
        has_line=False,
    ),
}


@pytest.mark.parametrize("failure", LAUNCHES.values(), ids=LAUNCHES.keys())
def test_a_failed_launch_says_why_and_its_fix_line_works(stage: Stage, failure: Failed) -> None:
    failure.spoil(stage)

    stage.launch_fails(failure.code)

    cause = stage.named(failure.code)
    if failure.has_line:
        stage.mended_by(cause["fix"])
    else:
        assert cause["fix"] == ""
        assert cause["next_step"]


def is_paused(stage: Stage) -> None:
    stage.engine.pause(stage.container)


def hangs(stage: Stage) -> None:
    """Suspend the gateway's process: its port still accepts connections, but nothing answers."""
    init = psutil.Process(stage.engine.inspect_container(stage.container)["State"]["Pid"])
    [gateway] = init.children()
    gateway.suspend()


def locked_out(stage: Stage) -> None:
    tokens = Tokens(stage.api, stage.folder)
    assert [tokens.says_to("a-wrong-one") for _ in range(10)] == ["AUTH_TOKEN_MISMATCH"] * 10


def another_token_in_the_file(stage: Stage) -> None:
    Tokens(stage.api, stage.folder).write_config("another" * 5)


def another_token_at_the_gateway(stage: Stage) -> None:
    another_token_in_the_file(stage)
    stage.restarted()


RUNNING = {
    "paused": Failed("paused", is_paused),
    "hangs": Failed("healthz_refused", hangs),
    "locked out": Failed("token_locked_out", locked_out),
    "another token in the file": Failed("config_token_refused", another_token_in_the_file),
    "another token at the gateway": Failed("token_refused", another_token_at_the_gateway),
    "no token in .env": Failed("token_missing", Stage.remove_token),
}


@pytest.mark.parametrize("failure", RUNNING.values(), ids=RUNNING.keys())
def test_a_failure_while_running_has_a_cause_and_a_working_fix_line(
    stage: Stage, failure: Failed
) -> None:
    stage.launched()
    failure.spoil(stage)

    stage.mended_by(stage.named(failure.code)["fix"])


def test_a_killed_launch_has_a_cause_and_a_working_fix_line(stage: Stage) -> None:
    stage.api.launch(stage.id, wait=False)

    def operation() -> psutil.Process | None:
        ours = (each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"])
        named = [str(stage.folder), "app.operation"]
        return next((each for each in ours if set(named) <= set(each.info["cmdline"])), None)

    eventually(operation).kill()  # type: ignore[union-attr]

    stage.mended_by(stage.named("interrupted")["fix"])


def test_a_gateway_that_never_gets_ready_says_what_to_do(stage: Stage) -> None:
    (stage.folder / "config" / "standin-fault").write_text("never-healthy")
    context = stage.api.app.config["CONTEXT"]
    object.__setattr__(
        context, "settings", context.settings.model_copy(update={"launch_timeout": 5.0})
    )

    stage.launch_fails("launch_timeout")

    cause = stage.named("launch_timeout")
    assert (cause["fix"], "last words" in cause["next_step"]) == ("", True)
