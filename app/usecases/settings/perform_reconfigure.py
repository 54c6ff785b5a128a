"""Doing a reconfiguration: write the files, restart, roll back if that does not work.

The old and the new files are kept in the operation's own folder until the operation has ended, so
that an interrupted reconfiguration can be finished or undone:
- before and between the writes, each file is complete: either the old or the new one. The compose
  file reads everything but its network from `.env`, so any mixture can be launched;
- once the gateway is taken down, the old files and the old `openclaw.json` are kept.
A file that is neither the old nor the new one was changed by a person and is left alone. If such a
file is found before the first write, nothing is changed.

If the disk is full, the old files may not be put back, or a resumed reconfiguration may not write
the new files. All files stay kept then, so that finish or undo can be repeated.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.core.errors import EngineError
from app.core.operations.operation import ROLLBACK_FAILED, Operation
from app.core.operations.steps import Step
from app.core.secrets import secret_values
from app.core.settings.env_file import parse_env
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fingerprints import drift_of
from app.core.settings.openclaw_config import ConfigUnreadable
from app.core.snapshot import Container, Run
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
    image_for,
    read_openclaw_config,
    write_openclaw_config,
)
from app.usecases.lifecycle.launch import perform_launch
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.transaction import (
    RUNS,
    UNTOUCHED,
    half_done_on_failure,
    put_back,
    run_transaction,
)

_CONFIG = "config/openclaw.json"
# The names of the kept files, by file, in writing order.
_KEPT_AS = {COMPOSE_FILE: "compose", ENV_FILE: "env"}


def perform_reconfigure(op: OperationContext) -> Run | None:
    """Do, finish or undo a reconfiguration; return the verified run, if any.

    Raise OperationFailed, even if the old configuration is put back and verified; ComposeFailed,
    EngineError, Unreadable, OSError, Cancelled.
    """
    resumption = op.operation.resumption
    if not resumption:
        return _Reconfiguration(op).do()
    with half_done_on_failure(op, "Nothing was changed."):
        change = _Reconfiguration(op)
    return change.undo() if resumption == "undo" else change.finish()


def kept_secrets(operation: Operation, folder: Path) -> list[str]:
    """Return the secrets in an operation's kept files, which the operation's log must not show."""
    found: list[str] = []
    for name in ("env.old", "env.new"):
        try:
            found += secret_values(
                parse_env(kept_file(operation_folder(folder, operation.number), name) or b"")
            )
        except (OSError, Unreadable, EnvFileError):
            continue
    return found


class _Reconfiguration:
    """The change of `.env`, `docker-compose.yml` and the files that a launch writes from them."""

    old = "The old configuration"

    def __init__(self, op: OperationContext) -> None:
        self._op = op
        self._folder = op.folder
        self._then = op.operation.arguments.get("then", "")
        self._before = self._gateway_before()
        up = self._before if self._before and self._before.is_up else None
        self._image = image_for(op.deployment, up, op.context)

    def do(self) -> Run | None:
        """Write the new files and, if requested, bring the gateway up with them."""
        self._write_new()
        return self._bring_up_new()

    def finish(self) -> Run | None:
        """Do the remaining steps of an interrupted reconfiguration."""
        with half_done_on_failure(self._op, "The reconfiguration could not be finished."):
            self._write_new()
        return self._bring_up_new()

    def undo(self) -> Run | None:
        """Put the old files back, and bring a gateway that ran before up with them."""
        put_back(self._op, self)
        if self._then != "restart":
            return None
        gateway = self._op.gateway()
        verified = self._op.operation.verified
        if gateway and gateway.is_up and gateway.run == verified:
            self._op.say("The gateway was not touched")
            return verified
        return perform_launch(self._op.reloaded(), recreate=True)

    def apply(self, op: OperationContext) -> Run | None:
        """Bring the gateway up with the new files."""
        self._keep("config.new", self._new_config())
        return perform_launch(op.reloaded(), recreate=True)

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        left_alone = self._replace("new", "old") + self._put_config_back()
        applied = self._kept("applied.old")
        if applied is not None:
            put_applied(self._folder, applied)
        return left_alone

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        gateway = op.gateway()
        if gateway and self._before and gateway.run == self._before.run and gateway.is_up:
            return UNTOUCHED, None
        return RUNS, perform_launch(op)

    def _bring_up_new(self) -> Run | None:
        if not self._then:
            self._op.say("The next launch applies the changes")
            return None
        # A gateway that was down is launched without a rollback: the new files stay, to be
        # corrected.
        return run_transaction(self._op, self) if self._then == "restart" else self.apply(self._op)

    def _kept(self, name: str) -> bytes | None:
        return kept_file(self._op.own_folder, name)

    def _keep(self, name: str, data: bytes) -> None:
        """Keep a copy of a file, unless an interrupted run has kept one already."""
        if self._kept(name) is None:
            keep_files(self._op.own_folder, {name: data})

    def _gateway_before(self) -> Container | None:
        """Return the current gateway; None if the engine does not answer and only files change."""
        try:
            return self._op.gateway()
        except EngineError:
            if self._then:
                raise
            return None

    def _require_unedited(self) -> None:
        for name, kept in _KEPT_AS.items():
            old, new = self._kept(f"{kept}.old"), self._kept(f"{kept}.new")
            if old is not None and read_file(self._folder / name) not in (old, new):
                raise self._stale(name)

    def _keep_applied(self) -> None:
        """Keep the record of the applied settings; make that record if no launch has made one."""
        if read_applied(self._folder) is None:
            env = parse_env(self._kept("env.old") or b"")
            drifted = drift_of(self._op.deployment, self._before)
            container = self._before.id if self._before and not drifted else ""
            compose_file = read_compose_file(self._folder) or ""
            write_applied(self._folder, applied_now(container, env, compose_file))
        self._keep("applied.old", applied_file(self._folder))

    def _config_now(self) -> bytes:
        try:
            return read_openclaw_config(self._folder, self._image)
        except (FileNotFoundError, Unreadable):
            return b""  # The launch makes a missing folder, and reports an unreadable file.

    def _new_config(self) -> bytes:
        """Return `openclaw.json` as the next launch will write it."""
        before = self._kept("config.old") or b""
        try:
            return config_for(self._op.reloaded().deployment, before)[0]
        except ConfigUnreadable:
            return before

    def _write_new(self) -> None:
        """Keep the old files and write the new ones.

        Raise OperationFailed without any change if somebody has edited a file. Raise OSError,
        EngineError, ComposeFailed.
        """
        self._require_unedited()
        self._keep_applied()
        if self._then:
            self._keep("config.old", self._config_now())
        self._op.step(Step.WRITE, "Writing .env and docker-compose.yml")
        if left_alone := self._replace("old", "new"):
            put_back(self._op, self)
            raise self._stale(left_alone[0])

    def _replace(self, form: str, by: str) -> list[str]:
        """Replace the `form` version of the files by the `by` version, all of them or none.

        Return the files that match neither version because somebody changed them. Raise OSError.
        """
        while True:
            left_alone, changes = [], {}
            for name, kept in _KEPT_AS.items():
                path, wanted = self._folder / name, self._kept(f"{kept}.{by}")
                current = read_file(path) if wanted is not None else None
                if wanted is None or current == wanted:
                    continue
                if current is not None and current == self._kept(f"{kept}.{form}"):
                    changes[path] = (current, wanted)
                else:
                    left_alone.append(self._left_alone(name))
            with suppress(Edited):
                rewrite_files(changes)
                return left_alone

    def _put_config_back(self) -> list[str]:
        wanted = self._kept("config.old")
        if wanted is None:
            return []
        current = self._config_now()
        if current == wanted:
            return []
        if current == self._kept("config.new"):
            write_openclaw_config(self._folder, self._image, wanted)
            return []
        return [self._left_alone(_CONFIG)]

    def _stale(self, name: str) -> OperationFailed:
        words = f"Somebody has changed {name} since the request, so no file was changed."
        if self._op.operation.resumption == "finish":
            step = f"Undo the change: this leaves {name} alone and puts the other files back."
            return OperationFailed.of(ROLLBACK_FAILED, words, step)
        step = f"Check {name}, then repeat the change."
        return OperationFailed.of("stale", words, step)

    def _left_alone(self, name: str) -> str:
        self._op.say(f"Somebody has changed {name}, so the file is left alone")
        return name
