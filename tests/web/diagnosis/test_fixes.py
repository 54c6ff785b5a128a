"""Fixes: failures of engine, host and files have a cause everywhere and a working fix command.

Each failure is staged with the app and the stand-in gateway. Without a fix command, the text says
what to do. test_fixes_on_openclaw.py tests the real gateway.
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
from tests.support.gateway_token import GatewayToken
from tests.support.status.failure_scenario import FailureScenario
from tests.support.waiting import eventually

pytestmark = pytest.mark.soak


@pytest.fixture
def scenario(api: Api, cli: CommandLine, engine: docker.APIClient) -> Iterator[FailureScenario]:
    with ExitStack() as borrowed:
        yield FailureScenario(api, cli, engine, borrowed)


def env(**values: str) -> Callable[[FailureScenario], None]:
    return lambda scenario: edit_env(scenario.folder, **values)


def compose_edit(before: str, after: str) -> Callable[[FailureScenario], None]:
    return lambda scenario: scenario.edit_compose_file(before, after)


def port_of_a_program(scenario: FailureScenario) -> None:
    scenario.borrowed.enter_context(socket.create_server(("", scenario.port)))


def port_of_a_container(scenario: FailureScenario) -> None:
    scenario.foreign_container(STANDIN, port=scenario.port)


def name_of_another(scenario: FailureScenario) -> None:
    name = scenario.foreign_container(STANDIN, f"fixed-{scenario.id}")
    scenario.edit_compose_file("    init: true", f"    init: true\n    container_name: {name}")
    scenario.container = name


def network_of_another(scenario: FailureScenario) -> None:
    [subnet] = re.findall(r"subnet: (\S+)", (scenario.folder / "docker-compose.yml").read_text())
    _network(scenario, f"other-{scenario.id}", subnet)


def two_networks(scenario: FailureScenario) -> None:
    [subnet] = re.findall(r"subnet: (\S+)", (scenario.folder / "docker-compose.yml").read_text())
    before, _, _ = subnet.partition("/")
    labels = {"com.docker.compose.project": scenario.id, "com.docker.compose.network": "default"}
    for each in (subnet, re.sub(r"^10\.\d+", "10.255", before) + "/28"):
        _network(scenario, f"{scenario.id}_default", each, labels)


def _network(
    scenario: FailureScenario, name: str, subnet: str, labels: dict[str, str] | None = None
) -> None:
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
    made = scenario.engine.create_network(name, ipam=ipam, labels=labels, check_duplicate=False)
    scenario.borrowed.callback(_removed, scenario.engine, made["Id"])


def _removed(engine: docker.APIClient, network_id: str) -> None:
    if engine.networks(ids=[network_id]):
        engine.remove_network(network_id)


def own_folder(scenario: FailureScenario) -> None:
    scenario.edit_compose_file("source: ./workspace", "source: ../of my own")


def unknown_tag(scenario: FailureScenario) -> None:
    registry = Registry()
    scenario.borrowed.enter_context(serving(registry))
    edit_env(scenario.folder, OPENCLAW_IMAGE=f"{registry.image.removesuffix(':1')}:2")


def spoilt_download(scenario: FailureScenario) -> None:
    registry = Registry(spoilt=True)
    registry.go.set()
    scenario.borrowed.enter_context(serving(registry))
    edit_env(scenario.folder, OPENCLAW_IMAGE=registry.image)


@dataclass(frozen=True)
class Failed:
    """A launch that fails after some damage. If `has_line`, a fix command repairs the damage."""

    code: str
    damage: Callable[[FailureScenario], None]
    has_line: bool = True


LAUNCHES = {
    "memory limit": Failed("memory_limit_too_small", env(MEMORY_LIMIT="1m")),
    "no image's name": Failed("image_name_invalid", env(OPENCLAW_IMAGE="Not:An:Image")),
    "registry refuses": Failed("registry_unreachable", env(OPENCLAW_IMAGE="localhost:1/no:1")),
    "registry has no name": Failed("registry_unknown", env(OPENCLAW_IMAGE="no.invalid/no:1")),
    "no such tag": Failed("image_missing", unknown_tag),
    "not our address": Failed("bind_address_unknown", env(BIND_ADDRESS="203.0.113.9")),
    "no token": Failed("variable_missing", FailureScenario.remove_token),
    "no image": Failed("variable_missing", env(OPENCLAW_IMAGE="")),
    "port of a program": Failed("port_taken", port_of_a_program),
    "port of a container": Failed("port_taken", port_of_a_container),
    "network of another": Failed("network_overlap", network_of_another),
    "two networks": Failed("network_ambiguous", two_networks),
    "name of another": Failed("container_name_taken", name_of_another),
    "folder of one's own": Failed("data_folder_missing", own_folder),
    "download spoilt": Failed("pull_broken_off", spoilt_download, has_line=False),
    "no YAML": Failed(
        "compose_file_invalid", compose_edit("services:", "services: ["), has_line=False
    ),
    "variable of one's own": Failed(
        "variable_missing", compose_edit('BONJOUR: "1"', "BONJOUR: ${OWN:?}"), has_line=False
    ),
    "folder over a file": Failed(
        "mount_mismatch",
        compose_edit("target: /home/node/.openclaw/workspace", "target: /etc/passwd"),
        has_line=False,
    ),
    "no such program": Failed(
        "command_missing",
        compose_edit("    init: true", "    init: true\n    entrypoint: [/bin/nosuch]"),
        has_line=False,
    ),
}


@pytest.mark.parametrize("failure", LAUNCHES.values(), ids=LAUNCHES.keys())
def test_a_failed_launch_says_why_and_its_fix_line_works(
    scenario: FailureScenario, failure: Failed
) -> None:
    failure.damage(scenario)

    scenario.launch_fails(failure.code)

    cause = scenario.shows_cause(failure.code)
    if failure.has_line:
        scenario.is_fixed_by(cause["fix"])
    else:
        assert cause["fix"] == ""
        assert cause["next_step"]


def is_paused(scenario: FailureScenario) -> None:
    scenario.engine.pause(scenario.container)


def hangs(scenario: FailureScenario) -> None:
    """Suspend the gateway's process: the port still accepts connections, but nothing answers."""
    init = psutil.Process(scenario.engine.inspect_container(scenario.container)["State"]["Pid"])
    [gateway] = init.children()
    gateway.suspend()


