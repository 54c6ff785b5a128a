"""The network inside a gateway's container, and what the gateway's skills can reach from there."""

import json
from collections.abc import Mapping

import docker

_TRY = """
const net = require('net')
const targets = Object.entries(JSON.parse(process.argv[1]))
Promise.all(targets.map(([host, port]) => new Promise(done => {
  const socket = net.connect({host, port, timeout: 2000})
  const ended = what => { socket.destroy(); done([host, what]) }
  socket.on('connect', () => ended('connected'))
  socket.on('timeout', () => ended('timeout'))
  socket.on('error', error => ended(error.code))
}))).then(found => console.log(JSON.stringify(Object.fromEntries(found))))
"""


class GatewayNetwork:
    """The network of a running gateway's container."""

    def __init__(self, engine: docker.APIClient, deployment_id: str) -> None:
        self.name = f"{deployment_id}-openclaw-1"
        self._engine = engine
        inspected = engine.inspect_container(self.name)
        self.container = inspected["Id"]
        [(network, place)] = inspected["NetworkSettings"]["Networks"].items()
        self.address, self.host_address = place["IPAddress"], place["Gateway"]
        self.names = [deployment_id, self.name, f"openclaw.{network}", f"{self.name}.{network}"]
        ports = inspected["NetworkSettings"]["Ports"].items()
        self.port = int(next(port for port, bound in ports if bound).partition("/")[0])

    def connect_to(self, targets: Mapping[str, int]) -> dict[str, str]:
        """From inside the container, connect to a port of each host; return the result by host."""
        command = self._engine.exec_create(self.name, ["node", "-e", _TRY, json.dumps(targets)])
        return dict(json.loads(self._engine.exec_start(command["Id"])))
