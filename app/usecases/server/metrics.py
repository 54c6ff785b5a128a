"""Metrics for Prometheus: current gauges of all deployments, counters since the server's start.

No label holds an id, a name or an address, so that the number of series stays small. The durations
of requests and engine calls are measured elsewhere, by the code that makes them.
"""

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Lock

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, Info
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.core.errors import NotFound
from app.core.history.incidents import ContainerEvent
from app.core.operations.operation import Operation, OperationState
from app.core.status.status import Status
from app.store.operations import list_operations
from app.usecases.context import AppContext
from app.usecases.status.overview import list_deployments
from app.usecases.webhook.webhook import show_webhook
from app.version import VERSION

_OPERATIONS = Counter("deploy_agent_operations", "Operations that have ended.", ["kind", "outcome"])
_OPERATION_SECONDS = Histogram(
    "deploy_agent_operation_seconds",
    "Duration of operations, from start to end.",
    ["kind"],
    buckets=(1, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1800),
)
_RESTARTS = Counter(
    "deploy_agent_gateway_restarts", "Restarts of ended gateways, mostly by Docker."
)
_BUILD = Info("deploy_agent_build", "Version of this server.")
_BUILD.info({"version": VERSION, "python": platform.python_version()})


class Metrics:
    """The content of `/metrics`; one object per server."""

    def __init__(self, context: AppContext) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Fleet(context))
        self._registry.register(REGISTRY)
        context.events.listen(_RestartCounter(context).handle)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in a format that the Accept header allows, and the content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Fleet(Collector):
    """Gauges of deployments, streams and messages, from one engine snapshot."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._operations = _OperationCounter(context)

    def collect(self) -> Iterator[Metric]:
        views = list_deployments(self._context)
        self._operations.update({each.deployment.id: each.deployment.operation for each in views})
        statuses = [each.report.status for each in views]
        family = GaugeMetricFamily(
            "deploy_agent_deployments", "Deployments by status.", labels=["status"]
        )
        for status in Status:
            family.add_metric([status], statuses.count(status))
        yield family
        snapshot = self._context.snapshots.take()
        yield _gauge("engine_up", "Whether Docker Engine answers.", 0 if snapshot.problem else 1)
        yield _gauge(
            "open_streams",
            "Pages that receive live updates.",
            self._context.live_updates.subscriber_count,
        )
        webhook = show_webhook(self._context)
        yield _gauge("messages_waiting", "Webhook messages waiting to be sent.", webhook.waiting)
        yield _gauge(
            "messages_dropped",
            "Webhook messages dropped since the last delivery.",
            webhook.dropped,
        )


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"deploy_agent_{name}", words, value=value)


class _OperationCounter:
    """Counts the operations that ended since the server's start, as recorded in the folders."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._since = datetime.now(UTC)
        # By deployment id: the number of the last operation counted.
        self._counted: dict[str, int] = {}
        self._gone: set[str] = set()
        self._lock = Lock()

    def update(self, latest: dict[str, Operation | None]) -> None:
        with self._lock:
            # The last operation of an archived deployment is the archiving, recorded in the
            # archive.
            for each in self._counted.keys() - latest.keys() - self._gone:
                self._gone.add(each)
                self._count(each)
            self._gone -= latest.keys()
            for each, operation in latest.items():
                if operation and operation.number > self._counted.get(each, 0):
                    self._count(each)

    def _count(self, deployment_id: str) -> None:
        try:
            folder = self._context.store.folder_or_archived(deployment_id)
        except NotFound:
            return
        for operation in list_operations(folder)[::-1]:
            if operation.number <= self._counted.get(deployment_id, 0):
                continue
            if operation.state is OperationState.RUNNING:
                return
            self._counted[deployment_id] = operation.number
            if (operation.ended_at or operation.started_at) >= self._since:
                _count_operation(operation)


def _count_operation(operation: Operation) -> None:
    _OPERATIONS.labels(operation.kind, operation.state).inc()
    if operation.ended_at:
        lasted = operation.ended_at - operation.started_at
        _OPERATION_SECONDS.labels(operation.kind).observe(lasted.total_seconds())


class _RestartCounter:
    """Counts the restarts of containers that had ended."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._operations: set[str] = set()

    def handle(self, event: ContainerEvent) -> None:
        if event.action == "die" and self._context.store.has(event.deployment_id):
            self._operations.add(event.container_id)
        elif event.action == "destroy":
            self._operations.discard(event.container_id)
        elif event.action == "start" and event.container_id in self._operations:
            self._operations.discard(event.container_id)
            _RESTARTS.inc()
