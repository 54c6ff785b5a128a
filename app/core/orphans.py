"""Orphans: containers and networks on the engine without a deployment's folder.

Several servers with their own folders may share one engine, which may also run other people's
Compose projects. So a project whose folder is elsewhere is never reported, and a project that only
looks like a gateway of ours is marked `perhaps`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network
from typing import NamedTuple

from app.core.deployment import Deployment, is_id
from app.core.settings.compose_file import SERVICE
from app.core.settings.ports import NETWORK_PREFIX
from app.core.snapshot import Container, Network

# Younger containers and networks may belong to a launch that is still in progress.
SETTLED = timedelta(seconds=60)
_NEVER_STARTED = ("created", "dead")


class OrphanKind(StrEnum):
    FOLDER_GONE = "folder_gone"
    OTHER_NAME = "other_name"
    NEVER_STARTED = "never_started"
    GATEWAY_GONE = "gateway_gone"
    NETWORK_LEFT = "network_left"


KIND_LABELS: Mapping[OrphanKind, str] = {
    OrphanKind.FOLDER_GONE: "Without its folder",
    OrphanKind.OTHER_NAME: "Under another name",
    OrphanKind.NEVER_STARTED: "Never started",
    OrphanKind.GATEWAY_GONE: "Partly removed",
    OrphanKind.NETWORK_LEFT: "A network without containers",
}


@dataclass(frozen=True, slots=True)
class Orphan:
    """An orphaned Compose project; `why` gives the reason in words.

    `perhaps` means that the project may be somebody else's. `deployment` is set if the project's
    folder is here and only parts of the project are orphaned.
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
        return KIND_LABELS[self.kind]

    @property
    def parts(self) -> str:
        """The names of the containers and networks that a removal deletes."""
        named = [f"container {each.name}" for each in self.containers]
        return ", ".join(named + [f"network {each.name}" for each in self.networks])


@dataclass(frozen=True, slots=True)
class KnownFolders:
    """The folders that this server knows: deployments by id, and the ids of archived deployments.

    `roots` are the paths of the deployments folder. `existing` are the containers' working folders
    that exist, wherever they are.
    """

    roots: tuple[str, ...]
    pool: IPv4Network
    image: str = ""
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    archived: frozenset[str] = frozenset()
    existing: frozenset[str] = frozenset()

    def holds(self, path: str) -> bool:
        return is_within(path, self.roots)


def is_within(path: str, roots: Iterable[str]) -> bool:
    """Return whether a path is inside one of the folders."""
    return any(path.startswith(f"{root}/") for root in roots)


def find_orphans(
    containers: Mapping[str, tuple[Container, ...]],
    networks: Iterable[Network],
    folders: KnownFolders,
    now: datetime,
) -> list[Orphan]:
    """Return the orphans. Projects that are certainly ours come first."""
    by_project: dict[str, tuple[Network, ...]] = defaultdict(tuple)
    for network in networks:
        by_project[network.project] += (network,)
    projects = containers.keys() | by_project.keys()
    found = (
        _orphan(each, containers.get(each, ()), by_project[each], folders, now) for each in projects
    )
    return sorted(filter(None, found), key=lambda each: (each.perhaps, each.project))


def _orphan(
    project: str,
    containers: tuple[Container, ...],
    networks: tuple[Network, ...],
    folders: KnownFolders,
    now: datetime,
) -> Orphan | None:
    deployment = folders.deployments.get(project)
    if deployment:
        found = _orphaned_part(deployment, containers, networks, now)
    elif containers:
        found = _without_folder(project, containers, folders)
    else:
        found = _lone_network(project, networks, folders, now)
    if found is None:
        return None
    return Orphan(project, found.kind, found.why, containers, networks, found.perhaps, deployment)


class _Reason(NamedTuple):
    kind: OrphanKind
    why: str
    perhaps: bool = False


def _without_folder(
    project: str, containers: tuple[Container, ...], folders: KnownFolders
) -> _Reason | None:
    places = sorted({each.working_dir for each in containers if each.working_dir})
    if any(place in folders.existing and not folders.holds(place) for place in places):
        return None  # The project belongs to another folder.
    ours = [place for place in places if folders.holds(place)]
    if ours and ours[0] in folders.existing:
        why = f"The project was started in {ours[0]}, under a name that is not a deployment's id."
        return _Reason(OrphanKind.OTHER_NAME, why, perhaps=True)
    if ours:
        where = "is in the archive" if project in folders.archived else "no longer exists"
        return _Reason(OrphanKind.FOLDER_GONE, f"Its folder {ours[0]} {where}.")
    if is_id(project) and any(_looks_like_ours(each, folders) for each in containers):
        folder = f"{places[0]} is not on this machine" if places else "is not known"
        why = f"It looks like a gateway made by Deploy Agent. Its folder {folder}."
        return _Reason(OrphanKind.FOLDER_GONE, why, perhaps=True)
    return None


def _looks_like_ours(container: Container, folders: KnownFolders) -> bool:
    named = (container.service, container.name) == (SERVICE, f"{container.project}-{SERVICE}-1")
    image = container.image == folders.image or "openclaw/openclaw" in container.image
    return bool(container.made_for) or named or image


def _orphaned_part(
    deployment: Deployment,
    containers: tuple[Container, ...],
    networks: tuple[Network, ...],
    now: datetime,
) -> _Reason | None:
    """Find orphaned parts of a deployment whose folder is here. Its status reports them too."""
    if deployment.running_operation or _is_fresh([*containers, *networks], now):
        return None
    lasting = [each for each in containers if not each.one_off]
    if lasting and all(each.state in _NEVER_STARTED for each in lasting):
        error = next((each.details.error for each in lasting if each.details), "")
        why = f"It was created but never started{f': {error}' if error else ''}."
        return _Reason(OrphanKind.NEVER_STARTED, why)
    if lasting and _lacks_its_gateway(deployment, lasting):
        why = "The gateway's own container is gone, but its helper containers are still there."
        return _Reason(OrphanKind.GATEWAY_GONE, why)
    if networks and not containers:
        why = "Its containers are gone, but their network is still there."
        return _Reason(OrphanKind.NETWORK_LEFT, why)
    return None


def _lacks_its_gateway(deployment: Deployment, containers: list[Container]) -> bool:
    """Return whether only helper containers are left, according to the last verified launch."""
    operation = deployment.launch_or_stop
    verified = operation.verified if operation else None
    if verified is None or any(each.id == verified.container_id for each in containers):
        return False
    port = deployment.port
    return not any(
        each.service == SERVICE or any(one.port == port for one in each.ports)
        for each in containers
    )


def _lone_network(
    project: str, networks: tuple[Network, ...], folders: KnownFolders, now: datetime
) -> _Reason | None:
    if project in folders.archived:
        return _Reason(OrphanKind.NETWORK_LEFT, "Its deployment is in the archive.")
    small = any(_is_of_pool(each, folders.pool) for each in networks)
    if is_id(project) and small and not _is_fresh(networks, now):
        why = "It looks like the network of a gateway that is gone."
        return _Reason(OrphanKind.NETWORK_LEFT, why, perhaps=True)
    return None


def _is_of_pool(network: Network, pool: IPv4Network) -> bool:
    subnet = network.subnet
    return bool(subnet and subnet.prefixlen == NETWORK_PREFIX and subnet.subnet_of(pool))


def _is_fresh(things: Iterable[Container | Network], now: datetime) -> bool:
    """Return whether any container or network may belong to a launch in progress."""
    return any(now - each.created_at < SETTLED for each in things)
