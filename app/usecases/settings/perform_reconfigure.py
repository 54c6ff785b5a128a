"""Doing a reconfiguration: write the files, restart, and put all back where that does not work.

What the files were and are to be is kept in the operation's own folder until it has ended, so
that whoever finds it interrupted can finish or undo it, wherever it was:
- before or between the writes: each file is whole, the old or the new one, and since the
  compose file reads all but its network from `.env`, any mixture of them can be launched;
- once the gateway is taken down: files and `openclaw.json` are known as they were.
A file that is neither the old nor the new one was changed by a person, and is left alone:
before it is written, nothing is changed at all.

Where the old files can't be put back, or those of one that is resumed can't be written (the
disk is full), all stays kept, and it can be finished or undone once more.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from app.core.diagnosis.causes import Cause
from app.core.errors import EngineError
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import NOT_BACK, Operation
from app.core.operations.steps import Step
from app.core.secrets import secret_values
from app.core.settings.drift import drift_of
from app.core.settings.env_file import parse_env
from app.core.settings.env_parser import EnvFileError
from app.core.settings.openclaw_config import ConfigUnreadable
from app.core.snapshot import Container, Run
from app.engine.compose import ComposeFailed
from app.store.applied_settings import (
    applied_file,
    applied_now,
    put_applied,
    read_applied,
    write_applied,
)
from app.store.deployment_files import COMPOSE_FILE, ENV_FILE, read_compose_file
from app.store.file_writes import Edited, rewrite_files
from app.store.files import Unreadable, read_file
from app.store.kept_files import keep_files, kept_file
from app.store.operations import operation_folder
from app.usecases.lifecycle.data_folders import (
    config_for,
    read_openclaw_config,
    write_openclaw_config,
)
from app.usecases.lifecycle.launch import perform_launch
from app.usecases.operations.failures import OperationFailed, cause_of
from app.usecases.operations.operation_context import Cancellation, Cancelled, OperationContext

_CONFIG = "config/openclaw.json"
# What disk and engine say of a step that they do not let happen.
_FAILURES = (OSError, EngineError, ComposeFailed, Unreadable)
# What each of the files that are changed is kept as, in the order in which they are written.
_KEPT_AS = {COMPOSE_FILE: "compose", ENV_FILE: "env"}


def perform_reconfigure(op: OperationContext) -> Run | None:
    """Do, finish or undo a reconfiguration; return the run that was proven, if there is one.

    Raises OperationFailed, also where the old configuration is back and proven,
    EngineError, OSError, Cancelled.
    """
    resumption = op.operation.resumption
    try:
        if not resumption:
            return _Work(op).do()
        with _half_done_where_refused(op, "Nothing was changed."):
            work = _Work(op)
        return work.undo() if resumption == "undo" else work.finish()
    except (ComposeFailed, Unreadable) as error:
        raise OperationFailed(cause_of(error, op)) from None


def kept_secrets(operation: Operation, folder: Path) -> list[str]:
    """Return the secrets among what an operation has kept: no line of its log may show them."""
    found: list[str] = []
    for name in ("env.old", "env.new"):
        try:
            found += secret_values(
                parse_env(kept_file(operation_folder(folder, operation.number), name) or b"")
            )
        except (OSError, Unreadable, EnvFileError):
            continue
    return found


@contextmanager
def _half_done_where_refused(op: OperationContext, words: str) -> Iterator[None]:
    """See that it can be resumed where disk or engine refuse; `words` come before their cause.

    Raises OperationFailed.
    """
    try:
        yield
    except _FAILURES as error:
        cause = cause_of(error, op)
        step = f"{cause.next_step} {OperationKind.RECONFIGURE.after_interruption}".strip()
        raise OperationFailed(Cause(NOT_BACK, f"{words} {cause.words}", step)) from None


class _Work:
    def __init__(self, op: OperationContext) -> None:
        self._op = op
        self._then = op.operation.arguments.get("then", "")
        self._folder = op.context.store.folder(op.deployment.id)
        self._before = self._gateway_before()
        up = bool(self._before and self._before.is_up)
        asked = op.deployment.env.get("OPENCLAW_IMAGE") or op.context.settings.image
        self._image = self._before.image if self._before and up else asked

    def do(self) -> Run | None:
        """Write the new files, and bring the gateway up with them where that was asked for."""
        self._write_new()
        return self._up_with_the_new()

    def finish(self) -> Run | None:
        """Do what is left of one that was begun."""
        with _half_done_where_refused(self._op, "It could not be finished."):
            self._write_new()
        return self._up_with_the_new()

    def _up_with_the_new(self) -> Run | None:
        if not self._then:
            self._op.say("Its next launch applies what was changed")
            return None
        try:
            self._keep("config.new", self._config_to_be())
            return perform_launch(self._with_files_as_they_are(), anew=True)
        except (OperationFailed, *_FAILURES, Cancelled) as failure:
            if self._then != "restart":
                raise
            raise self._rolled_back(failure) from None

    def undo(self) -> Run | None:
        """Put the old files back, and bring the gateway up with them if it ran before."""
        self._put_all_back()
        if self._then != "restart":
            return None
        gateway = self._gateway()
        proven = self._op.operation.verified
        if gateway and gateway.is_up and gateway.run == proven:
            self._op.say("The gateway was not touched")
            return proven
        return perform_launch(self._with_files_as_they_are(), anew=True)

    def _kept(self, name: str) -> bytes | None:
        return kept_file(self._op.own_folder, name)

    def _keep(self, name: str, data: bytes) -> None:
        """Keep a file as it is found; one that was kept before an interruption is the older."""
        if self._kept(name) is None:
            keep_files(self._op.own_folder, {name: data})

    def _gateway_before(self) -> Container | None:
        """Return the gateway as it is found. What is only written needs no engine."""
        try:
            return self._gateway()
        except EngineError:
            if self._then:
                raise
            return None

    def _gateway(self) -> Container | None:
        deployment = self._op.deployment
        return deployment.gateway_in(self._op.context.containers.of(deployment.id))

    def _with_files_as_they_are(self) -> OperationContext:
        deployment = self._op.context.store.load(self._op.deployment.id)
        return replace(self._op, deployment=deployment)

    def _refuse_touched(self) -> None:
        for name, kept in _KEPT_AS.items():
            old, new = self._kept(f"{kept}.old"), self._kept(f"{kept}.new")
            if old is not None and read_file(self._folder / name) not in (old, new):
                raise self._stale(name)

    def _keep_what_was_applied(self) -> None:
        """See that a launch can tell what has changed, also where nobody wrote that down yet."""
        if read_applied(self._folder) is None:
            env = parse_env(self._kept("env.old") or b"")
            drifted = drift_of(self._op.deployment, self._before)
            container = self._before.id if self._before and not drifted else ""
            compose_file = read_compose_file(self._folder) or ""
            write_applied(self._folder, applied_now(container, env, compose_file))
        self._keep("applied.old", applied_file(self._folder))

    def _config_as_it_is(self) -> bytes:
        try:
            return read_openclaw_config(self._folder, self._image)
        except (FileNotFoundError, Unreadable):
            return b""  # The launch makes the folder, and says what it can't read.

    def _config_to_be(self) -> bytes:
        """Return `openclaw.json` as the launch is going to write it."""
        before = self._kept("config.old") or b""
        try:
            return config_for(self._with_files_as_they_are().deployment, before)[0]
        except ConfigUnreadable:
            return before

    def _write_new(self) -> None:
        """Write the new files, and keep what there was. Raises OSError, EngineError, ComposeFailed.

        Raises OperationFailed where somebody has written into one of them; none is changed then.
        """
        self._refuse_touched()
        self._keep_what_was_applied()
        if self._then:
            self._keep("config.old", self._config_as_it_is())
        self._op.step(Step.WRITE, "Writing .env and docker-compose.yml")
        if left := self._put("new", "old"):
            self._put_all_back()
            raise self._stale(left[0])

    def _put(self, form: str, instead_of: str) -> list[str]:
        """Give the files one form instead of the other, all of them or none.

        Returns those that have neither, and are somebody else's by now. Raises OSError.
        """
        while True:
            left, changes = [], {}
            for name, kept in _KEPT_AS.items():
                path, wanted = self._folder / name, self._kept(f"{kept}.{form}")
                current = read_file(path) if wanted is not None else None
                if wanted is None or current == wanted:
                    continue
                if current is not None and current == self._kept(f"{kept}.{instead_of}"):
                    changes[path] = (current, wanted)
                else:
                    left.append(self._left_alone(name))
            with suppress(Edited):
                rewrite_files(changes)
                return left

    def _put_config_back(self) -> list[str]:
        wanted = self._kept("config.old")
        if wanted is None:
            return []
        current = self._config_as_it_is()
        if current == wanted:
            return []
        if current == self._kept("config.new"):
            write_openclaw_config(self._folder, self._image, wanted)
            return []
        return [self._left_alone(_CONFIG)]

    def _stale(self, name: str) -> OperationFailed:
        words = f"Meanwhile somebody changed {name}, so nothing was changed."
        if self._op.operation.resumption == "finish":
            step = f"Undo the change: that leaves {name} alone, and puts the rest back."
            return OperationFailed(Cause(NOT_BACK, words, step))
        step = "Look at it as it is now, then change it again."
        return OperationFailed(Cause("stale", words, step))

    def _left_alone(self, name: str) -> str:
        self._op.say(f"{name} was changed meanwhile, so it is left alone")
        return name

    def _put_all_back(self, why: str = "") -> str:
        """Return in words what could not be put back, since somebody has changed it.

        Raises OperationFailed, whose words begin with `why` it is put back.
        """
        self._op.step(Step.BACK, "Going back from what was changed")
        with _half_done_where_refused(
            self._op, f"{why} What was changed could not be put back.".strip()
        ):
            left = self._put("old", "new") + self._put_config_back()
            applied = self._kept("applied.old")
            if applied is not None:
                put_applied(self._folder, applied)
        return f" {' and '.join(left)} was changed meanwhile, so it was left alone." if left else ""

    def _rolled_back(self, failure: BaseException) -> BaseException:
        """Put back what was there, bring it up, and return the failure with how that went."""
        cause = cause_of(failure, self._op)
        self._op.say(cause.sentence)
        left = self._put_all_back(cause.words)
        try:
            run, how = self._old_one_up()
        except OperationFailed as again:
            words = f"{cause.words} With the old configuration, too: {again.cause.words}"
            return OperationFailed(
                Cause(cause.code, words, again.cause.next_step, fix=again.cause.fix)
            )
        except _FAILURES as error:
            said = cause_of(error, self._op).words
            words = f"{cause.words} The old configuration could not be brought up again. {said}"
            return OperationFailed(Cause(cause.code, words.strip(), "Launch again."))
        if isinstance(failure, Cancelled):
            return Cancelled(f"The old configuration was put back, and {how}.{left}", run)
        words = f"{cause.words} The old configuration was put back, and {how}.{left}"
        return OperationFailed(Cause(cause.code, words, cause.next_step), run)

    def _old_one_up(self) -> tuple[Run | None, str]:
        """Return the run of the old configuration that is up, and in words how it came to be."""
        gateway = self._gateway()
        if gateway and self._before and gateway.run == self._before.run and gateway.is_up:
            return None, "the gateway was not touched"
        # Who wants the end of the new one wants the old one back: that is not broken off.
        op = replace(self._with_files_as_they_are(), cancellation=Cancellation(lambda: False))
        return perform_launch(op), "the gateway runs with it again"
