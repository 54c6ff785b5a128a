"""A deployment's operations in the order of its history, and its visible state over time.

For each change only an earliest and a latest time are known. A reader between these times may have
seen the state before or after the change.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.store import history

_KINDS = ("launch", "stop", "archive", "reconfigure")
# The history's times are rounded to milliseconds.
_GRAIN = 0.001
_NEVER = float("inf")


@dataclass(frozen=True)
class Span:
    """A span of time, in seconds."""

    began: float
    ended: float

    def overlaps(self, other: "Span") -> bool:
        return self.began <= other.ended + _GRAIN and other.began <= self.ended + _GRAIN

    def holds(self, other: "Span") -> bool:
        return self.began - _GRAIN <= other.began and other.ended <= self.ended + _GRAIN


@dataclass
class Done:
    """One operation, from its start entry to its end entry in the history."""

    number: int
    kind: str
    arguments: dict[str, str]
    span: Span
    state: str = "running"
    code: str = ""
    reason: str = ""


@dataclass
class _Became:
    """The deployment got this port within the span, or was archived if the port is None."""

    span: Span
    port: int | None


@dataclass
class DeploymentPast:
    """A deployment's past. `restorings` are the times of the calls that restored the deployment."""

    deployment_id: str
    made: Span
    port: int
    restorings: Collection[Span]
    done: dict[int, Done] = field(default_factory=dict)

    def __post_init__(self) -> None:
        before = _Became(Span(-_NEVER, -_NEVER), None)
        self._became = [before, _Became(self.made, self.port)]

    def read(self, folder: Path) -> "DeploymentPast":
        """Read a history. Assert that operations do not overlap and that each ends once."""
        for entry in history.read_history(folder):
            what, number = str(entry["what"]), entry.get("operation")
            at = datetime.fromisoformat(entry["at"]).timestamp()
            if what == "restore":
                self._restored(at, entry)
            elif what in _KINDS:
                assert number == len(self.done) + 1, f"{folder}: {entry}"
                assert all(each.state != "running" for each in self.done.values()), folder
                arguments = entry.get("arguments", {})
                self.done[number] = Done(number, what, arguments, Span(at, _NEVER))
            elif number is not None:
                self._ended(self.done[number], at, entry)
        return self

    def ports_within(self, span: Span) -> set[int | None]:
        """Return each port that the deployment may have had in a span; None means not listed."""
        ends = [following.span.ended for _, following in pairwise(self._became)]
        return {
            became.port
            for became, end in zip(self._became, [*ends, _NEVER], strict=True)
            if span.overlaps(Span(became.span.began, end))
        }

    def is_latest_within(self, number: int, span: Span) -> bool:
        """Return whether operation `number` may have been the latest at some time within a span.

        Number 0 means that there was no operation yet.
        """
        began = self.done[number].span.began if number else -_NEVER
        following = self.done.get(number + 1)
        return span.overlaps(Span(began, following.span.began if following else _NEVER))

    def _restored(self, at: float, entry: dict[str, Any]) -> None:
        [call] = [each for each in self.restorings if each.holds(Span(at, at))]
        port = next(each.port for each in reversed(self._became) if each.port)
        self._became.append(_Became(Span(at, call.ended), entry.get("port", port)))

    def _ended(self, done: Done, at: float, entry: dict[str, Any]) -> None:
        kind, done.state = entry["what"].split()
        assert kind == done.kind, f"{self.deployment_id}: {entry}"
        done.span = Span(done.span.began, at)
        done.code, done.reason = entry["code"], entry["reason"]
        if done.kind == "archive" and done.state == "succeeded":
            self._became.append(_Became(done.span, None))
        elif "port" in done.arguments:
            self._became.append(_Became(done.span, int(done.arguments["port"])))
            if done.state != "succeeded":
                self._became.append(_Became(done.span, int(done.arguments["port_before"])))
