"""Check that the answers to many concurrent callers fit the order of the operations."""

from collections.abc import Sequence
from pathlib import Path

from app.core.settings.env_file import parse_env
from app.store.deployments import DeploymentStore
from tests.support.crash.callers import Call
from tests.support.crash.deployment_past import DeploymentPast, Done, Span

_BY_HAND = ("edit", "kill", "halt", "remove")
# An archive operation frees the folder a moment after its end is recorded.
_LAST_STEP_SECONDS = 5
ENGINE_SECONDS = 9


class Consistency:
    """Compare the past of every deployment with every request and manual action."""

    def __init__(self, root: Path, calls: Sequence[Call]) -> None:
        self._calls, self._store = calls, DeploymentStore(root)
        made = [each for each in calls if each.verb == "configure" and each.status == 200]
        self.pasts = {past.deployment_id: past for past in map(self._past_of, made)}

    def wrong(self) -> list[tuple[Call, DeploymentPast | None]]:
        """Return each call whose answer was never right during the call, with its deployment."""
        return [
            (each, self.pasts.get(each.deployment_id))
            for each in self._calls
            if each.status and not self._is_right(each)
        ]

    def unexplained(self) -> list[Done]:
        """Return the operations that failed although nobody interfered."""
        return [
            done
            for past in self.pasts.values()
            for done in past.done.values()
            if done.state != "succeeded" and not self._is_explained(done, past)
        ]

    def lost(self) -> list[tuple[Call, DeploymentPast]]:
        """Return the manual edits and accepted changes that the deployment's files lack."""
        return [
            (each, past)
            for past in self.pasts.values()
            for each in self._about(past)
            if not self._is_kept(each, past)
        ]

    def _past_of(self, made: Call) -> DeploymentPast:
        deployment_id = made.answer["deployment_id"]
        restorings = [
            each.span
            for each in self._calls
            if (each.verb, each.deployment_id, each.status) == ("restore", deployment_id, 200)
        ]
        past = DeploymentPast(deployment_id, made.span, made.answer["port"], restorings)
        return past.read(self._store.folder_or_archived(deployment_id))

    def _about(self, past: DeploymentPast) -> list[Call]:
        return [each for each in self._calls if each.deployment_id == past.deployment_id]

    def _is_right(self, call: Call) -> bool:
        if call.status >= 400:
            return self._is_refused_rightly(call)
        if call.verb == "configure":
            return True
        if call.verb == "list":
            return all(self._is_listed_rightly(call, past) for past in self.pasts.values())
        past = self.pasts[call.deployment_id]
        if call.verb in ("status", "restore"):
            shown = call.answer.get("operation") or {"id": 0}
            latest = call.verb == "restore" or past.is_latest_within(shown["id"], call.span)
            return latest and call.answer["port"] in past.ports_within(call.span)
        return any(_is_answer_of(done, call) for done in past.done.values())

    def _is_refused_rightly(self, call: Call) -> bool:
        if call.code == "invalid_input":
            return self._is_taken(call.body["port"], call)
        if call.code == "engine_silent":
            return call.span.ended - call.span.began >= ENGINE_SECONDS
        past = self.pasts[call.deployment_id]
        listed = past.ports_within(call.span)
        match call.verb, call.code:
            case "restore", "not_found" | "not_restored":
                return listed != {None}
            case "restore", "busy":
                return self._is_held(call, past)
            case _, "not_found":
                return None in listed
            case _, "busy":
                return _done_of(call, past).span.overlaps(call.span)
            case _, "cancelled":
                return _done_of(call, past).state == "cancelled"
            case _, "launch_failed" | "stop_failed" | "archive_failed":
                return _done_of(call, past).state == "failed"
        return False

    def _is_listed_rightly(self, call: Call, past: DeploymentPast) -> bool:
        rows = [each for each in call.answer if each["deployment_id"] == past.deployment_id]
        ports = [each["port"] for each in rows] or [None]
        return len(ports) == 1 and ports[0] in past.ports_within(call.span)

    def _is_taken(self, port: int, call: Call) -> bool:
        others = (each for each in self.pasts.values() if each.deployment_id != call.deployment_id)
        return any(port in each.ports_within(call.span) for each in others)

    def _is_held(self, call: Call, past: DeploymentPast) -> bool:
        """Return whether another caller was archiving or restoring the deployment."""
        late = Span(call.span.began - _LAST_STEP_SECONDS, call.span.ended)
        archivings = [each.span for each in past.done.values() if each.kind == "archive"]
        return any(each.overlaps(late) for each in (*archivings, *past.restorings))

    def _is_explained(self, done: Done, past: DeploymentPast) -> bool:
        meanwhile = [each.verb for each in self._about(past) if each.span.overlaps(done.span)]
        if done.state == "cancelled":
            return "stop" in meanwhile
        if done.code == "engine_silent":
            return done.span.ended - done.span.began >= ENGINE_SECONDS
        return done.state == "failed" and any(each.startswith(_BY_HAND) for each in meanwhile)

    def _is_kept(self, call: Call, past: DeploymentPast) -> bool:
        folder = self._store.folder_or_archived(past.deployment_id)
        if call.verb.startswith("edit") and call.answer:
            text = (folder / call.verb.removeprefix("edit ")).read_text()
            return text.count(call.answer) == 1
        if call.verb != "reconfigure" or call.status != 202:
            return True
        done = _done_of(call, past)
        later = (each for number, each in past.done.items() if number > done.number)
        if done.state != "succeeded" or any(
            (each.kind, each.state) == ("reconfigure", "succeeded") for each in later
        ):
            return True
        env = parse_env((folder / ".env").read_bytes())
        return env["DEPLOYMENT_NAME"] == call.body["name"]


def _done_of(call: Call, past: DeploymentPast) -> Done:
    return past.done[call.answer["operation"]["id"]]


def _is_answer_of(done: Done, call: Call) -> bool:
    """Return whether a call may have started this operation (and awaited it, if not a 202)."""
    if call.status == 202:
        begun = Span(done.span.began, done.span.began)
        same = (done.number, done.kind) == (call.answer["operation"]["id"], call.verb)
        return same and call.span.holds(begun)
    return (done.kind, done.state) == (call.verb, "succeeded") and call.span.holds(done.span)
