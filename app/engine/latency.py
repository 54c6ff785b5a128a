"""Metrics of Docker Engine: the time until an answer, and the number of failed calls."""

from prometheus_client import Counter, Histogram
from requests import Response

_SECONDS = Histogram(
    "deploy_agent_engine_seconds",
    "Time until Docker Engine began to answer a call.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
_ERRORS = Counter(
    "deploy_agent_engine_errors",
    "Docker Engine calls that failed: no answer, or refused.",
    ["code"],
)


def answered(response: Response, *_: object, **__: object) -> None:
    """Record the time until the answer, or until the beginning of a stream."""
    _SECONDS.observe(response.elapsed.total_seconds())


def failed(code: str) -> None:
    _ERRORS.labels(code).inc()
