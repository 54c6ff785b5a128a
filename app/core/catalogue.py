"""Catalogue of causes: what the engine's, a registry's or the gateway's own words mean. Data.

Of each source the first entry counts that fits in all that it names: a pattern over what
was said, the exit code, the rung of the ladder; so the specific stand before the general.
Each was recorded from a real failure (Docker 20.10, Compose 2.40, OpenClaw 2026.9.6):
tests/recorded/<source>/<code>.log, and <code>.<anything>.log of further ones.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Who told of a failure."""

    ENGINE = "engine"
    PULL = "pull"
    GATEWAY = "gateway"
    LADDER = "ladder"


@dataclass(frozen=True, slots=True)
class Known:
    """One cause. `exits` are the exit codes that it comes with, any where there are none.

    `fix` holds the steps that end with a gateway that runs, where a shell can do them: one
    after "# " is root's, as in a manual. A name in braces is filled in from what the pattern
    has found, or by app.core.repairs. The words of a broken rung are the probe's own.
    """

    code: str
    pattern: re.Pattern[str]
    words: str
    next_step: str
    fix: tuple[str, ...] = ()
    exits: tuple[int, ...] = ()
    out_of_memory: bool = False


def _known(
    code: str,
    pattern: str,
    words: str,
    next_step: str,
    fix: tuple[str, ...] = (),
    exits: tuple[int, ...] = (),
    out_of_memory: bool = False,
) -> Known:
    said = re.compile(pattern, re.IGNORECASE)
    return Known(code, said, words, next_step, fix, exits, out_of_memory)


_LAUNCH = "{launch}"
# What was written by hand stays beside the file that the launch then makes.
_ASIDE = "# mv --backup=numbered {config}/openclaw.json {config}/openclaw.json.aside"
_GIVE = "# chown -R 1000:1000 {config} {workspace}"
_PLUGIN_OFF = (
    "{docker} run --rm --network none --user 1000 --entrypoint openclaw"
    " -v {config}:/home/node/.openclaw {own_image}"
    " config set plugins.entries.perplexity.enabled false"
)
_OR_ASIDE = (
    "Correct the file, then launch again. The line sets it aside, as openclaw.json.aside: the"
    " launch then makes a new one with the token and model of .env."
)
# OpenClaw's exit codes for a configuration that another start can't mend, and for the rest.
_SETTINGS, _ANY_FAILURE = (78,), (1, 78)

