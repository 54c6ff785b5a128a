"""Timing of calls, and load by `wrk`."""

import math
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Durations of repeated calls, in milliseconds."""

    all: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.all)

    def percentile(self, percent: float) -> float:
        return sorted(self.all)[math.ceil(len(self.all) * percent / 100) - 1]


def timed(
    call: Callable[[], object], times: int, before: Callable[[], object] | None = None
) -> Figures:
    """Time a call several times; `before` runs untimed before each call."""
    taken = []
    for _ in range(times):
        if before:
            before()
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return Figures(tuple(taken))


def run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a command without showing its output. Raises CalledProcessError."""
    subprocess.run(command, env=environment, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Load:
    """Results of `wrk` for concurrent clients; times in milliseconds."""

    per_second: float
    p50: float
    p99: float


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def load(url: str, clients: int, seconds: int = 5, header: str = "Accept: */*") -> Load:
    """Send requests from concurrent clients. Raises CalledProcessError."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-H", header, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", said):
        raise RuntimeError(f"{url} was refused {refused[1]} times")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    found = dict(re.findall(r"(50|99)%\s+([\d.]+[a-z]+)", said))
    assert rate, said
    return Load(float(rate[1]), *(_milliseconds(found[each]) for each in ("50", "99")))


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
