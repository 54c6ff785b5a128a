"""Causes of a failed launch: what the engine's or the gateway's own words mean.

The catalogue is data. Each cause has a pattern over the text that Compose, the
engine or the gateway wrote (wordings measured on Docker 20.10, Compose 2.40 and
OpenClaw 2026.9.6), its words and the next step. The first that matches counts,
so the specific stand before the general.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed, and what to do. `code` is stable; the words may get better.

    `free_port` is one that can be had instead, where a port is taken.
    """

    code: str
    words: str
    next_step: str
    free_port: int | None = None

    @property
    def sentence(self) -> str:
        return f"{self.words} {self.next_step}".strip()


@dataclass(frozen=True, slots=True)
class _Known:
    code: str
    pattern: re.Pattern[str]
    words: str
    next_step: str


def _known(code: str, pattern: str, words: str, next_step: str) -> _Known:
    return _Known(code, re.compile(pattern, re.IGNORECASE), words, next_step)


_ENGINE = (
    _known(
        "compose_missing",
        r"run 'docker --help'|usage:\s+docker \[OPTIONS\]|unknown command: docker compose"
        r"|'compose' is not a docker command",
        "Docker Compose is not on this host.",
        "Put it in place (in this project's folder: make setup), then try again.",
    ),
    _known(
        "compose_too_old",
        r"unknown (?:shorthand )?flag: '?(?P<what>[\w-]{1,40})",
        "Docker Compose is too old: it does not know {what}.",
        "Install a newer one (`docker compose version` tells which it is), then try again.",
    ),
    _known(
        "engine_unreachable",
        r"cannot connect to the docker daemon|unexpected EOF|error during connect",
        "Docker Engine went away.",
        "Start it (as root: systemctl start docker), then launch again.",
    ),
    _known(
        "engine_denied",
        r"permission denied while trying to connect",
        "This user may not talk to Docker Engine.",
        "Join the docker group (as root: usermod -aG docker USER) and log in again.",
    ),
    _known(
        "port_taken",
        r"port is already allocated|address already in use",
        "Its port is taken.",
        "Free the port, or configure another deployment with a free one.",
    ),
    _known(
        "disk_full",
        r"no space left on device",
        "The disk of Docker Engine is full.",
        "Make room (docker system df tells what takes it), then launch again.",
    ),
    _known(
        "image_missing",
        r"manifest unknown|no such image|name unknown|pull access denied|toomanyrequests"
        r"|unauthorized: |failed to resolve reference|https?://\S+/v2/",
        "Its image is not on this host and no registry gave it.",
        "Check the image's name in .env (OPENCLAW_IMAGE), or build it here with `make image`.",
    ),
    _known(
        "network_overlap",
        r"pool overlaps with other one",
        "Its network's addresses are in use by another network.",
        "Remove the other network (docker network ls), or change `subnet` in docker-compose.yml.",
    ),
    _known(
        "networks_exhausted",
        r"non-overlapping IPv4 address pool|address pools have been fully subnetted",
        "Docker has no addresses left for another network.",
        "Remove unused networks (docker network prune), then launch again.",
    ),
    _known(
        "network_ambiguous",
        r"network \S+ is ambiguous",
        "There are two networks of its name.",
        "Stop it, remove both by id (docker network ls, docker network rm), then launch again.",
    ),
    _known(
        "data_folder_missing",
        r"bind source path does not exist",
        "One of its data folders, config/ or workspace/, is missing.",
        "Make the folder again, then launch.",
    ),
    _known(
        "variable_missing",
        r"required variable (?P<what>\w+) is missing a value",
        "docker-compose.yml needs {what}, and .env does not have it.",
        "Add {what} to .env, then launch again.",
    ),
    _known(
        "env_file_invalid",
        r"couldn't find env file|unterminated quoted value|failed to read \S*\.env",
        "Compose does not understand .env.",
        "Correct the file, then launch again.",
    ),
    _known(
        "bind_address_unknown",
        r"cannot assign requested address",
        "BIND_ADDRESS in .env is no address of this host.",
        "Set it to one that `ip address` shows, or leave it empty, then launch again.",
    ),
    _known(
        "mount_mismatch",
        r"Are you trying to mount a directory onto a file",
        "docker-compose.yml mounts a folder over a file, or a file over a folder.",
        "Correct its volumes, then launch again.",
    ),
    _known(
        "container_name_taken",
        r"the container name \S+ is already in use",
        "Another container has the name that docker-compose.yml asks for.",
        "Remove or rename the other container, then launch again.",
    ),
    _known(
        "compose_file_invalid",
        r"yaml: |validating |additional propert|empty compose file|invalid hostport"
        r"|open \S*compose\S*: no such file|no configuration file|must be a |invalid template"
        r"|neither an image nor a build context",
        "Compose does not understand docker-compose.yml.",
        "Correct the file, then launch again.",
    ),
    _known(
        "command_missing",
        r"OCI runtime create failed|exec: .* no such file or directory",
        "The image has not the program that it is to run.",
        "Check the image's name in .env (OPENCLAW_IMAGE).",
    ),
)