_ENGINE = (
    _known(
        "compose_missing",
        r"run 'docker --help'|usage:\s+docker \[OPTIONS\]|unknown command: docker compose"
        r"|'compose' is not a docker command",
        "Docker Compose is not on this host.",
        "Put it in place (in this project's folder: make setup), then try again.",
        ("{make_setup}", _LAUNCH),
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
        (
            "{start_engine}",
            _LAUNCH,
        ),
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
        ("{reconfigure} --set port={free_port}",),
    ),
    _known(
        "disk_full",
        r"no space left on device",
        "The disk of Docker Engine is full.",
        "Make room (docker system df tells what takes it), then launch again.",
    ),
    _known(
        "image_name_invalid",
        r"invalid reference format",
        "OPENCLAW_IMAGE in .env is no image's name.",
        "Correct it, then launch again. The line sets the image that new deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    _known(
        "image_missing",
        r"manifest unknown|no such image|name unknown|pull access denied|toomanyrequests"
        r"|unauthorized: |failed to resolve reference|https?://\S+/v2/",
        "Its image is not on this host and no registry gave it.",
        "Check the image's name in .env (OPENCLAW_IMAGE), or build it here with `make image`."
        " The line sets the image that new deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    _known(
        "network_overlap",
        r"pool overlaps with other one",
        "Its network's addresses are in use by another network.",
        "Remove the other network (docker network ls), or change `subnet` in docker-compose.yml.",
        ("{reconfigure} --set port={free_port}",),
    ),
    _known(
        "networks_exhausted",
        r"non-overlapping IPv4 address pool|address pools have been fully subnetted",
        "Docker has no addresses left for another network.",
        "Remove unused networks (docker network prune), then launch again.",
        (
            "{docker} network prune -f",
            _LAUNCH,
        ),
    ),
    _known(
        "network_ambiguous",
        r"network \S+ is ambiguous",
        "There are two networks of its name.",
        "Stop it, remove both by id (docker network ls, docker network rm), then launch again.",
        (
            "{stop}",
            "{docker} network rm $({docker} network ls -q --filter name=^{id}_default$)",
            _LAUNCH,
        ),
    ),
    _known(
        "data_folder_missing",
        r"bind source path does not exist",
        "One of its data folders, config/ or workspace/, is missing.",
        "Make the folder again, then launch.",
        (_LAUNCH,),
    ),
    _known(
        "variable_missing",
        r"required variable OPENCLAW_GATEWAY_TOKEN is missing a value",
        "docker-compose.yml needs OPENCLAW_GATEWAY_TOKEN, and .env does not have it.",
        "Add OPENCLAW_GATEWAY_TOKEN to .env, then launch again. The line makes one.",
        ("{rotate}", _LAUNCH),
    ),
    _known(
        "variable_missing",
        r"required variable OPENCLAW_IMAGE is missing a value",
        "docker-compose.yml needs OPENCLAW_IMAGE, and .env does not have it.",
        "Add OPENCLAW_IMAGE to .env, then launch again. The line sets the image that new"
        " deployments get.",
        ("{reconfigure} --set image={image}",),
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
        ("{reconfigure} --remove bind_address",),
    ),
    _known(
        "mount_mismatch",
        r"Are you trying to mount a directory onto a file",
        "docker-compose.yml mounts a folder over a file, or a file over a folder.",
        "Correct its volumes, then launch again.",
    ),
    _known(
        "container_name_taken",
        r"the container name \"/?(?P<what>[\w.-]{1,128})\" is already in use",
        "Another container has the name {what}, which docker-compose.yml asks for.",
        "Remove or rename the other container, then launch again.",
        (
            "{docker} rename {what} {what}-before",
            _LAUNCH,
        ),
    ),
    _known(
        "memory_limit_too_small",
        r"minimum memory limit allowed is",
        "MEMORY_LIMIT in .env is less than Docker Engine allows.",
        "Raise it (2g is enough as a rule), then launch again.",
        ("{reconfigure} --set memory_limit={memory}",),
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
        ("{reconfigure} --set image={image}",),
    ),
    _known(
        "registry_unreachable",
        r"dial tcp (?P<what>[\w.:\[\]-]{1,60}): (?:connect: connection refused|connect: no route"
        r"|i/o timeout)",
        "Nothing answers at the registry's address {what}.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
        ("{reconfigure} --set image={image}",),
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
        "out_of_memory",
        r"",
        "The gateway was killed because it reached its memory limit.",
        "Raise MEMORY_LIMIT in .env (2g is enough as a rule), then launch again.",
        ("{reconfigure} --set memory_limit={memory}",),
        out_of_memory=True,
    ),
    _known(
        "heap_full",
        r"FATAL ERROR: .*JavaScript heap out of memory",
        "Node.js, which the gateway runs on, has reached its own limit of memory.",
        "Take --max-old-space-size out of NODE_OPTIONS in docker-compose.yml or set it higher,"
        " then launch again.",
        exits=(134,),
    ),
    _known(
        "npm_missing",
        r"failed during launch or output capture \(ENOENT\)",
        "The gateway looks up a plugin with npm, and its image has no npm.",
        "Set plugins.entries.perplexity.enabled to false in config/openclaw.json, or use an"
        " image with npm.",
        (_PLUGIN_OFF, _LAUNCH),
        _SETTINGS,
    ),
    _known(
        "config_unreadable",
        r"EACCES[^\n]*openclaw\.json",
        "The gateway may not read config/openclaw.json.",
        "Give the file to uid 1000 (as root: chown 1000 config/openclaw.json).",
        (_GIVE, _LAUNCH),
        _ANY_FAILURE,
    ),
    _known(
        "config_read_only",
        r"(?:ENOENT|EROFS)[^\n]*mkdir '/home/node/\.openclaw",
        "The gateway's config folder is mounted read-only.",
        "Take :ro or read_only off its mount in docker-compose.yml, then launch again.",
        (
            "sed -i.before -E -e 's#(/home/node/.openclaw\"?):ro\\b#\\1#'"
            " -e '/^ {{8,}}read_only: true/d' {compose_file}",
            _LAUNCH,
        ),
        _ANY_FAILURE,
    ),
    _known(
        "config_not_writable",
        r"EACCES[^\n]*mkdir '/home/node/\.openclaw",
        "The gateway may not write into its config folder.",
        "Give the data folders to uid 1000 (as root: chown -R 1000 config workspace), let them be"
        " writable, and name no other `user` in docker-compose.yml.",
        (_GIVE, _LAUNCH),
        _ANY_FAILURE,
    ),
    _known(
        "root_read_only",
        r"Unable to create fallback OpenClaw temp dir",
        "The gateway has nowhere to put temporary files: its container is read-only.",
        "Mount a tmpfs at /tmp in docker-compose.yml, or take read_only off, as the line does.",
        (r"sed -i.before '/^ \{{4\}}read_only: true/d' {compose_file}", _LAUNCH),
        (1,),
    ),
    _known(
        "command_missing",
        r"\[FATAL tini \(\d+\)\] exec \S+ failed: No such file",
        "The image has not the program that it is to run.",
        "Check `command` and `entrypoint` in docker-compose.yml, and the image's name in .env"
        " (OPENCLAW_IMAGE).",
        exits=(127,),
    ),
    _known(
        "config_bad_json",
        r"JSON5 parse failed",
        "config/openclaw.json is not valid JSON.",
        _OR_ASIDE,
        (_ASIDE, _LAUNCH),
        _SETTINGS,
    ),
    _known(
        "config_unknown_key",
        r"Unrecognized key: \"(?P<what>[^\"]{1,80})\"",
        "OpenClaw does not know the key “{what}” in config/openclaw.json.",
        "Remove the key, then launch again. The line sets the file aside, as"
        " openclaw.json.aside: the launch then makes a new one with the token and model of .env.",
        (_ASIDE, _LAUNCH),
        _SETTINGS,
    ),
    _known(
        "config_missing",
        r"Missing config\. Run `openclaw setup`|existing config is missing gateway\.mode",
        "config/openclaw.json is not there or names no gateway.mode, and docker-compose.yml starts"
        " OpenClaw such that it needs that.",
        "Set gateway.mode to local in the file, or set it aside with the line: the launch then"
        " makes a new one.",
        (
            "{{ test ! -e {config}/openclaw.json || mv {config}/openclaw.json"
            " {config}/openclaw.json.aside; }}",
            _LAUNCH,
        ),
        _SETTINGS,
    ),
    _known(
        "config_invalid",
        r"Gateway failed to start: Invalid config at",
        "OpenClaw does not accept config/openclaw.json.",
        _OR_ASIDE,
        (_ASIDE, _LAUNCH),
        _SETTINGS,
    ),
    _known(
        "config_bad_bind",
        r"Invalid --bind",
        "OpenClaw does not know the value of gateway.bind in config/openclaw.json, or of --bind in"
        " docker-compose.yml.",
        "Set it to lan, then launch again. The line sets the file aside, as openclaw.json.aside:"
        " the launch then makes a new one with the token and model of .env.",
        (_ASIDE, _LAUNCH),
        (1,),
    ),
    _known(
        "token_missing",
        r"Refusing to bind gateway to \S+ without auth",
        "The gateway has no token.",
        "Set OPENCLAW_GATEWAY_TOKEN in .env, then launch again. The line makes one.",
        ("{rotate}", _LAUNCH),
        _SETTINGS,
    ),
    _known(
        "state_in_use",
        r"owner lease is still active",
        "Another gateway uses the same config folder.",
        "Stop the other one, then launch again.",
        ("{docker} stop $({docker} ps -q --filter volume={config})", _LAUNCH),
        (1,),
    ),
    _known(
        "port_in_use_inside",
        r"another gateway instance is already listening|Gateway failed to start: .*EADDRINUSE",
        "Something else in the container listens on the gateway's port.",
        "Remove what listens there, or choose another port.",
        ("{reconfigure} --set port={free_port}",),
        (1,),
    ),
    _known(
        "image_incomplete",
        r"package lifecycle is incomplete",
        "OpenClaw's installation in the image is not finished.",
        "Build or pull the image again.",
        exits=(1,),
    ),
    _known(
        "state_migration",
        r"requires state migration",
        "OpenClaw can't bring its stored state to its own version.",
        "Use the image that wrote the state, or follow the log's own advice.",
        exits=_SETTINGS,
    ),
)

