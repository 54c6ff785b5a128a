"""Capacity: how many more gateways fit on this host."""

from collections.abc import Sequence
from contextlib import suppress

from app.core.errors import EngineError
from app.core.snapshot import Container
from app.core.status.capacity import Capacity, HostResources, capacity_of
from app.engine.host.machine import disk_of
from app.engine.host.network import available_memory, inotify_instances, tasks_left, total_memory
from app.usecases.context import AppContext

# At most this many running gateways are measured before a launch, which must not wait.
_ASKED = 5
_ASK_SECONDS = 1.0


def known_capacity(context: AppContext) -> Capacity:
    """Return the capacity by known measurements, without an engine call."""
    used = [each.memory_bytes for each in context.sampler.latest]
    return capacity_for(used, len(_running(context)), context)


def warning_before_launch(*, context: AppContext) -> str:
    """Return why a gateway launched now may not fit; empty if it fits or if that is unknown.

    Count the gateways that other operations are launching, too.
    """
    under_way = (each.running_operation for each in context.store.scan())
    others = sum(1 for each in under_way if each and each.launches)
    try:
        running = _running(context)
        used = context.background.get(
            "room", lambda: _used_by(running[:_ASKED], context), timeout=_ASK_SECONDS
        )
        capacity = capacity_for(used, len(running), context)
    except (EngineError, OSError):  # TimeoutError is an OSError.
        return ""
    return capacity.warning(wanted=others + 1)


def capacity_for(
    used: Sequence[int], running: int, context: AppContext, ports: int | None = None
) -> Capacity:
    disk = None
    with suppress(OSError):
        disk = disk_of(context.store.root).free
    return capacity_of(
        HostResources(
            memory=total_memory(),
            available=available_memory(),
            disk=disk,
            tasks=tasks_left(),
            instances=inotify_instances(),
            ports=ports,
            running=running,
            used=used,
        )
    )


def _used_by(running: Sequence[Container], context: AppContext) -> list[int]:
    return [used for used, _ in context.about.memory_of([each.id for each in running]).values()]


def _running(context: AppContext) -> list[Container]:
    """Return the running gateways of the latest snapshot, the oldest container first."""
    found = [
        each
        for each in context.snapshots.take().all
        if each.state == "running" and context.store.has(each.project)
    ]
    return sorted(found, key=lambda each: each.created_at)
