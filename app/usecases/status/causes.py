"""Causes: why Compose, the engine or a gateway failed."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from app.core.deployment import Deployment
from app.core.diagnosis.causes import (
    LAST_LINES,
    Cause,
    engine_cause,
    exit_cause,
    last_words_of,
    pull_cause,
)
from app.core.diagnosis.fix_lines import FixLineParts
from app.core.errors import EngineError, EngineRefused
from app.core.secrets import Masker
from app.core.snapshot import Container
from app.engine.compose_call import ComposeFailed
from app.engine.host.network import listener_on
from app.usecases.context import AppContext
from app.usecases.history.last_words import last_log_lines, save_last_words_of
from app.usecases.status.fix_lines import fix_line_parts


def compose_cause(error: ComposeFailed, deployment: Deployment, context: AppContext) -> Cause:
    """Return why Compose failed."""
    if error.timed_out:
        return Cause(
            "compose_timeout",
            "Compose took too long and was ended.",
            "Check the load and the disk of this host, then try again.",
        )
    return _engine_cause(error.output, deployment, context)


def cause_of_pull(
    error: ComposeFailed, missing: Mapping[str, str], deployment: Deployment, context: AppContext
) -> Cause:
    """Return why images could not be pulled. `missing` maps services to images."""
    images = ", ".join(missing.values())
    known = (
        None if error.timed_out else pull_cause(error.output, fix_line_parts(deployment, context))
    )
    cause = known or compose_cause(error, deployment, context)
    if cause.code == "image_missing":
        return replace(
            cause, words=f"No registry gave {images}, and this host does not have the image either."
        )
    return replace(cause, words=f"{images} was not pulled. {cause.words}") if known else cause


def cause_of_engine(error: EngineError, deployment: Deployment, context: AppContext) -> Cause:
    """Return why an engine call failed."""
    known = None
    if isinstance(error, EngineRefused):
        known = engine_cause(error.detail, fix_line_parts(deployment, context))
    return known or Cause(error.code, error.detail, "")


def end_cause(gateway: Container, deployment: Deployment, context: AppContext) -> Cause:
    """Return why a gateway's container ended or was never started; also save its last words.

    Raises EngineError.
    """
    details = gateway.details
    assert details is not None, "the container must be inspected first"
    if gateway.state == "created":
        return _engine_cause(details.error, deployment, context)
    code, out_of_memory = details.exit_code, details.out_of_memory
    if details.restart_count and (
        ended := context.containers.last_exit(gateway.id, gateway.created_at)
    ):
        # Use the recorded exit: a container that runs again has exit code 0.
        code, out_of_memory = ended.exit_code, ended.out_of_memory or out_of_memory
    lines, repairs = _last_lines(gateway, deployment, context), fix_line_parts(deployment, context)
    return exit_cause(code, out_of_memory, lines, repairs)


def _last_lines(
    gateway: Container, deployment: Deployment, context: AppContext
) -> list[str] | None:
    """Return the last lines, and try to save them; None if the engine has no log.

    Raises EngineError if the engine does not answer, so that the caller can retry.
    """
    try:
        with suppress(OSError):
            return save_last_words_of(gateway, deployment, context)
        return last_log_lines(gateway, deployment, LAST_LINES, context)
    except EngineRefused:
        return None


def _engine_cause(text: str, deployment: Deployment, context: AppContext) -> Cause:
    repairs = fix_line_parts(deployment, context)
    cause = engine_cause(text, repairs)
    if cause is None:
        return Cause("compose_failed", Masker(deployment.secrets)(last_words_of(text)), "")
    if cause.code == "port_taken":
        return _port_taken(cause, repairs, deployment, context)
    return cause


def _port_taken(
    cause: Cause, repairs: FixLineParts, deployment: Deployment, context: AppContext
) -> Cause:
    """Return the cause with the current user of the port and a free port."""
    who = _who_has_the_port(deployment, context)
    free = repairs.values["free_port"]
    if not free:
        return replace(cause, words=who)
    step = f"Free the port, or use port {free}."
    return replace(cause, words=who, next_step=step, free_port=int(free))


def _who_has_the_port(deployment: Deployment, context: AppContext) -> str:
    port = deployment.port or 0
    try:
        own = {each.name for each in context.containers.of(deployment.id)}
        owner = context.containers.publishers().get(port)
    except EngineError:
        own, owner = set(), None
    if owner and owner not in own:
        return f"Port {port} is taken by the container {owner}."
    return f"Port {port} is taken by {listener_on(port) or 'another program'} on this host."