# Matched against "<rung> <the gateway's own code> <what was seen>"; a rung that is not here
# is called by its name.
_LADDER = (
    _known(
        "token_missing",
        r"^token  There is no token in \.env",
        "",
        "Set OPENCLAW_GATEWAY_TOKEN, launch again. The line makes one.",
        ("{rotate}", _LAUNCH),
    ),
    _known(
        "token_refused",
        r"^token AUTH_TOKEN_MISMATCH ",
        "",
        "Check the token: that tells which place has another one, and can make them equal.",
        ("{equalize}",),
    ),
    _known(
        "token_locked_out",
        r"^token AUTH_RATE_LIMITED ",
        "",
        "It lets the right token in again after five minutes, or after a restart.",
        ("{restart}",),
    ),
    _known(
        "config_token_refused",
        r"^config_token ",
        "",
        "Launch again: that writes the one of .env into it.",
        ("{equalize}",),
    ),
    _known(
        "healthz_refused",
        r"^healthz  /healthz gave no answer",
        "",
        "Its log may tell why; stop and launch it again.",
        ("{restart}",),
    ),
)

CATALOGUE = {
    Source.ENGINE: _ENGINE,
    Source.PULL: _PULL + _ENGINE,
    Source.GATEWAY: _GATEWAY,
    Source.LADDER: _LADDER,
}
