"""Readiness: the ladder of a deployment, climbed beside the page and never waited for."""

from app.core.ladder import Rung, ladder
from app.core.ports import probe_address
from app.engine.probe import climb
from app.usecases.data_folders import tokens_equal
from app.usecases.overview import Card
from app.usecases.world import World


def ladder_of(card: Card, *, world: World) -> tuple[Rung, ...]:
    """Return the rungs as last seen; asking starts a new climb where that is old."""
    folder = world.store.folder(card.deployment.id)
    return ladder(card.verdict, _probed(card, world), tokens_equal(card.deployment, folder))


def _probed(card: Card, world: World) -> list[Rung] | None:
    deployment, gateway, probes = card.deployment, card.gateway, world.probes
    if deployment.port is None or gateway is None or not card.verdict.status.up:
        return None
    address = probe_address(deployment.env.get("BIND_ADDRESS", ""))
    key = (deployment.id, gateway.id, address, deployment.port, hash(deployment.token))
    with probes.lock:
        future = probes.futures.get(key)
        if future is None:
            future = probes.pool.submit(climb, address, deployment.port, deployment.token)
            probes.futures[key] = future
        if future.done():
            probes.last[key] = future.result()
        return probes.last.get(key)