def locked_out(scenario: FailureScenario) -> None:
    tokens = GatewayToken(scenario.api, scenario.folder)
    assert [tokens.answer_to("a-wrong-one") for _ in range(10)] == ["AUTH_TOKEN_MISMATCH"] * 10


def another_token_in_the_file(scenario: FailureScenario) -> None:
    GatewayToken(scenario.api, scenario.folder).write_config("another" * 5)


def another_token_at_the_gateway(scenario: FailureScenario) -> None:
    another_token_in_the_file(scenario)
    scenario.restarted()


RUNNING = {
    "paused": Failed("paused", is_paused),
    "hangs": Failed("healthz_refused", hangs),
    "locked out": Failed("token_locked_out", locked_out),
    "another token in the file": Failed("config_token_refused", another_token_in_the_file),
    "another token at the gateway": Failed("token_refused", another_token_at_the_gateway),
    "no token in .env": Failed("token_missing", FailureScenario.remove_token),
}


@pytest.mark.parametrize("failure", RUNNING.values(), ids=RUNNING.keys())
def test_a_failure_while_running_has_a_cause_and_a_working_fix_line(
    scenario: FailureScenario, failure: Failed
) -> None:
    scenario.launched()
    failure.damage(scenario)

    scenario.is_fixed_by(scenario.shows_cause(failure.code)["fix"])


def test_a_killed_launch_has_a_cause_and_a_working_fix_line(scenario: FailureScenario) -> None:
    scenario.api.launch(scenario.id, wait=False)

    def operation() -> psutil.Process | None:
        ours = (each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"])
        named = [str(scenario.folder), "app.operation"]
        return next((each for each in ours if set(named) <= set(each.info["cmdline"])), None)

    eventually(operation).kill()  # type: ignore[union-attr]

    scenario.is_fixed_by(scenario.shows_cause("interrupted")["fix"])


def test_a_gateway_that_never_gets_ready_says_what_to_do(scenario: FailureScenario) -> None:
    (scenario.folder / "config" / "standin-fault").write_text("never-healthy")
    context = scenario.api.app.config["CONTEXT"]
    object.__setattr__(
        context, "settings", context.settings.model_copy(update={"launch_timeout": 5.0})
    )

    scenario.launch_fails("launch_timeout")

    cause = scenario.shows_cause("launch_timeout")
    assert (cause["fix"], "last words" in cause["next_step"]) == ("", True)
