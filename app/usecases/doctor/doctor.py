"""The doctor: runs all checks of this host and the deployments folder in parallel."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from app.core.doctor import engine, folder, host, images, network, operations, reach
from app.core.doctor.finding import DoctorCheck, DoctorFinding, summary, worst_first
from app.core.errors import EngineError, UserError
from app.usecases.context import AppContext
from app.usecases.doctor import folder as doctor_folder
from app.usecases.doctor import host as doctor_host
from app.usecases.doctor import network as doctor_network
from app.usecases.doctor.answers import DoctorAnswer
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
    (folder.ORPHANS, doctor_folder.orphans),
    (operations.OPERATIONS, doctor_folder.half_done),
)


def examine(*, context: AppContext) -> DoctorAnswer:
    """Run all checks in parallel. Each has a timeout, so a check that hangs delays no other."""
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
    return DoctorAnswer(
        summary=summary(findings),
        examined_at=datetime.now(UTC).replace(microsecond=0),
        findings=worst_first(findings),
    )


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
            return check.unknown(f"The check failed: {os.strerror(error.errno or 0)}.")
        except Exception as error:  # noqa: BLE001 - a bug in one check must not hide the others
            return check.unknown(f"Deploy Agent itself failed here ({type(error).__name__}).")

    return run_safely
