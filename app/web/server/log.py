"""The server's own log, in one format. Each line about a request has the request's id.

The log is text for a terminal, or JSON Lines for a machine. JSON Lines include each request.
"""

import logging
from typing import Any

from flask import g, has_request_context
from htmx_flask import request

from app.web.server.endpoint_names import endpoint_name

# Keys in a request's environment. gunicorn reads them for the request's line in its log.
REQUEST_ID, ROUTE = "deploy_agent.request_id", "deploy_agent.route"
PERSON, ENDPOINT = "deploy_agent.person", "deploy_agent.endpoint"
# Log only the route: a path or a query may contain a secret, or text that a person typed.
ACCESS_FORMAT = f"%(m)s %({{{ROUTE}}}e)s %(s)s %(M)s ms"
_LEVELS = ("debug", "info", "warning", "error")
_TEXT = "[%(asctime)s] [%(process)d] [%(levelname)s] [%(request_id)s] %(message)s"


def add_request_facts() -> None:
    """Store facts of this request for gunicorn, which logs them once the response is sent."""
    request.environ.update(
        {
            REQUEST_ID: g.get("request_id", ""),
            PERSON: _person(),
            ENDPOINT: endpoint_name(),
            ROUTE: request.url_rule.rule if request.url_rule else "-",
        }
    )


class RequestFields(logging.Filter):
    """Adds the facts of the current request to a line of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        known = _of_access(record) if record.name == "gunicorn.access" else _of_request()
        record.__dict__.update({name: value for name, value in known.items() if value != ""})
        return True


def _of_request() -> dict[str, Any]:
    if not has_request_context():
        return {}
    return {"request_id": g.get("request_id", ""), "person": _person(), "endpoint": endpoint_name()}


def _of_access(record: logging.LogRecord) -> dict[str, Any]:
    said: Any = record.args
    return {
        "request_id": said[f"{{{REQUEST_ID}}}e"],
        "person": said[f"{{{PERSON}}}e"],
        "endpoint": said[f"{{{ENDPOINT}}}e"],
        "method": said["m"],
        "status": int(said["s"]),
        "milliseconds": said["M"],
    }


def _person() -> str:
    person = g.get("person")
    return person.name if person else ""


def log_settings(form: str, level: str) -> dict[str, Any]:
    """Return the configuration of `logging`. `form` is `text` or `json`."""
    requests_too = form == "json" or level == "debug"
    access = level if requests_too else "warning"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": RequestFields}},
        "formatters": {
            "text": {
                "()": logging.Formatter,
                "fmt": _TEXT,
                "datefmt": "%Y-%m-%d %H:%M:%S %z",
                "defaults": {"request_id": "-"},
            },
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "%(levelname)s %(name)s %(message)s",
                "rename_fields": {"levelname": "level", "name": "logger"},
                "timestamp": "time",
            },
        },
        "handlers": {
            "log": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": form,
                "filters": ["request"],
            }
        },
        # Libraries log warnings only: their details may contain an address with a secret.
        "root": {"level": "WARNING", "handlers": ["log"]},
        "loggers": {
            "deploy_agent": {"level": level.upper()},
            # At debug level it would log each path.
            "gunicorn.error": {
                "level": max(level, "info", key=_LEVELS.index).upper(),
                "handlers": [],
                "propagate": True,
            },
            "gunicorn.access": {"level": access.upper(), "handlers": [], "propagate": True},
        },
    }
