"""Facts about the host, the engine and the folders, each read once per examination."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import TypeVar, cast

from app.config import is_loopback
from app.core.deployment import Deployment
from app.core.doctor.host import GatewayMemory
from app.core.doctor.network import PortOwner
from app.core.doctor.reach import GatewayReach
from app.core.doctor.shell import Shell
from app.core.errors import EngineError, EngineSilent, engine_error
from app.core.snapshot import Container, Snapshot
from app.engine.about import EngineInfo
from app.engine.host import network
from app.usecases.context import AppContext
from app.usecases.doctor.shell import is_host_engine, shell_of

# The doctor's limit for engine calls, even if ENGINE_TIMEOUT allows more.
ENGINE_SECONDS = 1.5
# Seconds that facts stay cached: longer than an examination takes.
_KEPT_SECONDS = 60.0

T = TypeVar("T")


class Facts:
    """The facts of one examination. Engine facts raise EngineError after ENGINE_SECONDS."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.settings = context.settings
        self._begun = time.monotonic()

    @cached_property
    def shell(self) -> Shell:
        return shell_of(self.context)

    @property
    def is_host_engine(self) -> bool:
        return is_host_engine(self.context.address)

    @cached_property
    def deployments(self) -> list[Deployment]:
        return self.context.store.scan()

    @cached_property
    def listeners(self) -> list[network.Listener]:
        return network.listeners()

    @property
    def info(self) -> EngineInfo:
        return self.of_engine("info", self.context.about.info)

    @property
    def snapshot(self) -> Snapshot:
        snapshot = self.of_engine("snapshot", self.context.snapshots.take)
        if snapshot.problem:
            raise engine_error(snapshot.problem.code, snapshot.problem.reason)
        return snapshot

    @property
    def snapshot_or_none(self) -> Snapshot | None:
        with suppress(EngineError):
            return self.snapshot
        return None

    def of_engine(self, name: str, ask: Callable[[], T]) -> T:
        """Return the engine's response to one call; all checks share that call.

        Raises EngineError, also after a timeout.
        """
        left = self._begun + ENGINE_SECONDS - time.monotonic()
        try:
            return cast(
                T,
                self.context.background.get(
                    f"engine-{name}", ask, seconds=_KEPT_SECONDS, after=self._begun, timeout=left
                ),
            )
        except TimeoutError:
            raise EngineSilent(
                f"Docker Engine has not answered for {ENGINE_SECONDS:g} s."
            ) from None

    def running_gateways(self) -> list[tuple[Deployment, Container]]:
        """Return each deployment whose gateway runs, and the gateway. Raises EngineError."""
        snapshot = self.snapshot
        found = [(each, each.gateway_in(snapshot.of(each.id) or ())) for each in self.deployments]
        return [(each, one) for each, one in found if one and one.state == "running"]

    def gateway_memory(self) -> tuple[GatewayMemory, ...]:
        """Return the memory use of each running gateway. Raises EngineError."""
        running = self.running_gateways()
        memory = self.of_engine(
            "memory", lambda: self.context.about.memory_of([one.id for _, one in running])
        )
        return tuple(
            GatewayMemory(each.id, each.label_with_id, *memory[one.id])
            for each, one in running
            if one.id in memory
        )

    def port_owners(self) -> list[PortOwner]:
        """Return the port owners. If the engine does not answer, none counts as running."""
        snapshot = self.snapshot_or_none
        return [
            PortOwner(each.id, each.label_with_id, each.port, _has_port(each, snapshot))
            for each in self.deployments
            if each.port is not None
        ]

    def reached(self) -> list[GatewayReach]:
        snapshot = self.snapshot_or_none
        return [
            GatewayReach(
                each.id,
                each.label_with_id,
                each.token,
                here_only=_here_only(each, snapshot),
                runs=_has_port(each, snapshot),
            )
            for each in self.deployments
            if each.problem is None
        ]


def _published(deployment: Deployment, snapshot: Snapshot | None) -> list[str]:
    """Return the host addresses on which a deployment's containers publish its port."""
    containers: Iterable[Container] = (snapshot.of(deployment.id) or ()) if snapshot else ()
    return [
        published.address
        for each in containers
        for published in each.ports
        if published.port == deployment.port
    ]


def _has_port(deployment: Deployment, snapshot: Snapshot | None) -> bool:
    if _published(deployment, snapshot):
        return True
    # A gateway in the host's own network listens without publishing a port.
    gateway = deployment.gateway_in((snapshot.of(deployment.id) or ()) if snapshot else ())
    return gateway is not None and gateway.state == "running" and not gateway.ports


def _here_only(deployment: Deployment, snapshot: Snapshot | None) -> bool:
    if addresses := _published(deployment, snapshot):
        return all(map(is_loopback, addresses))
    return is_loopback(deployment.env.get("BIND_ADDRESS", ""))
