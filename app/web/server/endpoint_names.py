"""The names of endpoints in metrics and log lines.

Dashboards, alerts and log searches contain these names. So a view that moved to another blueprint
is reported under its first name.
"""

from htmx_flask import request

_FIRST_NAMES = {
    "archive.archive": "confirm.archive",
    "configure_api.configure_by_script": "configure_api.configure",
    "deployment_api.status_by_script": "api.status",
    "overview_api.list_all": "api.list_all",
    "running.launch": "pages.launch",
    "running.restart": "confirm.restart",
    "running.stop": "pages.stop",
    "running_api.launch_by_script": "api.launch",
    "running_api.restart_by_script": "api.restart",
    "running_api.stop_by_script": "api.stop",
    "token.reveal": "pages.reveal",
    "token_api.reveal_by_script": "api.reveal",
    "webhook_api.show_by_script": "webhook_api.describe",
}


def endpoint_name() -> str:
    """Return the name of this request's endpoint; empty if no route matches its path."""
    endpoint = request.endpoint or ""
    return _FIRST_NAMES.get(endpoint, endpoint)
