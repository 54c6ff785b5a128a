"""Facts of the engine itself, of an image, and of how containers are limited and restarted."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from docker.errors import NotFound

from app.core.doctor.images import ImageFacts
from app.core.status.usage import memory_in
from app.engine.client import EngineClient
from app.engine.container_answers import parse_time


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Some of `docker info`. `ahead`: seconds that the engine's clock is ahead of this host's."""

    version: str
    api_version: str
    system: str
    data_root: str
    live_restore: bool
    limits_memory: bool
    limits_processes: bool
    warnings: tuple[str, ...]
    ahead: float | None


class EngineAbout:
    """Every call raises EngineError."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client

    def info(self) -> EngineInfo:
        with self._client.calls() as client:
            before = time.time()
            said = client.info()
            now = (before + time.time()) / 2
            api_version = client.api_version
        at = parse_time(str(said.get("SystemTime", "")))
        return EngineInfo(
            version=str(said.get("ServerVersion", "")),
            api_version=str(api_version),
            system=str(said.get("OperatingSystem", "")),
            data_root=str(said.get("DockerRootDir", "")),
            live_restore=bool(said.get("LiveRestoreEnabled")),
            limits_memory=bool(said.get("MemoryLimit")),
            limits_processes=bool(said.get("PidsLimit")),
            warnings=tuple(map(str, said.get("Warnings") or ())),
            ahead=at.timestamp() - now if at else None,
        )

    def version(self) -> dict[str, Any]:
        """Return the versions of the engine, of its API and of its host's system."""
        with self._client.calls() as client:
            said = client.version(api_version=False)
        names = ("Version", "ApiVersion", "Os", "Arch", "KernelVersion")
        return {name: said.get(name) for name in names}

    def image(self, reference: str) -> ImageFacts:
        """Return an image by its name; the id is empty if this host does not have the image."""
        try:
            with self._client.calls() as client:
                said = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotFound:
            return ImageFacts(reference)
        digests = said.get("RepoDigests") or [""]
        labels = said["Config"].get("Labels") or {}
        return ImageFacts(
            reference,
            id=str(said["Id"]),
            digest=str(digests[0]).partition("@")[2],
            made_at=parse_time(str(said.get("Created", ""))),
            built_here="io.deploy-agent.built-here" in labels,
        )

    def memory_of(self, container_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Return the memory in use and the limit of each running container, in bytes."""
        found = {}
        for each in container_ids:
            with suppress(NotFound), self._client.calls() as client:
                sample = client.stats(each, stream=False, one_shot=True)
                if memory := memory_in(sample):
                    found[each] = memory
        return found

    def restart_policies(self, container_ids: Iterable[str]) -> dict[str, str]:
        """Return the restart policies of containers, without containers that are gone."""
        found = {}
        for each in container_ids:
            with suppress(NotFound), self._client.calls() as client:
                inspected = client.inspect_container(each)
                policy = inspected["HostConfig"].get("RestartPolicy") or {}
                found[each] = str(policy.get("Name") or "no")
        return found
