"""The engine's networks, needed only for orphans and the doctor."""

from ipaddress import IPv4Network
from time import monotonic

from app.core.single_flight import SingleFlight
from app.core.snapshot import Network
from app.engine.answers import Row, inside, moment, rows, rows_of, text
from app.engine.client import EngineClient
from app.engine.container_answers import PROJECT, parse_time

_KEPT_SECONDS = 4.0


class Networks:
    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._lists: SingleFlight[tuple[Network, ...]] = SingleFlight()
        self._changed = monotonic()

    def changed(self) -> None:
        """Use no earlier answer: something changed."""
        self._changed = monotonic()

    def all(self) -> tuple[Network, ...]:
        """Return the networks of all projects, a few seconds old. Raises EngineError."""
        return self._lists.get(
            "", lambda: self._list(PROJECT), seconds=_KEPT_SECONDS, after=self._changed
        )

    def of(self, project: str) -> tuple[Network, ...]:
        """Return the current networks of one project. Raises EngineError."""
        return self._list(f"{PROJECT}={project}")

    def subnets(self) -> list[IPv4Network]:
        """Return the subnets of all networks of the engine. Raises EngineError."""
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
        # A network without a creation time counts as old.
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
