"""The old token, while a new one takes its place: put back where that fails, else seen refused."""

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

from app.core.diagnosis.causes import Cause
from app.core.errors import EngineError
from app.core.operations.operation import NOT_BACK
from app.core.operations.steps import Step
from app.core.settings.env_file import MAX_FILE_BYTES, parse_env, with_value
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import TOKEN
from app.core.settings.openclaw_config import ConfigUnreadable, parse_config, token_in
from app.core.snapshot import Container, Run
from app.core.tokens import TokenComparison, TokenMatch, at_gateway, same_token
from app.engine.compose import ComposeFailed
from app.engine.gateway.probe import run_checks
from app.store.deployment_files import ENV_FILE
from app.store.file_writes import Edited, change_file, rewrite_files
from app.store.files import Unreadable, read_file
from app.usecases.lifecycle.data_folders import (
    image_for,
    read_openclaw_config,
    write_openclaw_config,
)
from app.usecases.lifecycle.launch import perform_launch
from app.usecases.lifecycle.verify import verify_gateway
from app.usecases.operations.failures import OperationFailed, cause_of
from app.usecases.operations.operation_context import OperationContext

# A gateway that was just proven may miss one answer, hardly three.
_TRIES = 3
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Before:
    """What stood there: both files, and every token that some place of the gateway had."""

    gateway: Container | None
    env: bytes = field(repr=False)
    config: bytes = field(repr=False)
    tokens: frozenset[str] = field(repr=False)


def what_stands(op: OperationContext) -> Before:
    """Raises OperationFailed where `.env` can't be read, EngineError."""
    deployment, context = op.deployment, op.context
    folder = context.store.folder(deployment.id)
    gateway = deployment.gateway_in(context.containers.of(deployment.id))
    try:
        env = read_file(folder / ENV_FILE, MAX_FILE_BYTES)
    except Unreadable as error:
        raise _unchanged(f"its .env {error}") from None
    config, tokens = b"", {deployment.token}
    with suppress(FileNotFoundError, Unreadable, ConfigUnreadable, ComposeFailed):
        config = read_openclaw_config(folder, image_for(deployment, gateway, context))
        tokens.add(token_in(parse_config(config)) or "")
    if gateway:
        tokens.add(context.containers.environment_of(gateway).get(TOKEN.env, ""))
    return Before(gateway, env, config, frozenset(tokens - {""}))


def write_new_token(op: OperationContext, before: Before, token: str) -> bytes:
    """Write it into `.env`; return the file as it is then. Raises OperationFailed, OSError."""
    path = op.context.store.folder(op.deployment.id) / ENV_FILE
    try:
        written = with_value(before.env, TOKEN.env, token)
        # Gateway and engine were asked since it was read, which takes its time.
        rewrite_files({path: (before.env, written)})
    except Edited:
        edited = "somebody has edited .env just now"
        raise _unchanged(edited, "Look at it, then try again.") from None
    except EnvFileError as error:
        raise _unchanged(str(error)) from None
    return written


def _unchanged(why: str, next_step: str = "Correct .env by hand first.") -> OperationFailed:
    return OperationFailed(Cause("env_not_changed", f"Nothing was changed: {why}.", next_step))


def put_back(op: OperationContext, before: Before, written: bytes, cause: Cause) -> OperationFailed:
    """Put the old token back and bring the gateway up with it; return the failure in words.

    `op` has the deployment as it was; `written` is what `.env` was changed to.
    """
    op.say(cause.sentence)
    op.step(Step.BACK, "Going back from the new token")
    try:
        _put_files_back(op, before, written)
        run = _up_as_before(op, before.gateway)
    except OperationFailed as again:
        words = f"{cause.words} The old token is back in .env; with it, too: {again.cause.words}"
        return OperationFailed(Cause(NOT_BACK, words, again.cause.next_step))
    except (ComposeFailed, Unreadable, EnvFileError, EngineError, OSError) as error:
        words = f"{cause.words} The old token could not be put back: the one that .env has counts."
        why = cause_of(error, op)
        step = f"{why.next_step} Launch it again.".strip()
        return OperationFailed(Cause(NOT_BACK, f"{words} {why.words}".strip(), step))
    runs = ", and the gateway runs with it" if run else ""
    words = f"{cause.words} The old token is back{runs}."
    return OperationFailed(Cause(cause.code, words, cause.next_step), run)


def _put_files_back(op: OperationContext, before: Before, written: bytes) -> None:
    """Restore both files, `.env` last; what somebody has edited meanwhile stays edited."""
    folder = op.context.store.folder(op.deployment.id)
    new = parse_env(written)[TOKEN.env]
    image = image_for(op.deployment, before.gateway, op.context)
    if before.config and _has_token(read_openclaw_config(folder, image), new):
        write_openclaw_config(folder, image, before.config)

    def with_old_token(env: bytes) -> bytes:
        if env == written:
            return before.env
        mine = same_token(parse_env(env).get(TOKEN.env, ""), new)
        return with_value(env, TOKEN.env, op.deployment.token) if mine else env

    change_file(folder / ENV_FILE, with_old_token, MAX_FILE_BYTES)


def _has_token(config: bytes, token: str) -> bool:
    with suppress(ConfigUnreadable):
        return same_token(token_in(parse_config(config)) or "", token)
    return False


def _up_as_before(op: OperationContext, before: Container | None) -> Run | None:
    """Return the run that is proven with the old token. Raises OperationFailed, EngineError."""
    if before is None or not before.is_up:
        return None
    op = replace(op, deployment=op.context.store.load(op.deployment.id))
    now = op.deployment.gateway_in(op.context.containers.of(op.deployment.id))
    if now and now.state == "running" and now.run == before.run:
        return verify_gateway(op, now)
    return perform_launch(op)


def see_refused(op: OperationContext, tokens: frozenset[str], run: Run) -> None:
    """Raises OperationFailed where the gateway takes one of the old tokens, or does not say."""
    op.step(Step.REFUSED, "Asking whether the old token is refused")
    for token in tokens:
        answer = _answer_to(token, op)
        if answer.match is TokenMatch.EQUAL:
            raise OperationFailed(_STILL_ACCEPTED, run)
        if answer.match is not TokenMatch.DIFFERS:
            words = f"The new token works; whether the old one does is not known: {answer.reason}"
            raise OperationFailed(Cause("old_token_unknown", words, "Rotate it again."), run)
    op.say("The old token is refused" if tokens else "There was no token before")


_STILL_ACCEPTED = Cause(
    "old_token_accepted",
    "The new token works, but the gateway lets in who comes with the old one, too.",
    "Look at gateway.auth in config/openclaw.json: its mode, or a password that is the same.",
)


def _answer_to(token: str, op: OperationContext) -> TokenComparison:
    env = {**op.deployment.env, TOKEN.env: token}
    deployment = replace(op.deployment, env=env)
    for _ in range(_TRIES):
        gateway = deployment.gateway_in(op.context.containers.of(deployment.id))
        answer = at_gateway(run_checks(deployment, gateway) if gateway else None)
        if answer.match is not TokenMatch.UNKNOWN:
            break
        time.sleep(_PAUSE_SECONDS)
    return answer
