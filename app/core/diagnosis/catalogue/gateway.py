"""Why a gateway exits, by its exit code and its last log lines."""

from app.core.diagnosis.catalogue.entry import LAUNCH, CatalogueEntry

# Keeps a hand-written file next to the new file that the launch makes.
_ASIDE = "# mv --backup=numbered {config}/openclaw.json {config}/openclaw.json.aside"
_GIVE = "# chown -R 1000:1000 {config} {workspace}"
_NO_USER = (
    r"{{ ! grep -q '^ \{{4\}}user:' {compose_file}"
    r" || sed -i.before '/^ \{{4\}}user:/d' {compose_file}; }}"
)
_NO_BIND = (
    "{{ ! grep -q -e --bind {compose_file}"
    " || sed -i.before -E 's/--bind[ =][^ ]+//' {compose_file}; }}"
)
_PLUGIN_OFF = (
    "{docker} run --rm --network none --user 1000 --entrypoint openclaw"
    " -v {config}:/home/node/.openclaw {own_image}"
    " config set plugins.entries.perplexity.enabled false"
)
_OR_ASIDE = (
    "Correct the file, then launch again. This command renames it to openclaw.json.aside; the"
    " launch then makes a new file with the token and model from .env."
)
# OpenClaw exits with 78 for a configuration error, which a restart can't fix, and with 1 otherwise.
_CONFIG_ERROR, _ANY_FAILURE = (78,), (1, 78)

