"""Room: for how many more gateways this host has memory, disk and processes."""

from collections.abc import Sequence
from contextlib import suppress

from app.core.errors import EngineError
from app.core.snapshot import Container
from app.core.status.capacity import Host, Room, room_on
from app.engine.host.machine import disk_of
from app.engine.host.network import available_memory, inotify_instances, tasks_left, total_memory
from app.usecases.context import AppContext

# So many of those that run are asked before a launch, which is to begin at once.
_ASKED = 5
_ASK_SECONDS = 1.0


def seen_room(context: AppContext) -> Room:
    """Return what a page says, by what is known already: it costs the engine nothing."""
    used = [each.memory_bytes for each in context.sampler.latest]
    return room_by(used, len(_running(context)), context)


def warning_before_launch(*, context: AppContext) -> str:
    """Return why a gateway that is launched now may not fit; nothing where it does.

    Those that are being launched beside it count too. That nothing can be told is no warning.
    """
    under_way = (each.running_operation for each in context.store.scan())
    others = sum(1 for each in under_way if each and each.launches)
    try:
        running = _running(context)
        used = context.background.get(
            "room", lambda: _used_by(running[:_ASKED], context), timeout=_ASK_SECONDS
        )
        room = room_by(used, len(running), context)
    except (EngineError, OSError):  # TimeoutError is one.
        return ""
    return room.warning(wanted=others + 1)


def room_by(
    used: Sequence[int], running: int, context: AppContext, ports: int | None = None
) -> Room:
    disk = None
    with suppress(OSError):
        disk = disk_of(context.store.root).free
    return room_on(
        Host(
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
    """Return the gateways that run, as the engine said last, the longest up first."""
    found = [
        each
        for each in context.snapshots.take().all
        if each.state == "running" and context.store.has(each.project)
    ]
    return sorted(found, key=lambda each: each.created_at)
