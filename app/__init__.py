"""Deploy Agent: configure, launch, watch and stop OpenClaw gateways with Docker Compose."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Return the server. Raises RemoteEngine, StorageFailed."""
    # Imported here because operation processes import this package too, and need no server.
    from app.web import create_app as server

    return server.create_app(settings)
