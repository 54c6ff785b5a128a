"""The collaborators of every use case, made once per process."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from cachetools import TTLCache

from app.config import Settings
from app.core.ladder import Rung
from app.core.status import LastSeen
from app.engine.client import EngineClient, engine_address
from app.engine.containers import Containers
from app.store.deployments import Store
from app.store.secret_key import secret_key

_PROBE_KEPT = 10.0
_PROBES_AT_ONCE = 8


class Probes:
    """Climbs of the ladder that run beside the pages, bounded and kept for a while."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(_PROBES_AT_ONCE, thread_name_prefix="probe")
        self.futures: TTLCache[object, Future[list[Rung]]] = TTLCache(1024, _PROBE_KEPT)
        self.last: TTLCache[object, list[Rung]] = TTLCache(1024, 60)
        self.lock = Lock()


@dataclass(frozen=True, slots=True)
class World:
    settings: Settings
    store: Store
    containers: Containers
    address: str
    probes: Probes = field(default_factory=Probes)
    last_seen: dict[str, LastSeen] = field(default_factory=dict)


def build_world(settings: Settings) -> World:
    """Raises RemoteEngine."""
    address = engine_address()
    client = EngineClient(address, settings.engine_timeout)
    store = Store(settings.deployments_dir)
    return World(settings, store, Containers(client), address)


def signing_key(world: World) -> bytes:
    """Return the key for cookies and form tokens. Raises StorageFailed."""
    return secret_key(world.settings.deployments_dir)
