"""Messages of Docker Engine and Compose about failures."""

from app.core.diagnosis.catalogue.entry import LAUNCH, CatalogueEntry

ENGINE = (
    CatalogueEntry(
        "compose_missing",
        r"run 'docker --help'|usage:\s+docker \[OPTIONS\]|unknown command: docker compose"
        r"|'compose' is not a docker command",
        "Docker Compose is not installed on this host.",
        "Install it (in this project's folder: make setup), then try again.",
        ("{make_setup}", LAUNCH),
    ),
    CatalogueEntry(
        "compose_too_old",
        r"unknown (?:shorthand )?flag: '?(?P<what>[\w-]{1,40})",
        "Docker Compose is too old: it does not know {what}.",
        "Install a newer version (`docker compose version` shows the current one), then try again.",
    ),
    CatalogueEntry(
        "engine_unreachable",
        r"cannot connect to the docker daemon|unexpected EOF|error during connect",
        "Docker Engine does not answer any more.",
        "Start it (as root: systemctl start docker), then launch again.",
        ("{start_engine}", LAUNCH),
    ),
    CatalogueEntry(
        "engine_denied",
        r"permission denied while trying to connect",
        "This user may not use Docker Engine.",
        "Join the docker group (as root: usermod -aG docker USER), then log in again.",
    ),
    CatalogueEntry(
        "port_taken",
        r"port is already allocated|address already in use",
        "The deployment's port is taken.",
        "Free the port, or give the deployment another one.",
        ("{reconfigure} --set port={free_port}",),
    ),
    CatalogueEntry(
        "disk_full",
        r"no space left on device",
        "Docker Engine's disk is full.",
        "Free some space (docker system df shows what uses it), then launch again.",
    ),
    CatalogueEntry(
        "image_name_invalid",
        r"invalid reference format",
        "OPENCLAW_IMAGE in .env is not a valid image name.",
        "Correct it, then launch again. This command sets the image that new deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    CatalogueEntry(
        "image_missing",
        r"manifest unknown|no such image|name unknown|pull access denied|toomanyrequests"
        r"|unauthorized: |failed to resolve reference|https?://\S+/v2/",
        "The image is not on this host, and no registry provides it.",
        "Check the image's name in .env (OPENCLAW_IMAGE), or build it here with `make image`."
        " This command sets the image that new deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    CatalogueEntry(
        "network_overlap",
        r"pool overlaps with other one",
        "Another network already uses the addresses of the deployment's network.",
        "Remove the other network (docker network ls), or change `subnet` in docker-compose.yml.",
        ("{reconfigure} --set port={free_port}",),
    ),
    CatalogueEntry(
        "networks_exhausted",
        r"non-overlapping IPv4 address pool|address pools have been fully subnetted",
        "Docker has no addresses left for another network.",
        "Remove unused networks (docker network prune), then launch again.",
        ("{docker} network prune -f", LAUNCH),
    ),
    CatalogueEntry(
        "network_ambiguous",
        r"network \S+ is ambiguous",
        "Docker has two networks with the deployment's name.",
        "Stop the deployment, remove both networks by id (docker network ls, docker network rm),"
        " then launch again.",
        (
            "{stop}",
            # The stop may have removed both networks.
            "{docker} network ls -q --filter name=^{id}_default$"
            " | xargs -r env {docker} network rm",
            LAUNCH,
        ),
    ),
    CatalogueEntry(
        "data_folder_missing",
        r"bind source path does not exist: (?P<what>[^\n]{1,300})",
        "docker-compose.yml mounts the folder {what}, which does not exist.",
        "Create the folder and make uid 1000, the gateway's user, its owner; then launch again.",
        ("# mkdir -p {what} && chown 1000:1000 {what}", LAUNCH),
    ),
    CatalogueEntry(
        "variable_missing",
        r"required variable OPENCLAW_GATEWAY_TOKEN is missing a value",
        "docker-compose.yml needs OPENCLAW_GATEWAY_TOKEN, which .env does not have.",
        "Add OPENCLAW_GATEWAY_TOKEN to .env, then launch again. This command makes a token.",
        ("{rotate}", LAUNCH),
    ),
    CatalogueEntry(
        "variable_missing",
        r"required variable OPENCLAW_IMAGE is missing a value",
        "docker-compose.yml needs OPENCLAW_IMAGE, which .env does not have.",
        "Add OPENCLAW_IMAGE to .env, then launch again. This command sets the image that new"
        " deployments get.",
        ("{reconfigure} --set image={image}",),
    ),
    CatalogueEntry(
        "variable_missing",
        r"required variable (?P<what>\w+) is missing a value",
        "docker-compose.yml needs {what}, which .env does not have.",
        "Add {what} to .env, then launch again.",
    ),
    CatalogueEntry(
        "env_file_invalid",
        r"couldn't find env file|unterminated quoted value|failed to read \S*\.env",
        "Docker Compose can't read .env: its syntax is wrong.",
        "Correct the file, then launch again.",
    ),
    CatalogueEntry(
        "bind_address_unknown",
        r"cannot assign requested address",
        "BIND_ADDRESS in .env is not an address of this host.",
        "Set it to an address that `ip address` shows, or leave it empty, then launch again.",
        ("{reconfigure} --remove bind_address",),
    ),
    CatalogueEntry(
        "mount_mismatch",
        r"Are you trying to mount a directory onto a file",
        "docker-compose.yml mounts a folder over a file, or a file over a folder.",
        "Correct its volumes, then launch again.",
    ),
    CatalogueEntry(
        "container_name_taken",
        r"the container name \"/?(?P<what>[\w.-]{1,128})\" is already in use",
        "Another container already has the name {what} from docker-compose.yml.",
        "Remove or rename the other container, then launch again.",
        ("{docker} rename {what} {what}-before", LAUNCH),
    ),
    CatalogueEntry(
        "memory_limit_too_small",
        r"minimum memory limit allowed is",
        "MEMORY_LIMIT in .env is less than Docker Engine allows.",
        "Raise it (2g is usually enough), then launch again.",
        ("{reconfigure} --set memory_limit={memory}",),
    ),
    CatalogueEntry(
        "compose_file_invalid",
        r"yaml: |validating |additional propert|empty compose file|invalid hostport"
        r"|open \S*compose\S*: no such file|no configuration file|must be a |invalid template"
        r"|neither an image nor a build context",
        "Docker Compose rejects docker-compose.yml.",
        "Correct the file, then launch again.",
    ),
    CatalogueEntry(
        "command_missing",
        r"OCI runtime create failed|exec: .* no such file or directory",
        "The image does not contain the command it is told to run.",
        "Check the image's name in .env (OPENCLAW_IMAGE).",
    ),
)
