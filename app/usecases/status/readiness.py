"""Readiness: the ladder of a deployment, as last seen or as climbed now."""

from app.core.deployment import Container
from app.core.status.readiness_checks import Rung
from app.core.status.readiness import ladder
from app.usecases.lifecycle.data_folders import tokens_equal
from app.usecases.status.overview import Card, show_deployment
from app.usecases.context import World


def ladder_of(card: Card, *, world: World) -> tuple[Rung, ...]:
    """Return the rungs as last seen; asking starts a new climb where that is old."""
    gateway = _climbable(card)
    probed = world.probes.rungs(card.deployment, gateway) if gateway else None
    return _whole(card, probed, world)


def show_climbed(deployment_id: str, *, world: World) -> tuple[Card, tuple[Rung, ...]]:
    """Return one deployment with its ladder, climbed now for who asks once. Raises NotFound."""
    card = show_deployment(deployment_id, world=world)
    gateway = _climbable(card)
    if gateway is None or card.deployment.port is None:
        return card, _whole(card, None, world)
    probed = world.rounds.climb(card.deployment, gateway)
    card = show_deployment(deployment_id, world=world)
    return card, _whole(card, probed, world)


def _climbable(card: Card) -> Container | None:
    return card.gateway if card.verdict.status.up else None


def _whole(card: Card, probed: list[Rung] | None, world: World) -> tuple[Rung, ...]:
    same = tokens_equal(card.deployment, world.store.folder(card.deployment.id))
    return ladder(card.verdict, probed, same, has_container=card.gateway is not None)
