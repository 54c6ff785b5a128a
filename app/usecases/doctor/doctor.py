"""The doctor: checks all that this host and the deployments folder need, in parallel."""

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

_SECONDS = 5.0

CheckFunction = Callable[[Facts], DoctorFinding]
_CHECKS: tuple[tuple[DoctorCheck, CheckFunction], ...] = (
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
    """The findings of all checks at one moment, the worst first."""

    at: datetime
    findings: tuple[DoctorFinding, ...]

    @property
    def anything_bad(self) -> bool:
        return any(each.verdict is DoctorVerdict.BAD for each in self.findings)


def examine(*, context: AppContext) -> Examination:
    """Run all checks in parallel, each with a timeout: one that hangs delays no other."""
    facts, until = Facts(context), time.monotonic() + _SECONDS
    started = [
        (check, context.background.begin(f"doctor-{check.code}", _safely(check, run, facts)))
        for check, run in _CHECKS
    ]
    findings = []
    for check, future in started:
        try:
            findings.append(future.result(until - time.monotonic()))
        except TimeoutError:
            findings.append(check.unknown(f"No answer within {_SECONDS:g} s."))
    return Examination(datetime.now(UTC), tuple(worst_first(findings)))


def describe(examination: Examination) -> dict[str, Any]:
    """Return the findings as the API and the command line show them."""
    return {
        "summary": summary(examination.findings),
        "examined_at": examination.at.isoformat(timespec="seconds"),
        "findings": [asdict(each) for each in examination.findings],
    }


def _safely(check: DoctorCheck, run: CheckFunction, facts: Facts) -> Callable[[], DoctorFinding]:
    """Return a function that runs one check and turns an exception into an unknown finding."""

    def run_safely() -> DoctorFinding:
        try:
            return run(facts)
        except EngineError:
            return check.unknown("Docker Engine did not answer.")
        except UserError as error:
            return check.unknown(error.detail)
        except OSError as error:
            return check.unknown(f"It can't be checked: {os.strerror(error.errno or 0)}.")
        except Exception as error:  # noqa: BLE001 - a bug in one check must not hide the others
            return check.unknown(f"Deploy Agent itself failed here ({type(error).__name__}).")

    return run_safely
