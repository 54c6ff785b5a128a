"""Check that every call that writes is refused while nothing can be written."""

import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.support.api import API_KEY

# (method, path, body) of the JSON API -> (status, answer)
Call = Callable[[str, str, object], tuple[int, Any]]


class WriteRefusals:
    """Calls on a listed and an archived deployment in a folder that cannot be written."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.listed, self.archived = self._configured("listed"), self._configured("archived")
        self._done("archive", {"deployment_id": self.archived})

    def assert_refused(self, cause: str, words: str, but: Collection[str] = ()) -> None:
        """Assert that each verb not in `but` is refused, explains why, and changes nothing."""
        listed, archived = {"deployment_id": self.listed}, {"deployment_id": self.archived}
        before = self._seen()
        for verb, body in {
            "configure": {"openrouter_api_key": API_KEY},
            "launch": listed,
            "restart": listed,
            "stop": listed,
            "reconfigure": {**listed, "name": "another"},
            "update": {**listed, "image": "deploy-agent-standin:2026.9.6"},
            "rotate_token": listed,
            "token/equalize": listed,
            "reveal": {**listed, "field": "openclaw_gateway_token"},
            "archive": listed,
            "restore": archived,
            "purge": {**archived, "confirm": "archived"},
        }.items():
            if verb in but:
                continue
            status, answer = self._call("POST", verb, body)
            at = f"{verb}: {status} {answer}"
            assert (status, answer.get("code")) == (507, "storage_failed"), at
            assert answer["cause"] == cause, at
            assert words in answer["detail"], at
            assert answer["detail"].endswith("Nothing was changed."), at
        assert self._seen() == before

    def assert_refused_while(
        self, unwritable: AbstractContextManager[None], root: Path, cause: str, words: str
    ) -> None:
        """Assert that all verbs are refused inside `unwritable` and work again afterwards."""
        before = everything_in(root)
        with unwritable:
            self.assert_refused(cause, words)
        assert everything_in(root) == before
        self.assert_writable_again()

    def assert_writable_again(self) -> None:
        """Assert that nothing stayed locked or half done, now that the folder is writable again."""
        self._done("restore", {"deployment_id": self.archived})
        self._done("reconfigure", {"deployment_id": self.listed, "name": "another"})

    def _configured(self, name: str) -> str:
        made = self._done("configure", {"openrouter_api_key": API_KEY, "name": name})
        return str(made["deployment_id"])

    def _done(self, verb: str, body: object) -> dict[str, Any]:
        status, answer = self._call("POST", verb, body)
        assert status == 200, f"{verb}: {answer}"
        return dict(answer)

    def _seen(self) -> list[object]:
        return [self._call("GET", each, None) for each in ("list", "archived")]


@contextmanager
def between(begin: Sequence[str | Path], end: Sequence[str | Path]) -> Iterator[None]:
    """Run one command before the body and another one afterwards, even if the body fails."""
    subprocess.run(begin, check=True)
    try:
        yield
    finally:
        subprocess.run(end, check=True)


def everything_in(folder: Path) -> dict[str, bytes]:
    """Return the content of every file that is not empty, by relative path."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "filler"
    }
    return {path: data for path, data in found.items() if data}