GATEWAY = (
    CatalogueEntry(
        "out_of_memory",
        r"",
        "The gateway was killed because it reached its memory limit.",
        "Raise MEMORY_LIMIT in .env (2g is usually enough), then launch again.",
        ("{reconfigure} --set memory_limit={memory}",),
        out_of_memory=True,
    ),
    CatalogueEntry(
        "heap_full",
        r"FATAL ERROR: .*JavaScript heap out of memory",
        "The gateway's Node.js process reached its own memory limit.",
        "Remove --max-old-space-size from NODE_OPTIONS in docker-compose.yml or raise it, then"
        " launch again. This command removes it.",
        ("sed -i.before -E 's/ ?--max-old-space-size=[0-9]+//' {compose_file}", LAUNCH),
        (134,),
    ),
    CatalogueEntry(
        "npm_missing",
        r"failed during launch or output capture \(ENOENT\)",
        "The gateway needs npm to look up a plugin, but its image has no npm.",
        "Set plugins.entries.perplexity.enabled to false in config/openclaw.json, or use an"
        " image with npm.",
        (_PLUGIN_OFF, LAUNCH),
        _CONFIG_ERROR,
    ),
    CatalogueEntry(
        "config_unreadable",
        r"EACCES[^\n]*openclaw\.json",
        "The gateway is not allowed to read config/openclaw.json.",
        "Make uid 1000 its owner (as root: chown 1000 config/openclaw.json).",
        (_GIVE, LAUNCH),
        _ANY_FAILURE,
    ),
    CatalogueEntry(
        "config_read_only",
        r"(?:ENOENT|EROFS)[^\n]*mkdir '/home/node/\.openclaw",
        "The gateway's config folder is mounted read-only.",
        "Remove :ro or read_only from its mount in docker-compose.yml, then launch again.",
        (
            "sed -i.before -E -e 's#(/home/node/.openclaw\"?):ro\\b#\\1#'"
            " -e '/^ {{8,}}read_only: true/d' {compose_file}",
            LAUNCH,
        ),
        _ANY_FAILURE,
    ),
    CatalogueEntry(
        "config_not_writable",
        r"EACCES[^\n]*'/home/node/\.openclaw",
        "The gateway is not allowed to read or write its config folder.",
        "Make uid 1000 the owner of the data folders (as root: chown -R 1000 config workspace),"
        " make them writable, and set no other `user` in docker-compose.yml.",
        (_GIVE, _NO_USER, LAUNCH),
        _ANY_FAILURE,
    ),
    CatalogueEntry(
        "root_read_only",
        r"Unable to create fallback OpenClaw temp dir",
        "The gateway can't write temporary files: its container is read-only.",
        "Mount a tmpfs at /tmp in docker-compose.yml, or remove read_only, as this command does.",
        (r"sed -i.before '/^ \{{4\}}read_only: true/d' {compose_file}", LAUNCH),
        (1,),
    ),
    CatalogueEntry(
        "command_missing",
        r"\[FATAL tini \(\d+\)\] exec \S+ failed: No such file",
        "The image does not contain the command it is told to run.",
        "Check `command` and `entrypoint` in docker-compose.yml, and the image's name in .env"
        " (OPENCLAW_IMAGE).",
        exits=(127,),
    ),
    CatalogueEntry(
        "config_bad_json",
        r"JSON5 parse failed",
        "config/openclaw.json is not valid JSON.",
        _OR_ASIDE,
        (_ASIDE, LAUNCH),
        _CONFIG_ERROR,
    ),
    CatalogueEntry(
        "config_unknown_key",
        r"Unrecognized key: \"(?P<what>[^\"]{1,80})\"",
        "OpenClaw does not know the key “{what}” in config/openclaw.json.",
        "Remove the key, then launch again. This command renames the file to openclaw.json.aside;"
        " the launch then makes a new file with the token and model from .env.",
        (_ASIDE, LAUNCH),
        _CONFIG_ERROR,
    ),
    CatalogueEntry(
        "config_missing",
        r"Missing config\. Run `openclaw setup`|existing config is missing gateway\.mode",
        "config/openclaw.json is missing or has no gateway.mode. Started by"
        " docker-compose.yml, OpenClaw needs that setting.",
        "Set gateway.mode to local in the file, or rename the file with this command; the launch"
        " then makes a new file.",
        ("# test ! -e {config}/openclaw.json || " + _ASIDE.removeprefix("# "), LAUNCH),
        _CONFIG_ERROR,
    ),
    CatalogueEntry(
        "config_invalid",
        r"Gateway failed to start: Invalid config at",
        "OpenClaw does not accept config/openclaw.json.",
        _OR_ASIDE,
        (_ASIDE, LAUNCH),
        _CONFIG_ERROR,
    ),
    CatalogueEntry(
        "config_bad_bind",
        r"Invalid --bind",
        "OpenClaw does not know the value of gateway.bind in config/openclaw.json or of --bind in"
        " docker-compose.yml.",
        "Set it to lan, then launch again. This command renames the file to openclaw.json.aside;"
        " the launch then makes a new file with the token and model from .env.",
        (_ASIDE, _NO_BIND, LAUNCH),
        (1,),
    ),
    CatalogueEntry(
        "token_missing",
        r"Refusing to bind gateway to \S+ without auth",
        "The gateway has no token.",
        "Set OPENCLAW_GATEWAY_TOKEN in .env, then launch again. This command makes a token.",
        ("{rotate}", LAUNCH),
        _CONFIG_ERROR,
    ),
    CatalogueEntry(
        "host_too_busy",
        r"state lease heartbeat did not become ready \(phase=startup, trigger=timeout",
        "This host is so busy that a part of the gateway did not start within OpenClaw's limit of"
        " five seconds.",
        "Launch again when the host is less busy (uptime shows its load), or stop other programs.",
        (LAUNCH,),
        _ANY_FAILURE,
    ),
    CatalogueEntry(
        "state_in_use",
        r"owner lease is still active|Session SQLite maintenance ownership was unavailable",
        "Another gateway uses the same config folder, or used it and was killed less than five"
        " minutes ago.",
        "Stop the other gateway, then launch again. If there is none, wait five minutes.",
        ("{docker} ps -q --filter volume={config} | xargs -r env {docker} stop", LAUNCH),
        _ANY_FAILURE,
    ),
    CatalogueEntry(
        "port_in_use_inside",
        r"another gateway instance is already listening|Gateway failed to start: .*EADDRINUSE",
        "Another program in the container listens on the gateway's port.",
        "Remove that program, or choose another port.",
        ("{reconfigure} --set port={free_port}",),
        (1,),
    ),
    CatalogueEntry(
        "image_incomplete",
        r"package lifecycle is incomplete",
        "The installation of OpenClaw in the image is incomplete.",
        "Build or pull the image again.",
        exits=(1,),
    ),
    CatalogueEntry(
        "state_migration",
        r"requires state migration",
        "OpenClaw can't migrate its stored state to the image's version.",
        "Use the image that wrote the state, or follow the advice in the log.",
        exits=_CONFIG_ERROR,
    ),
)
