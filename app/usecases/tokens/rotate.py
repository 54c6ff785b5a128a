"""Rotate token: put a new token into both files and the gateway; check that the old one fails.

For the state after a crash, and what the next launch does about it, see `token_change.py`.

Measured on OpenClaw 2026.9.6: after a rotation, a paired device is refused with the old token, and
with its own earlier device token. With the new token it connects without another approval.
"""

import secrets
import time
from dataclasses import replace

from app.core.diagnosis.causes import Cause
from app.core.operations.kinds import OperationKind
from app.core.operations.steps import Step
from app.core.settings.fields import TOKEN
from app.core.snapshot import Run
from app.core.tokens import TokenComparison, TokenMatch, at_gateway
from app.engine.gateway.checks import run_checks
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import require_launchable
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.start import Started, require_engine, start_operation
from app.usecases.operations.transaction import run_transaction
from app.usecases.tokens.token_change import token_change

_BYTES = 32
# A gateway that was just verified may miss one request, but hardly three.
_TRIES = 3
_PAUSE_SECONDS = 0.5


def rotate_token(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start the rotation of a deployment's token; if the gateway is down, only the files change.

    Raise NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    require_launchable(deployment, "given a new token")
    require_engine(deployment_id, context)
    return start_operation(OperationKind.ROTATE_TOKEN, deployment, actor=actor, context=context)


def perform_rotate_token(op: OperationContext) -> Run | None:
    """Write a new token, bring the gateway up, and check that it refuses the old token.

    Return the verified run, or None if the gateway is down: its next launch verifies the token.
    Raise EngineError, or OperationFailed, after putting the old token back if the new one does not
    work.
    """
    change = token_change(op, secrets.token_hex(_BYTES))
    op.log.hide((change.new, *change.old_tokens))
    op.step(Step.TOKEN, "Writing a new token into .env")
    change.write(op)
    run = run_transaction(op, change)
    if run:
        _check_refused(op.reloaded(), change.old_tokens, run)
    return run


def _check_refused(op: OperationContext, tokens: frozenset[str], run: Run) -> None:
    """Raise OperationFailed if the gateway accepts an old token, or does not answer."""
    op.step(Step.REFUSED, "Asking whether the old token is refused")
    for token in tokens:
        answer = _answer_to(token, op)
        if answer.match is TokenMatch.EQUAL:
            raise OperationFailed(_STILL_ACCEPTED, run)
        if answer.match is not TokenMatch.DIFFERS:
            words = (
                f"The new token works. Whether the old one still works is unknown: {answer.reason}"
            )
            raise OperationFailed.of(
                "old_token_unknown", words, "Rotate the token again.", verified=run
            )
    op.say("The old token is refused" if tokens else "There was no token before")


_STILL_ACCEPTED = Cause(
    "old_token_accepted",
    "The new token works, but the gateway still accepts the old token, too.",
    "Check gateway.auth in config/openclaw.json: the mode, or a password equal to the old token.",
)


def _answer_to(token: str, op: OperationContext) -> TokenComparison:
    deployment = replace(op.deployment, env={**op.deployment.env, TOKEN.env: token})
    for _ in range(_TRIES):
        gateway = op.gateway()
        answer = at_gateway(run_checks(deployment, gateway) if gateway else None)
        if answer.match is not TokenMatch.UNKNOWN:
            break
        time.sleep(_PAUSE_SECONDS)
    return answer
