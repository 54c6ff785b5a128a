"""The `.env` dialect and the Compose file, compared with Compose itself.

`docker compose config` only reads and starts nothing. As in Deploy Agent, Compose gets a clean
environment, because variables of the environment override the file.
"""

import json
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from app.core.settings.compose_file import compose_file
from app.core.settings.env_file import format_env, parse_env
from app.core.settings.env_parser import EnvFileError
from app.core.settings.field_rules import memory_bytes
from app.core.settings.fields import FIELDS
from app.core.settings.ports import subnet_of
from app.usecases.context import AppContext
from app.usecases.settings.configure import configure_deployment
from tests.support.api import API_KEY
from tests.support.engine.compose import compose, environment_of, resolved
from tests.support.files.env_samples import BEFORE_EXPANSION, EXPANSIONS, HAND_WRITTEN, MALFORMED

# Variables of Compose's own process, which are not in the file.
_NOT_OF_THE_FILE = ("COMPOSE_PROJECT_NAME=", "DOCKER_CLI_PLUGIN_", "HOME=", "PATH=", "PWD=")


def read_by_compose(folder: Path, data: bytes) -> list[str] | None:
    """Return a line for each variable that Compose reads from a file, or None if Compose fails."""
    folder.mkdir()
    (folder / "compose.yml").write_text("services: {a: {image: none}}\n")
    (folder / "env").write_bytes(data)
    answer = compose(folder, "--env-file", "env", "config", "--environment")
    return None if answer.returncode else of_the_file(answer.stdout.decode().split("\n"))


def read_by_us(data: bytes) -> list[str] | None:
    try:
        variables = parse_env(data)
    except EnvFileError:
        return None
    entries = sorted(f"{key}={value}" for key, value in variables.items())
    return of_the_file("\n".join(entries).split("\n"))


def of_the_file(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if line and not line.startswith(_NOT_OF_THE_FILE)]


NASTY = [
    "", " ", "  both  ", "\t", "'", "\"", "''", "\"\"", "\\", "\\\\", "\\'", "\\\"", "a'b\"c", "`",
    "#", "#c", "a #b", "a#b", "'a' #b", "=", "a=b", ":", ": x", "export A=1", "A=1\nB=2", "\n",
    "\n\n", "\r", "\r\n", "x\r", "\\n", "\\r\\t", "\\012", "\\0101", "\\x41", "\\u0041", "\v\f",
    "\x01\x1b", "$", "$$", "$$$", "$A", "${A}", "${A:-x}", "${A:?m}", "${", "$}", "$9", "\\$A",
    "\\${A}", "$(id)", "it's $5", "it's ${A}", "it's \\$A", "'$A'\n", "%s {0} {{x}}", "!x", "*",
    "~", "[a]", "{a: b}", "null", "true", "0x10", "1e3", "- a", "| x", "> x", "& x", "é", "日本",
    "\xa0x\xa0", "\u2003", "\u2028", "\x85", "\ufeff", "\U0001f99e", "e\u0301", "\u202e", "\x1c",
    "\x7f", "\ufffe", "\U0010ffff",
    "x" * 32 * 1024, "'" * 5000, "$" * 5000, "\\" * 5000, "\n" * 5000,
]  # fmt: skip


def random_values(count: int) -> list[str]:
    """Return random values of specially treated characters and of any Unicode characters."""
    dice = random.Random(20261)
    signs = "aA1 \t\n\r'\"\\$${}:-?+#=`!%&|;<>()[]*~.,/@^éß日\u00a0\u2003\x1b\x85"

    def sign() -> str:
        if dice.random() < 0.9:
            return dice.choice(signs)
        return chr(dice.choice([dice.randrange(1, 0xD800), dice.randrange(0xE000, 0x110000)]))

    return ["".join(sign() for _ in range(dice.randrange(24))) for _ in range(count)]


@pytest.mark.parametrize(
    "values", [NASTY, random_values(600)], ids=["hand-made values", "random values"]
)
def test_compose_reads_exactly_what_we_wrote(tmp_path: Path, values: Sequence[str]) -> None:
    written = {f"V{number}": value for number, value in enumerate(values)}
    named = {key: f"${{{key}}}" for key in written}
    services = {
        "passed_on": {"image": "none", "environment": dict.fromkeys(written)},
        "named": {"image": "none", "environment": named},
    }
    (tmp_path / "compose.yml").write_text(json.dumps({"services": services}))
    (tmp_path / "env").write_bytes(format_env(written).encode())

    read, _ = resolved(tmp_path, "--env-file", "env")

    assert environment_of(read["services"]["passed_on"]) == written
    assert environment_of(read["services"]["named"]) == written


