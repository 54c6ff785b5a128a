"""What is stranded: containers and networks that no deployment's folder answers for any more.

Several servers with folders of their own may share one engine, and others' Compose
projects are on it too. So what has a folder elsewhere is never named, and what only looks
like a gateway of ours is called `perhaps` ours.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any

from app.core.deployment import Deployment, is_id
from app.core.settings.compose_file import SERVICE
from app.core.settings.ports import NETWORK_PREFIX
from app.core.snapshot import Container, Network

# What Compose is about to use stands by itself for no longer.
SETTLED = timedelta(seconds=60)
_NEVER_STARTED = ("created", "dead")


class OrphanKind(StrEnum):
    FOLDER_GONE = "folder_gone"
    OTHER_NAME = "other_name"
    NEVER_STARTED = "never_started"
    GATEWAY_GONE = "gateway_gone"
    NETWORK_LEFT = "network_left"


LABELS: Mapping[OrphanKind, str] = {
    OrphanKind.FOLDER_GONE: "Without its folder",
    OrphanKind.OTHER_NAME: "Under another name",
    OrphanKind.NEVER_STARTED: "Never started",
    OrphanKind.GATEWAY_GONE: "Half removed",
    OrphanKind.NETWORK_LEFT: "A network without containers",
}


@dataclass(frozen=True, slots=True)
class Orphan:
    """One Compose project that is stranded, and why in words.

    `perhaps`: it may be somebody else's. `deployment` is the one that is listed here
    all the same, where its folder is there.
    """

    project: str
    kind: OrphanKind
    why: str
    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    perhaps: bool = False
    deployment: Deployment | None = None

    @property
    def label(self) -> str:
        return LABELS[self.kind]

    @property
    def parts(self) -> str:
        """What a removal takes away, by its names."""
        named = [f"container {each.name}" for each in self.containers]
        return ", ".join(named + [f"network {each.name}" for each in self.networks])


@dataclass(frozen=True, slots=True)
class KnownFolders:
    """What this server knows of folders: its own deployments, by id, and those of its archive.

    `roots` are the paths of its deployments folder; `there` are the working folders of
    containers that are there, wherever they are.
    """

    roots: tuple[str, ...]
    pool: IPv4Network
    image: str = ""
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    archived: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()

    def holds(self, path: str) -> bool:
        return is_within(path, self.roots)


def is_within(path: str, roots: Iterable[str]) -> bool:
    """Return whether a path names something in one of the folders."""
    return any(path.startswith(f"{root}/") for root in roots)


def find_orphans(
    containers: Mapping[str, tuple[Container, ...]],
    networks: Iterable[Network],
    ground: KnownFolders,
    now: datetime,
) -> list[Orphan]:
    """Return what is stranded, what is certainly ours first."""
    by_project: dict[str, tuple[Network, ...]] = defaultdict(tuple)
    for network in networks:
        by_project[network.project] += (network,)
    projects = containers.keys() | by_project.keys()
    judged = (
        _judged(each, containers.get(each, ()), by_project[each], ground, now) for each in projects
    )
    return sorted(filter(None, judged), key=lambda each: (each.perhaps, each.project))


def _judged(
    project: str,
    containers: tuple[Container, ...],
    networks: tuple[Network, ...],
    ground: KnownFolders,
    now: datetime,
) -> Orphan | None:
    if deployment := ground.deployments.get(project):
        found = _left_over(deployment, containers, networks, now)
    elif containers:
        found = _without_folder(project, containers, ground)
    else:
        found = _lone_network(project, networks, ground, now)
    if found is None:
        return None
    kind, why, more = found
    return Orphan(project, kind, why, containers, networks, **more)


# A kind, why in words, and what else is to be said of it.
_Found = tuple[OrphanKind, str, dict[str, Any]] | None


def _without_folder(
    project: str, containers: tuple[Container, ...], ground: KnownFolders
) -> _Found:
    places = sorted({each.working_dir for each in containers if each.working_dir})
    if any(place in ground.there and not ground.holds(place) for place in places):
        return None  # Another folder has that deployment.
    ours = [place for place in places if ground.holds(place)]
    if ours and ours[0] in ground.there:
        why = f"It was started in {ours[0]}, under a name that is no deployment's here."
        return OrphanKind.OTHER_NAME, why, {"perhaps": True}
    if ours:
        where = "is in the archive" if project in ground.archived else "is not there any more"
        return OrphanKind.FOLDER_GONE, f"Its folder {ours[0]} {where}.", {}
    if is_id(project) and any(_looks_like_ours(each, ground) for each in containers):
        folder = f"{places[0]} is not on this machine" if places else "is not known"
        why = f"It looks like a gateway of Deploy Agent's. Its folder {folder}."
        return OrphanKind.FOLDER_GONE, why, {"perhaps": True}
    return None


def _looks_like_ours(container: Container, ground: KnownFolders) -> bool:
    named = (container.service, container.name) == (SERVICE, f"{container.project}-{SERVICE}-1")
    image = container.image == ground.image or "openclaw/openclaw" in container.image
    return bool(container.made_for) or named or image


def _left_over(
    deployment: Deployment,
    containers: tuple[Container, ...],
    networks: tuple[Network, ...],
    now: datetime,
) -> _Found:
    """Judge what is left of a deployment whose folder is here; its status tells of it too."""
    more = {"deployment": deployment}
    lasting = [each for each in containers if not each.one_off]
    if deployment.running_operation or _is_fresh([*containers, *networks], now):
        return None
    if lasting and all(each.state in _NEVER_STARTED for each in lasting):
        error = next((each.details.error for each in lasting if each.details), "")
        return (
            OrphanKind.NEVER_STARTED,
            f"It was created and never started{f': {error}' if error else ''}.",
            more,
        )
    if lasting and _lacks_its_gateway(deployment, lasting):
        return (
            OrphanKind.GATEWAY_GONE,
            "The gateway's own container is gone, its helpers are not.",
            more,
        )
    if networks and not containers:
        return OrphanKind.NETWORK_LEFT, "Its containers are gone, their network is not.", more
    return None


def _lacks_its_gateway(deployment: Deployment, containers: list[Container]) -> bool:
    """Return whether only helpers are left, as far as the last proven launch tells."""
    operation = deployment.launch_or_stop
    proven = operation.verified if operation else None
    if proven is None or any(each.id == proven.container_id for each in containers):
        return False
    port = deployment.port
    return not any(
        each.service == SERVICE or any(one.port == port for one in each.ports)
        for each in containers
    )


def _lone_network(
    project: str, networks: tuple[Network, ...], ground: KnownFolders, now: datetime
) -> _Found:
    if project in ground.archived:
        return OrphanKind.NETWORK_LEFT, "Its deployment is in the archive.", {}
    small = any(_is_of_pool(each, ground.pool) for each in networks)
    if is_id(project) and small and not _is_fresh(networks, now):
        why = "It looks like the network of a gateway of which nothing else is left."
        return OrphanKind.NETWORK_LEFT, why, {"perhaps": True}
    return None


def _is_of_pool(network: Network, pool: IPv4Network) -> bool:
    subnet = network.subnet
    return bool(subnet and subnet.prefixlen == NETWORK_PREFIX and subnet.subnet_of(pool))


def _is_fresh(things: Iterable[Container | Network], now: datetime) -> bool:
    """Return whether somebody may be about to use it."""
    return any(now - each.created_at < SETTLED for each in things)
