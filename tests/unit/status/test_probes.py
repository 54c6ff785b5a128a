"""Probes: checks from before or during an operation do not count after it."""

import pytest

from app.core.operations.operation import OperationState
from app.core.status.readiness import CheckState, ReadinessCheck
from app.engine.gateway import probes
from app.engine.gateway.probes import Probes
from tests.support.builders import a_container, a_deployment, an_operation

_PATIENCE = 60.0
BROKEN = [ReadinessCheck("healthz", CheckState.FAILED)]
WHOLE = [ReadinessCheck("healthz", CheckState.PASSED)]


def test_readiness_checks_from_before_an_operation_are_not_shown_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = [BROKEN, WHOLE, WHOLE]
    monkeypatch.setattr(probes, "run_checks", lambda deployment, gateway: seen.pop(0))
    kept, gateway = Probes(lambda: None), a_container()
    launching = a_deployment(operation=an_operation(state=OperationState.RUNNING))
    launched = a_deployment(operation=an_operation())
    stopping = a_deployment(operation=an_operation(state=OperationState.RUNNING, number=2))

    assert kept.rungs(launching, gateway, _PATIENCE) == BROKEN
    assert kept.rungs(launching, gateway) == BROKEN

    assert kept.rungs(launched, gateway) in (None, WHOLE)
    assert kept.rungs(launched, gateway, _PATIENCE) == WHOLE
    assert kept.rungs(stopping, gateway) in (None, WHOLE)
    assert kept.rungs(stopping, gateway, _PATIENCE) == WHOLE


def test_failing_readiness_checks_are_logged_and_run_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    climbs = iter((ZeroDivisionError("staged"), WHOLE))

    def climb(*_of: object) -> list[ReadinessCheck]:
        came = next(climbs)
        if isinstance(came, Exception):
            raise came
        return came

    monkeypatch.setattr(probes, "run_checks", climb)
    kept = Probes(lambda: None)

    assert kept.rungs(a_deployment(), a_container(), _PATIENCE) in (None, WHOLE)
    assert kept.rungs(a_deployment(), a_container(), _PATIENCE) == WHOLE
    assert "staged" in caplog.text
