"""The change from an old token to a new one, in `.env`, `openclaw.json` and the gateway.

The new token is made in the operation's own process; no other file has it. `.env` is written
first and put back last, since each launch writes `openclaw.json` from `.env`. So, after a crash,
the next launch ends in a consistent state:

- before `.env` is written, nothing has changed;
- after that, the gateway still runs with the old token, and the deployment's page says that the
  gateway refuses the token of `.env`. A launch writes `openclaw.json`, if not written yet, and
  replaces the container, since one of its variables changed. If the compose file does not pass
  the token on, equalizing replaces the container;
- while the containers are down, or up but not verified, a launch brings up and verifies the new
  token. By then, no file and no container has the old token;
- while the old token is being put back, the new token applies until `.env` is written, as above,
  and after that the old token applies.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from app.core.operations.steps import Step
from app.core.settings.env_file import MAX_FILE_BYTES, parse_env, with_value
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import TOKEN
from app.core.settings.openclaw_config import ConfigUnreadable, parse_config, token_in
from app.core.snapshot import Container, Run
from app.core.tokens import same_token
from app.engine.compose_call import ComposeFailed
from app.store.deployment_files import ENV_FILE
from app.store.file_writes import Edited, change_file, rewrite_files
from app.store.files import Unreadable, read_file
from app.usecases.lifecycle.data_folders import (
    image_for,
    prepare_data_folders,
    read_openclaw_config,
    write_openclaw_config,
)
from app.usecases.lifecycle.launch import perform_launch
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.transaction import DOWN, RUNS, half_done_on_failure


@dataclass(frozen=True, slots=True)
class TokenChange:
    """Both original files, the `.env` to write, and all tokens found in any of the places."""

    gateway: Container | None
    env: bytes = field(repr=False)
    config: bytes = field(repr=False)
    old_tokens: frozenset[str] = field(repr=False)
    new: str = field(repr=False)
    written: bytes = field(repr=False)

    old = "The old token"

    def write(self, op: OperationContext) -> None:
        """Write the new token into `.env`. Raise OperationFailed, OSError."""
        try:
            # Querying the engine takes time, so `.env` may have changed since it was read.
            rewrite_files({op.folder / ENV_FILE: (self.env, self.written)})
        except Edited:
            edited = "somebody has edited .env just now"
            raise _unchanged(edited, "Check .env, then try again.") from None

    def apply(self, op: OperationContext) -> Run | None:
        return restart_if_up(op.reloaded(), self.gateway)

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        """Put both files back, `.env` last. Keep what somebody has edited since the change."""
        image = image_for(op.deployment, self.gateway, op.context)
        if self.config and self._is_in(read_openclaw_config(op.folder, image)):
            write_openclaw_config(op.folder, image, self.config)
        left_alone: list[str] = []

        def with_old_token(env: bytes) -> bytes:
            if env == self.written:
                return self.env
            found = parse_env(env).get(TOKEN.env, "")
            if same_token(found, self.new):
                return with_value(env, TOKEN.env, op.deployment.token)
            left_alone[:] = [] if same_token(found, op.deployment.token) else [ENV_FILE]
            return env

        change_file(op.folder / ENV_FILE, with_old_token, MAX_FILE_BYTES)
        return left_alone

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        """Bring the gateway up with the old token; if it does not come up, no token works."""
        if self.gateway is None or not self.gateway.is_up:
            return DOWN, None
        now = op.gateway()
        with half_done_on_failure(op):
            if now and now.state == "running" and now.run == self.gateway.run:
                # OpenClaw reads a changed openclaw.json without a restart.
                return RUNS, verify_gateway(op, now)
            return RUNS, perform_launch(op)

    def _is_in(self, config: bytes) -> bool:
        with suppress(ConfigUnreadable):
            return same_token(token_in(parse_config(config)) or "", self.new)
        return False


def token_change(op: OperationContext, new: str) -> TokenChange:
    """Read all that a new token replaces. Raise EngineError; OperationFailed: unreadable `.env`.

    A gateway may have another token than `.env`, after an edit by hand or an interrupted rotation.
    """
    deployment, gateway = op.deployment, op.gateway()
    try:
        env = read_file(op.folder / ENV_FILE, MAX_FILE_BYTES)
        written = with_value(env, TOKEN.env, new)
    except Unreadable as error:
        raise _unchanged(f"the deployment's .env {error}") from None
    except EnvFileError as error:
        raise _unchanged(str(error)) from None
    config, tokens = b"", {deployment.token}
    with suppress(FileNotFoundError, Unreadable, ConfigUnreadable, ComposeFailed):
        config = read_openclaw_config(op.folder, image_for(deployment, gateway, op.context))
        tokens.add(token_in(parse_config(config)) or "")
    if gateway:
        tokens.add(op.context.containers.environment_of(gateway).get(TOKEN.env, ""))
    return TokenChange(gateway, env, config, frozenset(tokens - {""}), new, written)


def restart_if_up(op: OperationContext, gateway: Container | None) -> Run | None:
    """Restart a gateway with its current files; leave a gateway that is down as it is.

    Raise OperationFailed, ComposeFailed, EngineError, OSError.
    """
    if gateway and gateway.is_up:
        return perform_launch(op, recreate=True)
    write_token_to_config(op, gateway)
    op.say("The gateway is not running: its next launch applies and verifies the token")
    return None


def write_token_to_config(op: OperationContext, gateway: Container | None) -> None:
    """Write the token of `.env` into `openclaw.json`, as a launch does. Raise OSError."""
    op.step(Step.FOLDERS, "Preparing the data folders")
    try:
        prepare_data_folders(op, image_for(op.deployment, gateway, op.context))
    except ComposeFailed:
        op.say("config/openclaw.json could not be written; the next launch writes it")


def _unchanged(why: str, next_step: str = "Correct .env by hand first.") -> OperationFailed:
    return OperationFailed.of("env_not_changed", f"Nothing was changed: {why}.", next_step)