@pytest.mark.parametrize(
    "text", [pytest.param(each.values[0], id=each.id) for each in HAND_WRITTEN]
)
def test_we_read_a_hand_written_file_as_compose_does(tmp_path: Path, text: str) -> None:
    data = text.encode()

    assert read_by_us(data) == read_by_compose(tmp_path / "read", data)


def test_we_expand_variables_as_compose_does(tmp_path: Path) -> None:
    values = [value for value, expanded in EXPANSIONS if expanded is not None]
    lines = [f"A{number}={value}\n" for number, value in enumerate(values)]
    data = (BEFORE_EXPANSION + "".join(lines)).encode()

    assert read_by_us(data) == read_by_compose(tmp_path / "read", data)


@pytest.mark.parametrize(
    "data",
    [pytest.param(each.values[0], id=each.id) for each in MALFORMED if each.id != "no UTF-8"]
    + [
        pytest.param(f"{BEFORE_EXPANSION}A={value}\n".encode(), id=value)
        for value, expanded in EXPANSIONS
        if expanded is None
    ],
)
def test_compose_refuses_what_we_call_malformed(tmp_path: Path, data: bytes) -> None:
    assert read_by_us(data) is None
    assert read_by_compose(tmp_path / "read", data) is None


def random_file(dice: random.Random) -> bytes:
    """Return a few random statements, most of them well formed."""
    signs = [
        "a", "B", "1", "=", ":", "'", "\"", "\\", "\\n", "\\$", "\\'", "\\\"", "$", "$$", "$A", "#",
        " #", " ", "\t", "\r", "\n", "\v", "\x1c", "\x85", "\xa0", "\u2003", "é", "²", "\\0101",
        "{", "}", "${A}", "${A:-x}", "${B-", "${A:+y}", "${C?", "${a.b}", "${A:-${B:-z}}", "-", "?",
        ";", "\ufeff", "\\012", "\\0",
    ]  # fmt: skip

    def statement() -> str:
        key = dice.choice(["A", "B", "C", "D1", "a-b", "[x]", "é", "export A", " B", "#C", "9"])
        mark = dice.choice(["=", "=", "=", "=", ":", " = ", ": ", "", "="])
        quote = dice.choice(["", "", "'", '"'])
        value = "".join(dice.choice(signs) for _ in range(dice.randrange(5)))
        return key + mark + quote + value + quote + dice.choice(["\n", "\n", "\n", "\r\n", ""])

    return "".join(statement() for _ in range(dice.randrange(1, 4))).encode()


def test_we_read_random_files_as_compose_does(tmp_path: Path) -> None:
    dice = random.Random(40)
    files = [random_file(dice) for _ in range(120)]

    with ThreadPoolExecutor(4) as pool:
        folders = [tmp_path / str(number) for number in range(len(files))]
        by_compose = list(pool.map(read_by_compose, folders, files))

    by_us = [read_by_us(data) for data in files]
    differing = [each for each in zip(files, by_us, by_compose, strict=True) if each[1] != each[2]]
    assert differing == []
    # Compose rejected some of the files and read some.
    assert by_compose.count(None) > 20
    assert len(files) - by_compose.count(None) > 20


@pytest.mark.parametrize(
    "size", ["2g", "1500m", "32m", "2G", "512mb", "1GB", "65536k", "99999999b", "64KB"]
)
def test_compose_reads_a_memory_limit_as_we_do(tmp_path: Path, size: str) -> None:
    (tmp_path / "compose.yml").write_text("services: {a: {image: none, mem_limit: '${LIMIT}'}}\n")
    (tmp_path / ".env").write_text(format_env({"LIMIT": size}))

    read, _ = resolved(tmp_path)

    assert int(read["services"]["a"]["mem_limit"]) == memory_bytes(size)


EVERY_OPTION = {
    "name": "Support “bot” #1",
    "model": "openrouter/auto",
    "openrouter_base_url": "https://proxy.example/api/v1",
    "memory_limit": "1500m",
    "timezone": "Europe/Berlin",
    "bind_address": "127.0.0.1",
} | {
    each.name: f"it's $5 \\ {{{number}}} #${{{each.env}}}\""
    for number, each in enumerate(FIELDS)
    if each.group == "optional" and each.secret
}


