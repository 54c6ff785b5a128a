"""The doctor: all that this host and the folder need, looked at side by side, each in time."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.doctor import engine, folder, host, images, network, operations, reach
from app.core.doctor.finding import DoctorCheck, DoctorFinding, DoctorVerdict, summary, worst_first
from app.core.errors import EngineError, UserError
from app.usecases.context import AppContext
from app.usecases.doctor import folder as doctor_folder
from app.usecases.doctor import host as doctor_host
from app.usecases.doctor import network as doctor_network
from app.usecases.doctor.facts import Facts
from app.usecases.side_by_side import seconds_until

_SECONDS = 5.0

Look = Callable[[Facts], DoctorFinding]
_LOOKS: tuple[tuple[DoctorCheck, Look], ...] = (
    (engine.ENGINE, doctor_host.engine_answers),
    (engine.COMPOSE, doctor_host.compose),
    (engine.SOCKET, doctor_host.socket),
    (engine.TCP, doctor_host.tcp),
    (engine.LIMITS, doctor_host.limits),
    (engine.BOOT, doctor_host.boot),
    (images.IMAGE, doctor_host.image),
    (images.IMAGES, doctor_host.images_of_deployments),
    (host.DISK, doctor_host.disk),
    (host.DISK_ENGINE, doctor_host.disk_engine),
    (host.MEMORY, doctor_host.memory),
    (host.ROOM, doctor_host.room),
    (host.GATEWAY_MEMORY, doctor_host.gateway_memory),
    (host.CLOCK, doctor_host.clock),
    (network.NETWORKS, doctor_network.networks),
    (network.ENGINE_NETWORKS, doctor_network.engine_networks),
    (network.PORTS, doctor_network.ports),
    (reach.GATEWAYS, doctor_network.gateways_reach),
    (reach.PAGE, doctor_network.page_reach),
    (folder.MODES, doctor_folder.modes),
    (folder.OWNERS, doctor_folder.owners),
    (folder.LINKS, doctor_folder.links),
    (folder.FOREIGN, doctor_folder.foreign),
    (folder.STRANDED, doctor_folder.stranded),
    (operations.OPERATIONS, doctor_folder.half_done),
)


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was found at one moment, the worst first."""

    at: datetime
    findings: tuple[DoctorFinding, ...]

    @property
    def anything_bad(self) -> bool:
        return any(each.verdict is DoctorVerdict.BAD for each in self.findings)


def examine(*, context: AppContext) -> Examination:
    """Look at everything at once, each within its own time: what hangs holds up nothing else."""
    facts, until = Facts(context), time.monotonic() + _SECONDS
    begun = [
        (check, context.side_by_side.begin(f"doctor-{check.code}", _safely(check, look, facts)))
        for check, look in _LOOKS
    ]
    findings = []
    for check, looked in begun:
        try:
            findings.append(looked.result(seconds_until(until)))
        except TimeoutError:
            findings.append(check.unknown(f"No answer within {_SECONDS:g} s."))
    return Examination(datetime.now(UTC), tuple(worst_first(findings)))


def describe(examination: Examination) -> dict[str, Any]:
    """Return what was found as the API and the command line answer it."""
    return {
        "summary": summary(examination.findings),
        "examined_at": examination.at.isoformat(timespec="seconds"),
        "findings": [asdict(each) for each in examination.findings],
    }


def _safely(check: DoctorCheck, look: Look, facts: Facts) -> Callable[[], DoctorFinding]:
    """Return a look that tells in words why it could not see."""

    def see() -> DoctorFinding:
        try:
            return look(facts)
        except EngineError:
            return check.unknown("Docker Engine did not tell.")
        except UserError as error:
            return check.unknown(error.detail)
        except OSError as error:
            return check.unknown(f"It can't be looked at: {os.strerror(error.errno or 0)}.")
        except Exception as error:  # noqa: BLE001 - a fault of ours in one check hides no other
            return check.unknown(f"Deploy Agent itself failed here ({type(error).__name__}).")

    return see
