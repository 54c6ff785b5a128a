"""Causes: why Compose or a gateway failed, asked of whoever knows."""

from app.core.deployment import Container, Deployment, gateway_of
from app.core.diagnosis import Cause, engine_cause, exit_cause, last_words_of
from app.core.secrets import Masker, secret_values
from app.engine.compose import ComposeFailed
from app.engine.host import listener_on
from app.usecases.last_words import keep_words_of
from app.usecases.world import World

_LINES = 200


def compose_cause(error: ComposeFailed, deployment: Deployment, world: World) -> Cause:
    """Return why Compose failed. Raises EngineError."""
    if error.timed_out:
        return Cause(
            "compose_timeout",
            "Compose did not come to an end in time and was ended.",
            "Look at Docker Engine's load and disk, then try again.",
        )
    return _engine_cause(error.output, deployment, world)


def end_cause(gateway: Container, deployment: Deployment, world: World) -> Cause:
    """Return why a gateway's container ended or was never started; its last words are kept.

    Raises EngineError.
    """
    details = gateway.details
    assert details is not None, "asked only for inspected containers"
    if gateway.state == "created":
        return _engine_cause(details.error, deployment, world)
    mask = Masker(secret_values(deployment.env))
    folder = world.store.folder(deployment.id)
    lines = keep_words_of(gateway, folder, world.containers, mask)
    code = details.exit_code
    if details.restart_count:
        # It may run again by now, and then its own exit code is 0.
        ended = world.containers.last_exit_code(gateway.id, gateway.created_at)
        code = code if ended is None else ended
    return exit_cause(code, details.out_of_memory, lines[-_LINES:])


def _engine_cause(text: str, deployment: Deployment, world: World) -> Cause:
    cause = engine_cause(text)
    if cause is None:
        mask = Masker(secret_values(deployment.env))
        return Cause("compose_failed", mask(last_words_of(text)), "")
    if cause.code == "port_taken":
        return Cause(cause.code, _who_has_the_port(deployment, world), cause.next_step)
    if cause.code == "image_missing" and (image := deployment.env.get("OPENCLAW_IMAGE")):
        words = f"The image {image} is not on this host, and no registry gave it."
        return Cause(cause.code, words, cause.next_step)
    return cause


def _who_has_the_port(deployment: Deployment, world: World) -> str:
    port = deployment.port or 0
    own = gateway_of(world.containers.of(deployment.id))
    owner = world.containers.publishers().get(port)
    if owner and not (own and own.name == owner):
        return f"Port {port} is taken by the container {owner}."
    return f"Port {port} is taken by {listener_on(port) or 'another program'} on this host."
