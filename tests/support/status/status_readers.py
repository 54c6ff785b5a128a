"""Everything that shows a deployment's status: API, pages and command line."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterable

from tests.support.command_line import CommandLine
from tests.support.server import Server

# Status by deployment id, without the deployments that are not shown.
Statuses = dict[str, str]


class StatusReaders:
    """Read statuses from a server's API and pages, and from a new command."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def statuses(self, deployment_ids: Iterable[str]) -> dict[str, Statuses]:
        """Return the shown statuses by reader. Status call and page are read for these ids only."""
        ids, page = tuple(deployment_ids), self._page("/")
        return {
            "list": self._listed(),
            "list's page": dict(_ROW.findall(page)),
            "list's badges": dict(_BADGE.findall(page)),
            "status": {each: status for each in ids if (status := self._status(each))},
            "page": {each: status for each in ids if (status := self._badge(each))},
            "command line": self._on_command_line(),
        }

    def _listed(self) -> Statuses:
        rows = self._server.call("GET", "list")[1]
        return {row["deployment_id"]: row["status"] for row in rows}

    def _status(self, deployment_id: str) -> str:
        status, answer = self._server.call("GET", f"status/{deployment_id}")
        assert status in (200, 404), answer
        return str(answer["status"]) if status == 200 else ""

    def _badge(self, deployment_id: str) -> str:
        badge = re.search(
            rf'id="status-{deployment_id}" data-status="(\w+)"[^>]*>\s*'
            r'<span role="status"><span class="badge" data-status="\1">\1</span>',
            self._page(f"/deployments/{deployment_id}"),
        )
        return badge[1] if badge else ""

    def _page(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self._server.url + path, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == 404, error.read()
            return ""

    def _on_command_line(self) -> Statuses:
        fresh = CommandLine(None, self._server.environment())
        return {row["deployment_id"]: row["status"] for row in fresh.json("list")}


_ROW = re.compile(r'<tr id="row-(\w+)" data-status="(\w+)">')
_BADGE = re.compile(r'<tr id="row-(\w+)"[^>]*>\s*<td[^>]*><span class="badge"[^>]*>(\w+)</span>')
