"""A gateway can't reach another gateway by its container's address or name.

A gateway can reach another's published port, as everybody can, and needs a token there.
"""

import docker

from app.engine.host.network import own_address
from tests.support.api import Api
from tests.support.engine.gateway_network import GatewayNetwork
from tests.support.waiting import eventually


def test_gateways_cannot_reach_each_other(api: Api, engine: docker.APIClient) -> None:
    open_one, closed_one = api.configure(), api.configure(bind_address="127.0.0.1")
    for each in (open_one, closed_one):
        assert api.launch(each, wait=False).status_code == 202
    for each in (open_one, closed_one):
        eventually(lambda: api.status(each)["status"] == "running")  # noqa: B023

    for one, other in ((open_one, closed_one), (closed_one, open_one)):
        own, target = GatewayNetwork(engine, one), GatewayNetwork(engine, other)
        # Gateways can reach the host's published ports unless a bind address prevents it.
        published = "connected" if other == open_one else "ECONNREFUSED"

        assert own.connect_to(
            {
                own.address: own.port,
                target.address: target.port,
                **dict.fromkeys(target.names, target.port),
                # `openclaw` is the service name of every gateway, so it leads to the gateway
                # itself.
                "openclaw": target.port,
                own.host_address: target.port,
                target.host_address: target.port,
                own_address(): target.port,
            }
        ) == {
            own.address: "connected",
            target.address: "timeout",
            **dict.fromkeys(target.names, "ENOTFOUND"),
            "openclaw": "ECONNREFUSED",
            own.host_address: published,
            target.host_address: published,
            own_address(): published,
        }
