"""Causes: every entry of the catalogue against the words that were recorded for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.diagnosis import Cause, engine_cause, exit_cause, last_words_of, pull_cause

_CONNECTIVITY = (
    "Error response from daemon: driver failed programming external connectivity on endpoint"
    " 0b7a3361be-openclaw-1 (5f2a): "
)

# Recorded on Docker 20.10 and Compose 2.40, but for the newer engine's wording of full pools.
ENGINE = [
    (
        "compose_missing",
        "unknown flag: --project-name\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\n"
        "Run 'docker --help' for more information",
    ),
    ("compose_missing", "docker: 'compose' is not a docker command.\nSee 'docker --help'"),
    ("compose_too_old", "unknown flag: --remove-orphans"),
    (
        "engine_unreachable",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
        " Is the docker daemon running?",
    ),
    (
        "engine_unreachable",
        "unable to get image 'openclaw:1': Cannot connect to the Docker daemon at"
        " unix:///var/run/docker.sock. Is the docker daemon running?",
    ),
    ("engine_unreachable", "unexpected EOF"),
    (
        "engine_denied",
        "permission denied while trying to connect to the Docker daemon socket at"
        ' unix:///var/run/docker.sock: Get "http://x/v1.41/info": dial unix'
        " /var/run/docker.sock: connect: permission denied",
    ),
    ("port_taken", f"{_CONNECTIVITY}Bind for 127.0.0.1:28000 failed: port is already allocated"),
    (
        "port_taken",
        f"{_CONNECTIVITY}Error starting userland proxy: listen tcp4 127.0.0.1:28000: bind:"
        " address already in use",
    ),
    ("disk_full", "write /var/lib/docker/tmp/x: no space left on device"),
    (
        "image_missing",
        'Error response from daemon: Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on'
        " 10.0.0.2:53: dial udp 10.0.0.2:53: connect: network is unreachable",
    ),
    (
        "image_missing",
        'Error response from daemon: Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000:'
        " connect: connection refused",
    ),
    ("image_missing", "Error response from daemon: manifest for x:1 not found: manifest unknown"),
    ("image_missing", "repository x not found: name unknown: name unknown"),
    (
        "image_missing",
        "pull access denied for x, repository does not exist or may require 'docker login':"
        " denied: denied",
    ),
    ("image_missing", "Error response from daemon: unauthorized: unauthorized"),
    ("image_missing", "toomanyrequests: You have reached your pull rate limit"),
    ("image_missing", "Error response from daemon: No such image: nosuch:1"),
    (
        "network_overlap",
        "failed to create network 0b7a3361be_default: Error response from daemon: Pool overlaps"
        " with other one on this address space",
    ),
    (
        "networks_exhausted",
        "failed to create network 0001406f5e_default: Error response from daemon: could not find"
        " an available, non-overlapping IPv4 address pool among the defaults to assign to the"
        " network",
    ),
    ("networks_exhausted", "all predefined address pools have been fully subnetted"),
    (
        "network_ambiguous",
        "network 0b7a3361be_default is ambiguous (2 matches found on name)",
    ),
    (
        "data_folder_missing",
        'Error response from daemon: invalid mount config for type "bind": bind source path does'
        " not exist: /srv/0b7a3361be/config",
    ),
    (
        "variable_missing",
        "error while interpolating services.openclaw.environment.A: required variable"
        " OPENCLAW_IMAGE is missing a value: set it in .env",
    ),
    (
        "container_name_taken",
        'Error response from daemon: Conflict. The container name "/fixed" is already in use by'
        ' container "5f2a". You have to remove (or rename) that container to be able to reuse'
        " that name.",
    ),
    ("compose_file_invalid", "yaml: line 2: found character that cannot start any token"),
    ("compose_file_invalid", "yaml: line 3: found unexpected end of stream"),
    (
        "compose_file_invalid",
        "validating /srv/0b7a3361be/docker-compose.yml: services.openclaw additional properties"
        " 'imagex' not allowed",
    ),
    ("compose_file_invalid", "empty compose file"),
    ("compose_file_invalid", "no configuration file provided: not found"),
    ("compose_file_invalid", "invalid hostPort: 99999"),
    (
        "command_missing",
        "Error response from daemon: failed to create shim task: OCI runtime create failed: runc"
        ' create failed: unable to start container process: exec: "/bin/nosuch": stat'
        " /bin/nosuch: no such file or directory: unknown",
    ),
    ("compose_file_invalid", "open /d/0b7a3361be/docker-compose.yml: no such file or directory"),
    (
        "compose_file_invalid",
        'service "openclaw" has neither an image nor a build context specified: invalid project',
    ),
    ("env_file_invalid", "couldn't find env file: /d/0b7a3361be/.env"),
    ("env_file_invalid", "failed to read /d/0b7a3361be/.env: line 2: unterminated quoted value 'a"),
    (
        "bind_address_unknown",
        "Error starting userland proxy: listen tcp4 203.0.113.9:20000: bind: cannot assign"
        " requested address",
    ),
    (
        "mount_mismatch",
        "OCI runtime create failed: mount: not a directory: unknown: Are you trying to mount a"
        " directory onto a file (or vice-versa)? Check if the specified host path exists",
    ),
]

# Recorded from OpenClaw 2026.9.6.
_FAILED = "Gateway failed to start: "
_INVALID = f"{_FAILED}Invalid config at /home/node/.openclaw/openclaw.json:"
_MIGRATION = "[gateway] requires state migration."
_NO_ACCESS = "Error: EACCES: permission denied, open '/home/node/.openclaw/openclaw.json'"
_NO_MKDIR = "EACCES: permission denied, mkdir '/home/node/.openclaw/state'"
_READ_ONLY = "ENOENT: no such file or directory, mkdir '/home/node/.openclaw/state'"
GATEWAY = [
    ("npm_missing", 78, ["Command failed during launch or output capture (ENOENT)", _MIGRATION]),
    ("config_unreadable", 78, [f"{_INVALID} <root>: read failed: {_NO_ACCESS}"]),
    (
        "config_unreadable",
        1,
        [
            f"read failed: {_NO_ACCESS}",
            "fix ownership with: chown 1000 /home/node/.openclaw/openclaw.json",
            f"{_FAILED}{_NO_MKDIR}",
        ],
    ),
    ("config_not_writable", 78, [_NO_MKDIR, _MIGRATION]),
    ("config_not_writable", 78, [_READ_ONLY, _MIGRATION]),
    (
        "config_bad_json",
        78,
        [_INVALID, "<root>: JSON5 parse failed: SyntaxError: JSON5: invalid end of input at 1:31"],
    ),
    ("config_unknown_key", 78, [f'{_INVALID} <root>: Unrecognized key: "bogusKey"']),
    ("config_invalid", 78, [_INVALID, "gateway.port: expected a number"]),
    (
        "token_missing",
        78,
        [
            "Refusing to bind gateway to auto without auth.",
            "Set OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD",
        ],
    ),
    (
        "state_in_use",
        1,
        [f"{_FAILED}Another Gateway owner lease is still active for this state directory."],
    ),
    (
        "port_in_use_inside",
        1,
        [
            f"{_FAILED}another gateway instance is already listening on ws://0.0.0.0:30163 |"
            " listen EADDRINUSE: address already in use 0.0.0.0:30163",
            "Port 30163 is already in use.",
        ],
    ),
    (
        "image_incomplete",
        1,
        [
            "openclaw: package lifecycle is incomplete. Reinstall with package scripts enabled,"
            " then retry. permission denied (EACCES)"
        ],
    ),
    ("state_migration", 78, [_MIGRATION]),
    (
        "config_bad_bind",
        1,
        ['Invalid --bind. Use "loopback", "lan", "tailnet", "auto", or "custom".'],
    ),
]


@pytest.mark.parametrize(("code", "text"), ENGINE, ids=[code for code, _ in ENGINE])
def test_what_the_engine_or_compose_said_is_understood(code: str, text: str) -> None:
    cause = engine_cause(text)

    assert cause is not None
    assert cause.code == code


PULL = [
    (
        "registry_unknown",
        'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup'
        " registry-1.docker.io on 10.255.255.53:53: no such host",
    ),
    (
        "registry_unreachable",
        'Error response from daemon: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1:'
        " connect: connection refused",
    ),
    ("registry_busy", "toomanyrequests: You have reached your pull rate limit."),
    ("pull_broken_off", "filesystem layer verification failed for digest sha256:c0ffee"),
    ("pull_broken_off", "openclaw Error unexpected EOF"),
    ("image_missing", "Error response from daemon: manifest unknown"),
    ("disk_full", "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"),
]


@pytest.mark.parametrize(("code", "text"), PULL)
def test_what_a_pull_said_is_understood(code: str, text: str) -> None:
    cause = pull_cause(text)

    assert cause is not None
    assert cause.code == code


@pytest.mark.parametrize(
    ("code", "exit_code", "lines"), GATEWAY, ids=[code for code, _, _ in GATEWAY]
)
def test_what_the_gateway_said_is_understood(code: str, exit_code: int, lines: list[str]) -> None:
    noise = [f"2026-11-24T12:00:00Z [gateway] line {number}" for number in range(20)]

    cause = exit_cause(exit_code, False, [*noise, *lines, ""])

    assert cause.code == code
    assert cause.words.startswith(f"exited with code {exit_code}: ")


@pytest.mark.parametrize(
    "cause",
    [engine_cause(text) for _, text in ENGINE]
    + [pull_cause(text) for _, text in PULL]
    + [exit_cause(number, False, lines) for _, number, lines in GATEWAY],
    ids=[code for code, *_ in ENGINE + PULL + GATEWAY],
)
def test_every_known_cause_comes_with_a_next_step(cause: Cause) -> None:
    assert cause.words.endswith(".")
    assert cause.next_step.endswith(".")
    assert cause.next_step not in cause.words
    assert cause.sentence == f"{cause.words} {cause.next_step}"
    assert "{" not in cause.sentence


def test_the_variable_that_is_missing_is_named() -> None:
    cause = engine_cause("required variable OPENCLAW_IMAGE is missing a value: set it in .env")

    assert cause is not None
    assert "OPENCLAW_IMAGE" in cause.words
    assert "OPENCLAW_IMAGE" in cause.next_step


@pytest.mark.parametrize("key", ["bogusKey", "{}", "{what}", "{0!r:>9}", "a{b", "%s"])
def test_the_key_that_openclaw_does_not_know_is_named_as_it_stands(key: str) -> None:
    cause = exit_cause(78, False, [f'<root>: Unrecognized key: "{key}"'])

    assert f"“{key}”" in cause.words


@pytest.mark.parametrize(
    ("specific", "general"),
    [
        ("npm_missing", _MIGRATION),
        ("config_not_writable", _MIGRATION),
        ("config_bad_json", "Gateway failed to start: Invalid config at /x:"),
        ("config_unknown_key", "Gateway failed to start: Invalid config at /x:"),
        ("config_unreadable", "Gateway failed to start: Invalid config at /x:"),
    ],
)
def test_the_specific_cause_goes_before_the_general_in_either_order(
    specific: str, general: str
) -> None:
    lines = next(lines for code, _, lines in GATEWAY if code == specific)

    assert exit_cause(78, False, [*lines, general]).code == specific
    assert exit_cause(78, False, [general, *lines]).code == specific


def test_an_engine_that_went_away_is_no_missing_image() -> None:
    text = "unable to get image 'x': Cannot connect to the Docker daemon at unix:///x."

    assert engine_cause(text + " No such image: x").code == "engine_unreachable"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["", "\n", "something new", "{what}", "Error response from daemon: x"]
)
def test_of_words_that_are_not_known_nothing_is_claimed(text: str) -> None:
    assert engine_cause(text) is None


def test_of_an_end_that_is_not_known_the_last_line_is_told() -> None:
    cause = exit_cause(3, False, ["one", "  the {last} line  ", "", " "])

    assert cause == Cause("exited_3", "exited with code 3. Its last line: the {last} line", "")


def test_an_end_without_a_word_is_told_as_such() -> None:
    assert exit_cause(3, False, []).words == "exited with code 3. It wrote nothing."
    assert exit_cause(-1, False, ["", " "]).code == "exited"


def test_a_last_line_without_end_is_cut() -> None:
    assert len(exit_cause(3, False, ["x" * 10_000]).words) < 400


def test_want_of_memory_is_told_from_any_other_end() -> None:
    cause = exit_cause(137, True, ["Invalid config at /x", "requires state migration"])

    assert cause.code == "out_of_memory"
    assert "MEMORY_LIMIT" in cause.next_step


@given(st.text(), st.integers(-255, 255), st.booleans())
def test_any_text_has_a_plain_cause(text: str, exit_code: int, out_of_memory: bool) -> None:
    cause = exit_cause(exit_code, out_of_memory, text.split("\n"))

    assert cause.code
    assert cause.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\ntwo\n\n  \n", "two"),
        (
            " Container x  Starting\n Error response from daemon: y\n",
            "Error response from daemon: y",
        ),
        ("", "Compose failed without a word."),
        (" \n\t\n", "Compose failed without a word."),
    ],
)
def test_the_last_line_of_a_tool_says_what_failed(text: str, words: str) -> None:
    assert last_words_of(text) == words
