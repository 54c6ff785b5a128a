"""Catalogue of causes, as data: what messages of the engine, registries and gateways mean.

An entry matches by the message and, if the entry names any, exit codes. The first match of a source
applies, so specific entries come before general entries. Every entry was recorded from a real
failure (Docker 20.10, Compose 2.40, OpenClaw 2026.9.6): see tests/recorded/<source>/<code>.log and
<code>.<anything>.log.
"""

from enum import StrEnum

from app.core.diagnosis.catalogue.engine import ENGINE
from app.core.diagnosis.catalogue.entry import CatalogueEntry as CatalogueEntry
from app.core.diagnosis.catalogue.gateway import GATEWAY
from app.core.diagnosis.catalogue.pull import PULL
from app.core.diagnosis.catalogue.readiness import LADDER


class Source(StrEnum):
    """Who reported a failure."""

    ENGINE = "engine"
    PULL = "pull"
    GATEWAY = "gateway"
    LADDER = "ladder"


CATALOGUE = {
    Source.ENGINE: ENGINE,
    # A registry may refuse or end a connection as the engine may, so PULL is tried before ENGINE.
    Source.PULL: PULL + ENGINE,
    Source.GATEWAY: GATEWAY,
    Source.LADDER: LADDER,
}
