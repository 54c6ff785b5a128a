"""What Docker Engine and Compose say when they fail."""

from app.core.diagnosis.catalogue.entry import LAUNCH, entry

ENGINE = (
    entry(
        "compose_missing",
        r"run 'docker --help'|usage:\s+docker \[OPTIONS\]|unknown command: docker compose"
        r"|'compose' is not a docker command",
        "Docker Compose is not on this host.",
        "Put it in place (in this project's folder: make setup), then try again.",
        ("{make_setup}", LAUNCH),
    ),
    entry(
        "compose_too_old",
        r"unknown (?:shorthand )?flag: '?(?P<what>[\w-]{1,40})",
        "Docker Compose is too old: it does not know {what}.",
        "Install a newer one (`docker compose version` tells which it is), then try again.",
    ),
    entry(
        "engine_unreachable",
        r"cannot connect to the docker daemon|unexpected EOF|error during connect",
        "Docker Engine went away.",
        "Start it (as root: systemctl start docker), then launch again.",
        (
            "{start_engine}",
            LAUNCH,
        ),
    ),
    entry(
        "engine_denied",
        r"permission denied while trying to connect",
        "This user may not talk to Docker Engine.",
        "Join the docker group (as root: usermod -aG docker USER) and log in again.",
    ),
    entry(
        "port_taken",
        r"port is already allocated|address already in use",
        "Its port is taken.",
        "Free the port, or configure another deployment with a free one.",
        ("{reconfigure} --set port={free_port}",),
    ),
    entry(
        "disk_full",
        r"no space left on device",
        "The disk of Docker Engine is full.",
        "Make room (docker system df tells what takes it), then launch again.",
    ),
    entry(
        "image_name_invalid",
        r"invalid reference format",
        "OPENCLAW_IMAGE in .env is no image's name.",
        "Correct it, then launch again. The line sets the image that new deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    entry(
        "image_missing",
        r"manifest unknown|no such image|name unknown|pull access denied|toomanyrequests"
        r"|unauthorized: |failed to resolve reference|https?://\S+/v2/",
        "Its image is not on this host and no registry gave it.",
        "Check the image's name in .env (OPENCLAW_IMAGE), or build it here with `make image`."
        " The line sets the image that new deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    entry(
        "network_overlap",
        r"pool overlaps with other one",
        "Its network's addresses are in use by another network.",
        "Remove the other network (docker network ls), or change `subnet` in docker-compose.yml.",
        ("{reconfigure} --set port={free_port}",),
    ),
    entry(
        "networks_exhausted",
        r"non-overlapping IPv4 address pool|address pools have been fully subnetted",
        "Docker has no addresses left for another network.",
        "Remove unused networks (docker network prune), then launch again.",
        (
            "{docker} network prune -f",
            LAUNCH,
        ),
    ),
    entry(
        "network_ambiguous",
        r"network \S+ is ambiguous",
        "There are two networks of its name.",
        "Stop it, remove both by id (docker network ls, docker network rm), then launch again.",
        (
            "{stop}",
            # The stop may have removed both.
            "{docker} network ls -q --filter name=^{id}_default$"
            " | xargs -r env {docker} network rm",
            LAUNCH,
        ),
    ),
    entry(
        "data_folder_missing",
        r"bind source path does not exist: (?P<what>[^\n]{1,300})",
        "The folder {what}, which docker-compose.yml mounts, is not there.",
        "Make it, and give it to the gateway's user, uid 1000; then launch again.",
        ("# mkdir -p {what} && chown 1000:1000 {what}", LAUNCH),
    ),
    entry(
        "variable_missing",
        r"required variable OPENCLAW_GATEWAY_TOKEN is missing a value",
        "docker-compose.yml needs OPENCLAW_GATEWAY_TOKEN, and .env does not have it.",
        "Add OPENCLAW_GATEWAY_TOKEN to .env, then launch again. The line makes one.",
        ("{rotate}", LAUNCH),
    ),
    entry(
        "variable_missing",
        r"required variable OPENCLAW_IMAGE is missing a value",
        "docker-compose.yml needs OPENCLAW_IMAGE, and .env does not have it.",
        "Add OPENCLAW_IMAGE to .env, then launch again. The line sets the image that new"
        " deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    entry(
        "variable_missing",
        r"required variable (?P<what>\w+) is missing a value",
        "docker-compose.yml needs {what}, and .env does not have it.",
        "Add {what} to .env, then launch again.",
    ),
    entry(
        "env_file_invalid",
        r"couldn't find env file|unterminated quoted value|failed to read \S*\.env",
        "Compose does not understand .env.",
        "Correct the file, then launch again.",
    ),
    entry(
        "bind_address_unknown",
        r"cannot assign requested address",
        "BIND_ADDRESS in .env is no address of this host.",
        "Set it to one that `ip address` shows, or leave it empty, then launch again.",
        ("{reconfigure} --remove bind_address",),
    ),
    entry(
        "mount_mismatch",
        r"Are you trying to mount a directory onto a file",
        "docker-compose.yml mounts a folder over a file, or a file over a folder.",
        "Correct its volumes, then launch again.",
    ),
    entry(
        "container_name_taken",
        r"the container name \"/?(?P<what>[\w.-]{1,128})\" is already in use",
        "Another container has the name {what}, which docker-compose.yml asks for.",
        "Remove or rename the other container, then launch again.",
        (
            "{docker} rename {what} {what}-before",
            LAUNCH,
        ),
    ),
    entry(
        "memory_limit_too_small",
        r"minimum memory limit allowed is",
        "MEMORY_LIMIT in .env is less than Docker Engine allows.",
        "Raise it (2g is enough as a rule), then launch again.",
        ("{reconfigure} --set memory_limit={memory}",),
    ),
    entry(
        "compose_file_invalid",
        r"yaml: |validating |additional propert|empty compose file|invalid hostport"
        r"|open \S*compose\S*: no such file|no configuration file|must be a |invalid template"
        r"|neither an image nor a build context",
        "Compose does not understand docker-compose.yml.",
        "Correct the file, then launch again.",
    ),
    entry(
        "command_missing",
        r"OCI runtime create failed|exec: .* no such file or directory",
        "The image has not the program that it is to run.",
        "Check the image's name in .env (OPENCLAW_IMAGE).",
    ),
)
