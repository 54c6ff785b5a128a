"""Turn the engine's answers into containers and their details.

The answers are from `/containers/json`, `/containers/{id}/json` and `/events`.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.core.secrets import secret_values
from app.core.settings.compose_file import LABEL
from app.core.snapshot import Container, Details, PreviousExit, PublishedPort
from app.engine.answers import Row, inside, moment, number, pairs, rows, text, texts

PROJECT = "com.docker.compose.project"
WORKING_DIR = f"{PROJECT}.working_dir"
_KILLED = 137  # The exit code after SIGKILL, which the kernel sends when memory runs out.
_NUMBER = re.compile(r"-?\d{1,9}\Z", re.ASCII)


def last_exit_in(events: Iterable[Row]) -> PreviousExit | None:
    ended, out_of_memory = None, False
    for event in events:
        if text(event, "Action") == "die":
            exit_code = text(inside(inside(event, "Actor"), "Attributes"), "exitCode")
            if _NUMBER.match(exit_code):
                code = int(exit_code)
                ended = PreviousExit(code, out_of_memory and code == _KILLED)
        else:
            out_of_memory = text(event, "Action") == "oom"
    return ended


def container_in(row: Row) -> Container:
    labels = inside(row, "Labels")
    return Container(
        id=text(row, "Id"),
        name=next(iter(texts(row, "Names")), "?").removeprefix("/"),
        project=text(labels, PROJECT),
        service=text(labels, "com.docker.compose.service"),
        image=text(row, "Image"),
        state=text(row, "State"),
        status_text=text(row, "Status"),
        created_at=moment(number(row, "Created")),
        working_dir=text(labels, WORKING_DIR),
        ports=_published(rows(row, "Ports")),
        one_off=text(labels, "com.docker.compose.oneoff") == "True",
        image_id=text(row, "ImageID"),
        made_for=text(labels, LABEL),
    )


def _published(ports: Iterable[Row]) -> tuple[PublishedPort, ...]:
    found = ((text(each, "IP"), number(each, "PublicPort")) for each in ports)
    return tuple(PublishedPort(address, port) for address, port in found if port)


def details_in(inspected: Row) -> Details:
    state = inside(inspected, "State")
    checks = rows(inside(state, "Health"), "Log") or [{}]
    return Details(
        restart_count=number(inspected, "RestartCount"),
        started_at=parse_time(text(state, "StartedAt")),
        finished_at=parse_time(text(state, "FinishedAt")),
        started_at_text=text(state, "StartedAt"),
        exit_code=number(state, "ExitCode"),
        out_of_memory=bool(state.get("OOMKilled")),
        error=text(state, "Error"),
        restart_policy=text(inside(inside(inspected, "HostConfig"), "RestartPolicy"), "Name"),
        health_output=text(checks[-1], "Output")[:500],
        secrets=tuple(secret_values(environment_in(inspected))),
    )


def description_in(inspected: Row) -> dict[str, Any]:
    config, host = inside(inspected, "Config"), inside(inspected, "HostConfig")
    return {
        **{key: inspected.get(key) for key in ("Id", "Name", "Created", "Image", "RestartCount")},
        "State": inside(inspected, "State"),
        "Config": {
            **{key: config.get(key) for key in ("Image", "User", "StopSignal", "Healthcheck")},
            "EnvNames": sorted(environment_in(inspected)),
        },
        "HostConfig": {
            key: host.get(key)
            for key in ("Memory", "PidsLimit", "RestartPolicy", "PortBindings", "LogConfig")
        },
        "Mounts": [
            {key: mount.get(key) for key in ("Type", "Source", "Destination", "RW")}
            for mount in rows(inspected, "Mounts")
        ],
    }


def environment_in(inspected: Row) -> dict[str, str]:
    return pairs(texts(inside(inspected, "Config"), "Env"))


def parse_time(text: str) -> datetime | None:
    """Return the engine's time (RFC 3339 with nanoseconds); None for the year 1, “never”."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if read.year <= 1 else read.replace(tzinfo=read.tzinfo or UTC)
