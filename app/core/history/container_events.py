"""Events that the engine sends about a deployment's containers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """One event. `action` is Docker's word: start, die, kill, destroy, oom, pause, …

    `attributes` are Docker's too: exitCode, signal, image, the container's labels.
    """

    deployment_id: str
    container_id: str
    action: str
    at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