@pytest.mark.parametrize(
    "given",
    [{}, {"telegram_bot_token": "123:abc", "timezone": "UTC"}, EVERY_OPTION],
    ids=["nothing optional", "some", "everything"],
)
def test_a_container_gets_exactly_the_variables_that_are_set(
    context: AppContext, given: dict[str, str]
) -> None:
    deployment = configure_deployment(
        {"openrouter_api_key": API_KEY, **given}, actor="test", context=context
    )

    read, warnings = resolved(Path(deployment.folder))

    assert warnings == ""
    gateway = read["services"]["openclaw"]
    passed_on = {
        each.env: given[each.name] for each in FIELDS if each.reaches_gateway and each.name in given
    }
    assert environment_of(gateway) == {
        "OPENCLAW_GATEWAY_PORT": str(deployment.port),
        "OPENCLAW_GATEWAY_TOKEN": deployment.token,
        "OPENCLAW_DISABLE_BONJOUR": "1",
        "OPENROUTER_API_KEY": API_KEY,
        **passed_on,
    }


def test_a_container_gets_no_variable_that_is_not_set(
    context: AppContext, engine: docker.APIClient
) -> None:
    deployment = configure_deployment(
        {"openrouter_api_key": API_KEY, "slack_bot_token": "$it's#"}, actor="test", context=context
    )

    run = ["run", "--rm", "-T", "--entrypoint", "node", "openclaw"]
    ran = compose(Path(deployment.folder), *run, "-p", "JSON.stringify(process.env)")

    assert ran.returncode == 0, ran.stderr.decode()
    seen = json.loads(ran.stdout)
    of_the_image = engine.inspect_image(context.settings.image)["Config"]["Env"]
    own = seen.keys() - {each.split("=")[0] for each in of_the_image} - {"HOSTNAME", "HOME"}
    assert own == {
        "OPENCLAW_GATEWAY_PORT",
        "OPENCLAW_GATEWAY_TOKEN",
        "OPENCLAW_DISABLE_BONJOUR",
        "OPENROUTER_API_KEY",
        "SLACK_BOT_TOKEN",
    }
    assert seen["SLACK_BOT_TOKEN"] == "$it's#"


def test_the_port_is_published_where_env_says(context: AppContext) -> None:
    everywhere = configure_deployment(
        {"openrouter_api_key": API_KEY}, actor="test", context=context
    )
    here = configure_deployment(
        {"openrouter_api_key": API_KEY, "bind_address": "127.0.0.1"}, actor="test", context=context
    )

    ports = [
        resolved(Path(each.folder))[0]["services"]["openclaw"]["ports"]
        for each in (everywhere, here)
    ]

    assert [(port.get("host_ip"), port["published"], port["target"]) for (port,) in ports] == [
        (None, str(everywhere.port), everywhere.port),
        ("127.0.0.1", str(here.port), here.port),
    ]


@pytest.mark.parametrize("name", ["OPENCLAW_IMAGE", "PORT", "OPENCLAW_GATEWAY_TOKEN"])
def test_compose_names_a_missing_required_variable(context: AppContext, name: str) -> None:
    deployment = configure_deployment(
        {"openrouter_api_key": API_KEY}, actor="test", context=context
    )
    folder = Path(deployment.folder)
    left = {key: value for key, value in deployment.env.items() if key != name}
    (folder / ".env").write_text(format_env(left))

    answer = compose(folder, "config")

    assert answer.returncode != 0
    assert f"required variable {name} is missing a value" in answer.stderr.decode()


def test_the_compose_file_isolates_the_gateway(tmp_path: Path, context: AppContext) -> None:
    subnet = subnet_of(20000, context.settings.subnet_pool)
    (tmp_path / "docker-compose.yml").write_text(compose_file("0123456789", subnet))
    (tmp_path / ".env").write_text(
        "PORT=20000\nOPENCLAW_IMAGE=none\nOPENCLAW_GATEWAY_TOKEN=t\nBIND_ADDRESS=\n"
    )

    read, warnings = resolved(tmp_path, "-p", "0123456789")

    assert warnings == ""
    gateway = read["services"]["openclaw"]
    assert list(read["services"]) == ["openclaw"]
    assert read["networks"]["default"]["ipam"]["config"] == [{"subnet": str(subnet)}]
    assert gateway["restart"] == "always"
    assert gateway["init"] is True
    assert gateway["cap_drop"] == ["ALL"]
    assert gateway["security_opt"] == ["no-new-privileges:true"]
    assert int(gateway["mem_limit"]) == memory_bytes("2g")
    assert {
        each["target"]: Path(each["source"]).relative_to(tmp_path) for each in gateway["volumes"]
    } == {
        "/home/node/.openclaw": Path("config"),
        "/home/node/.openclaw/workspace": Path("workspace"),
    }
    assert not any(each["bind"].get("create_host_path") for each in gateway["volumes"])
