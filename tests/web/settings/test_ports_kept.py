"""No port is used twice, even if a rollback of a port change is still possible."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import ROLLBACK_FAILED, OperationState
from app.store import operations
from tests.support.api import API_KEY, Api
from tests.support.server import free_port


@pytest.mark.parametrize("code", [None, ROLLBACK_FAILED])
@pytest.mark.parametrize(("wanted", "other"), [("port", "port_before"), ("port_before", "port")])
def test_an_interrupted_change_reserves_both_ports_until_it_is_settled(
    api: Api, deployments_dir: Path, wanted: str, other: str, code: str | None
) -> None:
    deployment_id = api.configure(port=free_port())
    ports = {"port": free_port(), "port_before": free_port()}
    asked = {each: str(port) for each, port in ports.items()}
    folder = deployments_dir / deployment_id
    # Without an outcome, and with an unlocked folder, the operation counts as interrupted.
    begun = operations.begin(folder, OperationKind.RECONFIGURE, "ana", {"changed": "port", **asked})
    if code:
        operations.end(folder, replace(begun, state=OperationState.FAILED, code=code))

    refused = api.post("configure", {"openrouter_api_key": API_KEY, "port": ports[wanted]})
    own = api.post("reconfigure", {"deployment_id": deployment_id, "port": ports[wanted]})
    after = api.post("configure", {"openrouter_api_key": API_KEY, "port": ports[other]})

    assert refused.status_code == 422, refused.text
    assert f"taken by the deployment {deployment_id}" in refused.json["errors"][0]["message"]
    assert own.status_code == 200, own.text
    assert after.status_code == 200, after.text
