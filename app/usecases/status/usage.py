"""Usage: what running gateways take of the host, as far as it is known by now."""

from collections.abc import Iterable

from app.core.status.usage import Usage
from app.usecases.status.overview import Card
from app.usecases.context import World


def usage_of(cards: Iterable[Card], *, world: World) -> dict[str, Usage]:
    """Return the usage by deployment id; asking keeps the sampler at work for a while."""
    running = {
        card.gateway.id: card.deployment.id
        for card in cards
        if card.gateway and card.gateway.state == "running"
    }
    found = world.sampler.usage_of(running)
    return {running[each]: usage for each, usage in found.items()}
