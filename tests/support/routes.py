"""The routes of an app, from its URL map, so that tests include new routes automatically."""

import re

from werkzeug.routing import Rule

from tests.support.api import Api

UNKNOWN_ID = "0123456789"


def routes(api: Api) -> list[tuple[str, Rule]]:
    """Return every pair of method and route."""
    return [
        (method, rule)
        for rule in api.app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE", "PATCH"})
    ]


def folder_routes(api: Api) -> list[Rule]:
    """Return the GET routes that read folders, without streams, which don't end."""
    return [
        rule
        for rule in api.app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.endpoint.endswith("stream")
        and rule.endpoint.partition(".")[0] not in ("assets", "health", "people", "reference")
    ]


def example_path(rule: Rule, value: str = UNKNOWN_ID) -> str:
    """Return a path for a route, with 1 for number variables and `value` for other variables."""
    return re.sub(r"<[^>]+>", value, numbered(rule))


def path_of(rule: Rule, deployment_id: str) -> str:
    """Return a route's path for one deployment. Other variables stay in angle brackets."""
    return re.sub(r"<(?:id:)?deployment_id>", deployment_id, numbered(rule))


def numbered(rule: Rule) -> str:
    return re.sub(r"<int:\w+>", "1", rule.rule)
