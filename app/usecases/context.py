"""The application context that every use case works with, built once per process."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from app.config import Settings
from app.core.access.device import DeviceIdentity
from app.core.single_flight import DaemonThreads, SingleFlight
from app.core.status.status import LastStatus
from app.engine.about import EngineAbout
from app.engine.client import EngineClient, engine_address
from app.engine.containers import Containers
from app.engine.events import EngineEvents
from app.engine.gateway.provider import Provider
from app.engine.gateway.readiness import ReadinessChecker
from app.engine.images import Images
from app.engine.inspector import Inspector
from app.engine.logs.followers import LogFollowers
from app.engine.logs.last_lines import LastLines
from app.engine.logs.source import LogSource
from app.engine.networks import Networks
from app.engine.pairing.pairings import Pairings
from app.engine.snapshots import Snapshots
from app.engine.usage_sampler import UsageSampler
from app.store.deployments import DeploymentStore
from app.store.keys import device_seed, secret_key
from app.store.people import PeopleStore
from app.usecases.lifecycle.archive_sizes import Sizes
from app.usecases.people.login_throttle import LoginThrottle
from app.usecases.server.live_updates import LiveUpdates
from app.usecases.status.checkable import checkable_gateways


@dataclass(frozen=True, slots=True)
class AppContext:
    settings: Settings
    store: DeploymentStore
    snapshots: Snapshots
    containers: Containers
    images: Images
    networks: Networks
    address: str
    provider: Provider
    people: PeopleStore
    pairings: Pairings
    readiness: ReadinessChecker
    sampler: UsageSampler
    events: EngineEvents
    live_updates: LiveUpdates
    last_lines: LastLines
    sizes: Sizes
    log_source: LogSource
    log_followers: LogFollowers
    about: EngineAbout
    # Slow calls, each in its own thread, so that a call that hangs delays no other.
    background: SingleFlight[Any] = field(
        default_factory=lambda: SingleFlight(DaemonThreads("background"))
    )
    login_throttle: LoginThrottle = field(default_factory=LoginThrottle)
    last_statuses: dict[str, LastStatus] = field(default_factory=dict)
    # By deployment id: the run for which the last automatic provider check was started.
    provider_checked: dict[str, str] = field(default_factory=dict)


def build_context(settings: Settings) -> AppContext:
    """Return the collaborators of every use case. Raises RemoteEngine."""
    address = engine_address()
    client = EngineClient(address, settings.engine_timeout)
    store = DeploymentStore(settings.deployments_dir)
    inspector = Inspector(client)
    snapshots = Snapshots(client, inspector, store.has, store.holds)
    containers = Containers(client, inspector)

    def identity() -> DeviceIdentity:
        return DeviceIdentity(device_seed(settings.deployments_dir))

    def poll() -> object:
        snapshots.learn_starts()
        return store.scan(), snapshots.take().content

    live_updates = LiveUpdates(poll)

    def changed() -> None:
        snapshots.outdate()
        live_updates.publish()

    log_source = LogSource(client)
    log_followers = LogFollowers(log_source)
    events = EngineEvents(client, inspector.inspections, changed, store.holds)
    events.listen(log_followers.on_event)
    return AppContext(
        settings=settings,
        store=store,
        snapshots=snapshots,
        containers=containers,
        images=Images(client),
        networks=Networks(client),
        address=address,
        provider=Provider(client),
        people=PeopleStore(settings.deployments_dir),
        pairings=Pairings(identity, containers, client, live_updates.publish),
        readiness=ReadinessChecker(
            partial(checkable_gateways, store, snapshots),
            live_updates.publish,
            timedelta(seconds=settings.launch_timeout),
        ),
        sampler=UsageSampler(client, live_updates.publish),
        events=events,
        live_updates=live_updates,
        last_lines=LastLines(client),
        sizes=Sizes(live_updates.publish),
        log_source=log_source,
        log_followers=log_followers,
        about=EngineAbout(client),
    )


def signing_key(context: AppContext) -> bytes:
    """Return the key for cookies and form tokens. Raises StorageFailed."""
    return secret_key(context.settings.deployments_dir)
