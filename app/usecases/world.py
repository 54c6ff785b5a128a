"""The collaborators of every use case, made once per process."""

from dataclasses import dataclass, field

from app.config import Settings
from app.core.status import LastSeen
from app.engine.client import EngineClient, engine_address
from app.engine.containers import Containers
from app.engine.probes import Probes
from app.engine.provider import Provider
from app.store.deployments import Store
from app.store.secret_key import secret_key


@dataclass(frozen=True, slots=True)
class World:
    settings: Settings
    store: Store
    containers: Containers
    address: str
    provider: Provider
    probes: Probes = field(default_factory=Probes)
    last_seen: dict[str, LastSeen] = field(default_factory=dict)
    # The run of each deployment after which the provider was asked unbidden.
    asked: dict[str, str] = field(default_factory=dict)


def build_world(settings: Settings) -> World:
    """Raises RemoteEngine."""
    address = engine_address()
    client = EngineClient(address, settings.engine_timeout)
    store = Store(settings.deployments_dir)
    return World(settings, store, Containers(client, store.has), address, Provider(client))


def signing_key(world: World) -> bytes:
    """Return the key for cookies and form tokens. Raises StorageFailed."""
    return secret_key(world.settings.deployments_dir)