# What a pull says, before what any call of the engine says: a registry, too, refuses
# connections and ends them.
_PULL = (
    _known(
        "registry_unknown",
        r"lookup (?P<what>[\w.-]{1,253})(?: on \S+)?: (?:no such host|server misbehaving)",
        "The name of the registry {what} is not known on this host.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
    ),
    _known(
        "registry_unreachable",
        r"dial tcp (?P<what>[\w.:\[\]-]{1,60}): (?:connect: connection refused|connect: no route"
        r"|i/o timeout)",
        "Nothing answers at the registry's address {what}.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
    ),
    _known(
        "registry_busy",
        r"toomanyrequests",
        "The registry has had too many requests from this address.",
        "Wait and launch again, or log in to it (docker login).",
    ),
    _known(
        "pull_broken_off",
        r"unexpected EOF|connection reset by peer|TLS handshake timeout|i/o timeout"
        r"|filesystem layer verification failed|unknown blob|error pulling image",
        "The download broke off before the image was whole.",
        "Launch again; if this stays, look at the registry and the network.",
    ),
)

_GATEWAY = (
    _known(
        "npm_missing",
        r"failed during launch or output capture \(ENOENT\)",
        "The gateway looks up a plugin with npm, and its image has no npm.",
        "Set plugins.entries.perplexity.enabled to false in config/openclaw.json, or use an"
        " image with npm.",
    ),
    _known(
        "config_unreadable",
        r"EACCES[^\n]*openclaw\.json",
        "The gateway may not read config/openclaw.json.",
        "Give the file to uid 1000 (as root: chown 1000 config/openclaw.json).",
    ),
    _known(
        "config_not_writable",
        r"(?:EACCES|ENOENT)[^\n]*mkdir '/home/node/\.openclaw",
        "The gateway may not write into its config folder.",
        "Give the data folders to uid 1000 (as root: chown -R 1000 config workspace) and let"
        " them be writable.",
    ),
    _known(
        "config_bad_json",
        r"JSON5 parse failed",
        "config/openclaw.json is not valid JSON.",
        "Correct the file, then launch again.",
    ),
    _known(
        "config_unknown_key",
        r"Unrecognized key: \"(?P<what>[^\"]{1,80})\"",
        "OpenClaw does not know the key “{what}” in config/openclaw.json.",
        "Remove the key, then launch again.",
    ),
    _known(
        "config_invalid",
        r"Invalid config at",
        "OpenClaw does not accept config/openclaw.json.",
        "Correct the file as the log says, then launch again.",
    ),
    _known(
        "config_bad_bind",
        r"Invalid --bind",
        "OpenClaw does not know the value of gateway.bind in config/openclaw.json.",
        "Set it to lan, then launch again.",
    ),
    _known(
        "token_missing",
        r"Refusing to bind gateway to \S+ without auth",
        "The gateway has no token.",
        "Set OPENCLAW_GATEWAY_TOKEN in .env, then launch again.",
    ),
    _known(
        "state_in_use",
        r"owner lease is still active",
        "Another gateway uses the same config folder.",
        "Stop the other one, then launch again.",
    ),
    _known(
        "port_in_use_inside",
        r"EADDRINUSE|another gateway instance is already listening",
        "Something else in the container listens on the gateway's port.",
        "Remove what listens there, or choose another port.",
    ),
    _known(
        "image_incomplete",
        r"package lifecycle is incomplete",
        "OpenClaw's installation in the image is not finished.",
        "Build or pull the image again.",
    ),
    _known(
        "state_migration",
        r"requires state migration",
        "OpenClaw can't bring its stored state to its own version.",
        "Use the image that wrote the state, or follow the log's own advice.",
    ),
)


def engine_cause(text: str) -> Cause | None:
    """Return what a Compose or engine error means, or None where it is not in the catalogue."""
    return _first(_ENGINE, text)


def pull_cause(text: str) -> Cause | None:
    """Return what the error of a pull means, or None where it is not in the catalogue."""
    return _first(_PULL, text) or engine_cause(text)


def last_words_of(text: str, fallback: str = "Compose failed without a word.") -> str:
    """Return the line of a tool's output that says what failed: its last that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else fallback


def exit_cause(exit_code: int, out_of_memory: bool, log_lines: Sequence[str]) -> Cause:
    """Return why a gateway ended, from its exit code and its last log lines (masked)."""
    if out_of_memory:
        return Cause(
            "out_of_memory",
            "The gateway was killed because it reached its memory limit.",
            "Raise MEMORY_LIMIT in .env (2g is enough as a rule), then launch again.",
        )
    known = _first(_GATEWAY, "\n".join(log_lines))
    last = next((line.strip() for line in reversed(log_lines) if line.strip()), "")
    said = f" Its last line: {last[:300]}" if last else " It wrote nothing."
    if known:
        return Cause(known.code, f"exited with code {exit_code}: {known.words}", known.next_step)
    return Cause(
        f"exited_{exit_code}" if exit_code >= 0 else "exited",
        f"exited with code {exit_code}.{said}",
        "",
    )


def _first(catalogue: Sequence[_Known], text: str) -> Cause | None:
    for known in catalogue:
        if match := known.pattern.search(text):
            groups = match.groupdict()
            return Cause(known.code, known.words.format(**groups), known.next_step.format(**groups))
    return None
