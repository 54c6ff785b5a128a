"""Catalogue of causes: what the engine's, a registry's or the gateway's own words mean. Data.

Of each source the first entry counts that fits in all that it names: a pattern over what
was said, the exit code, the rung of the ladder; so the specific stand before the general.
Each was recorded from a real failure (Docker 20.10, Compose 2.40, OpenClaw 2026.9.6):
tests/recorded/<source>/<code>.log, and <code>.<anything>.log of further ones.
"""

from enum import StrEnum

from app.core.diagnosis.catalogue.engine import ENGINE
from app.core.diagnosis.catalogue.entry import CatalogueEntry as CatalogueEntry
from app.core.diagnosis.catalogue.gateway import GATEWAY
from app.core.diagnosis.catalogue.pull import PULL
from app.core.diagnosis.catalogue.readiness import LADDER


class Source(StrEnum):
    """Who told of a failure."""

    ENGINE = "engine"
    PULL = "pull"
    GATEWAY = "gateway"
    LADDER = "ladder"


CATALOGUE = {
    Source.ENGINE: ENGINE,
    # A registry, too, refuses connections and ends them: its own words count first.
    Source.PULL: PULL + ENGINE,
    Source.GATEWAY: GATEWAY,
    Source.LADDER: LADDER,
}
