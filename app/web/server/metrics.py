"""Metrics for Prometheus. Requests are measured by endpoint, because paths contain ids."""

import time

from flask import Blueprint, Flask, Response, current_app, g
from htmx_flask import request
from prometheus_client import Counter, Histogram

from app.core.people import Permission
from app.usecases.server.metrics import Metrics
from app.web.server.endpoint_names import endpoint_name
from app.web.server.permissions import needs

_SECONDS = Histogram(
    "deploy_agent_request_seconds",
    "Seconds until a request was answered. Streams are not measured.",
    ["endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
_REQUESTS = Counter("deploy_agent_requests", "Requests that were answered.", ["endpoint", "status"])
bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
@needs(Permission.VIEW)
def show() -> Response:
    metrics: Metrics = current_app.config["METRICS"]
    body, content_type = metrics.exposition(request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)


def init_app(app: Flask) -> None:
    """Time each request. Register this module first, so that the whole request is timed."""
    app.config["METRICS"] = Metrics(app.config["CONTEXT"])
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    endpoint = endpoint_name() or "none"
    _REQUESTS.labels(endpoint, response.status_code).inc()
    if not g.get("streaming"):
        _SECONDS.labels(endpoint).observe(time.monotonic() - g.began)
    return response
