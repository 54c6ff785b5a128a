"""A container's use of processor and memory, from two samples of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Errors from an answer that lacks a value, or has a value of another type.
_ODD = (KeyError, TypeError, AttributeError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu_percent` of one processor, as `docker stats` counts; `memory_limit` in bytes."""

    cpu_percent: int
    memory_bytes: int
    memory_limit: int


def usage_between(before: Mapping[str, Any], now: Mapping[str, Any]) -> Usage | None:
    """Return the usage between two answers of `/containers/{id}/stats`.

    None if the answers show no usage, for example after the container has ended. As in `docker
    stats`, processor time is relative to the host's processor time, and page cache that the kernel
    may drop does not count as memory.
    """
    try:
        used = _cpu(now) - _cpu(before)
        passed = now["cpu_stats"]["system_cpu_usage"] - before["cpu_stats"]["system_cpu_usage"]
        processors = now["cpu_stats"].get("online_cpus") or 1
        memory = memory_in(now)
        if memory is None or used < 0 or passed <= 0:
            return None
        return Usage(round(100 * used * processors / passed), *memory)
    except _ODD:
        return None


def memory_in(sample: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the used and the allowed memory of one answer, in bytes; None if either is missing."""
    try:
        memory = sample["memory_stats"]
        usage, limit = int(memory["usage"]), int(memory["limit"])
        details = memory.get("stats") or {}
        cache = details.get("inactive_file", details.get("total_inactive_file", 0))
        # Rounded, so that pages change seldom.
        return round(max(0, usage - cache) / 2**20) * 2**20, limit
    except _ODD:
        return None


def _cpu(stats: Mapping[str, Any]) -> int:
    total: int = stats["cpu_stats"]["cpu_usage"]["total_usage"]
    return total
