"""Readiness: the ladder of a deployment, as last seen."""

from app.core.ladder import Rung, ladder
from app.usecases.data_folders import tokens_equal
from app.usecases.overview import Card
from app.usecases.world import World


def ladder_of(card: Card, *, world: World, patience: float = 0.0) -> tuple[Rung, ...]:
    """Return the rungs as last seen; asking starts a new climb where that is old.

    Who asks once, with nobody before, waits for the climb with `patience`, in seconds.
    """
    deployment, gateway = card.deployment, card.gateway
    up = gateway is not None and card.verdict.status.up
    probed = world.probes.rungs(deployment, gateway, patience) if gateway and up else None
    folder = world.store.folder(deployment.id)
    same = tokens_equal(deployment, folder)
    return ladder(card.verdict, probed, same, has_container=gateway is not None)
