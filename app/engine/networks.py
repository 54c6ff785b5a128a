"""The engine's networks, asked for seldom: by who looks for what is stranded, and the doctor."""

from ipaddress import IPv4Network
from threading import Condition
from typing import Any

from cachetools import TTLCache, cachedmethod

from app.core.snapshot import Network
from app.engine.answers import Row, inside, moment, rows, rows_of, text
from app.engine.client import EngineClient
from app.engine.container_answers import PROJECT, parse_time

_KEPT_SECONDS = 4.0


class Networks:
    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._kept: TTLCache[Any, tuple[Network, ...]] = TTLCache(1, _KEPT_SECONDS)
        self._taking = Condition()

    def changed(self) -> None:
        """Let nobody use what the engine said before now."""
        with self._taking:
            self._kept.clear()

    @cachedmethod(lambda self: self._kept, condition=lambda self: self._taking)
    def all(self) -> tuple[Network, ...]:
        """Return those of all projects, as of a few seconds ago: asked once for all who look.

        Raises EngineError.
        """
        return self._list(PROJECT)

    def of(self, project: str) -> tuple[Network, ...]:
        """Return those of one project, as of now. Raises EngineError."""
        return self._list(f"{PROJECT}={project}")

    def subnets(self) -> list[IPv4Network]:
        """Return what all networks of the engine take, whoever's they are. Raises EngineError."""
        with self._client.calls() as client:
            found = map(_subnet_in, rows_of(client.networks()))
            return [each for each in found if each is not None]

    def _list(self, label: str) -> tuple[Network, ...]:
        with self._client.calls() as client:
            found = rows_of(client.networks(filters={"label": [label]}))
        return tuple(map(_network, found))


def _network(row: Row) -> Network:
    return Network(
        id=text(row, "Id"),
        name=text(row, "Name"),
        project=text(inside(row, "Labels"), PROJECT),
        # One without a time has been there for ever.
        created_at=parse_time(text(row, "Created")) or moment(0),
        subnet=_subnet_in(row),
    )


def _subnet_in(row: Row) -> IPv4Network | None:
    for each in rows(inside(row, "IPAM"), "Config"):
        try:
            return IPv4Network(text(each, "Subnet"))
        except ValueError:
            continue
    return None
