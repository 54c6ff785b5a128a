"""The text of a deployment's `docker-compose.yml`.

The file is self-contained and readable: `docker compose up -d` works without Deploy Agent,
and everything that a person may want to change is a variable in `.env`.
"""

import re
from ipaddress import IPv4Network

from app.core.settings.fields import FIELDS
from app.core.settings.ports import NETWORK_PREFIX

SERVICE = "openclaw"
GATEWAY_UID = 1000
# The label names the deployment for which a container was created, whoever started the container.
LABEL = "io.deploy-agent.deployment"

_TEMPLATE = """\
# One OpenClaw gateway, written by Deploy Agent. `docker compose up -d` in this
# folder does the same as Launch. The values come from .env beside this file.
services:
  openclaw:
    image: ${OPENCLAW_IMAGE:?set it in .env}
    init: true
    # A killed gateway's lock on its folder lasts five minutes, but not for a gateway
    # with the same host name. By default each container has another one.
    hostname: "%(id)s"
    # A stopped deployment has no container that could restart. Unlike unless-stopped,
    # this also works after the engine was killed.
    restart: always
    stop_grace_period: 30s
    environment:
      OPENCLAW_GATEWAY_PORT: ${PORT:?set it in .env}
      OPENCLAW_GATEWAY_TOKEN: ${OPENCLAW_GATEWAY_TOKEN:?set it in .env}
      OPENCLAW_DISABLE_BONJOUR: "1"
      # Passed on if .env has them.
%(environment)s
    ports:
      # The same port inside and outside, because the gateway's page names its own port.
      - "${BIND_ADDRESS:+${BIND_ADDRESS}:}${PORT:?}:${PORT:?}"
    volumes:
      - type: bind
        source: ./config
        target: /home/node/.openclaw
        bind:
          create_host_path: false
      - type: bind
        source: ./workspace
        target: /home/node/.openclaw/workspace
        bind:
          create_host_path: false
    mem_limit: ${MEMORY_LIMIT:-2g}
    pids_limit: 512
    cap_drop:
      - ALL
    security_opt:
      - no-new-privileges:true
    healthcheck:
      test:
        - CMD
        - node
        - -e
        - >-
          fetch(`http://127.0.0.1:$${process.env.OPENCLAW_GATEWAY_PORT}/healthz`,
          {signal: AbortSignal.timeout(8000)})
          .then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))
      interval: 30s
      timeout: 10s
      start_period: 120s
      retries: 3
    logging:
      driver: json-file
      options:
        max-size: 10m
        max-file: "3"
    labels:
      %(label)s: "%(id)s"

networks:
  # A small network of its own: gateways can't reach each other, and it takes none of
  # Docker's default pools, which have only 30 networks.
  default:
    ipam:
      config:
        - subnet: %(subnet)s
"""


def compose_file(deployment_id: str, subnet: IPv4Network | str) -> str:
    """Return the compose file of a deployment with its own network."""
    passed_on = [each.env for each in FIELDS if each.reaches_gateway]
    return _TEMPLATE % {
        "label": LABEL,
        "id": deployment_id,
        "subnet": subnet,
        "environment": "\n".join(f"      {env}:" for env in passed_on),
    }


def passes_on(text: str, variable: str) -> bool:
    """Return whether a compose file passes a variable of `.env` (or all) to the container."""
    return bool(re.search(rf"\b(?:{re.escape(variable)}|env_file)\b", text))


_SUBNET = re.compile(r"(?P<before>^\s*(?:- )?subnet:\s*[\"']?)(?P<subnet>[0-9./]+)", re.MULTILINE)


def with_subnet(text: str, subnet: IPv4Network, pool: IPv4Network) -> str:
    """Return a compose file with `subnet` in place of its network from the pool.

    Everything else stays as it is. A network from outside the pool was chosen by a person
    and is kept.
    """

    def replaced(match: re.Match[str]) -> str:
        try:
            found = IPv4Network(match["subnet"])
        except ValueError:
            return match[0]
        ours = found.prefixlen == NETWORK_PREFIX and found.subnet_of(pool)
        return f"{match['before']}{subnet}" if ours else match[0]

    return _SUBNET.sub(replaced, text)
