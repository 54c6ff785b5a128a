"""Obstacles between a visitor and a gateway's page: what happens when the visitor opens the page.

Measured on OpenClaw 2026.9.6 in a container: a browser that opens the page at localhost is paired
at once if that origin is allowed. A page at a private address, or under a `.local` or `.ts.net`
name, is accepted even if its origin is not listed; any other page only if its origin is listed.
Outside localhost, a browser must be approved once. An explicit list of origins replaces the two
built-in origins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from app.core.settings.openclaw_config import OriginRejected, origin_of, parse_origin

_LOOPBACK_NAMES = ("localhost", "127.0.0.1")
_EVERYWHERE = ("", "0.0.0.0")  # noqa: S104
# The networks that OpenClaw treats as private, except loopback.
_PRIVATE = (
    *map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")),
    *map(ip_network, ("169.254.0.0/16", "fc00::/7", "fe80::/10")),
)
_APPROVED_ONCE = "this browser must be approved once; its request will appear on this page"


@dataclass(frozen=True, slots=True)
class PageVisitor:
    """How somebody opened Deploy Agent: the name used, over https or not, from this host or not."""

    name: str
    secure: bool = False
    local: bool = False


@dataclass(frozen=True, slots=True)
class PublishedGateway:
    """Where a gateway can be reached. `origins` is None if we may not read the list of origins.

    `host_name` is this host's own name, used if no other address is known.
    """

    port: int
    origins: Sequence[str] | None
    bind_address: str = ""
    public_host: str = ""
    host_name: str = ""


@dataclass(frozen=True, slots=True)
class PageObstacle:
    """What a visitor meets at a gateway's page. `code` is stable.

    `blocks` means that the page can't be used like this. Allowing `origin` removes the
    obstacle. `asks` means that the visitor has to enter the origin.
    """

    code: str
    words: str
    next_step: str = ""
    command: str = ""
    url: str = ""
    origin: str = ""
    asks: bool = False
    blocks: bool = False


def obstacles_at(visitor: PageVisitor, gateway: PublishedGateway) -> tuple[PageObstacle, ...]:
    """Return what will happen when the visitor follows the link to the gateway's page."""
    name = (gateway.public_host or visitor.name).lower()
    found = [_behind_https(gateway)] if visitor.secure else []
    unreachable = _not_published_at(name, visitor, gateway)
    found.append(unreachable or _by_origin(name, gateway))
    if name in _LOOPBACK_NAMES and not unreachable:
        found.append(_perhaps_tunneled(gateway))
    return tuple(found)


def _behind_https(gateway: PublishedGateway) -> PageObstacle:
    port = gateway.port
    listed = next((each for each in gateway.origins or () if each.startswith("https://")), None)
    if listed:
        return PageObstacle(
            "https_allowed",
            f"The page {listed} behind the TLS proxy is allowed. Its WebSocket address is"
            f" wss{listed.removeprefix('https')}, and {_APPROVED_ONCE}.",
            url=f"{listed}/",
        )
    return PageObstacle(
        "https_page",
        "You opened Deploy Agent over https, but the gateway's own page is plain http at port"
        f" {port}. Browsers block ws:// addresses inside an https page, and they don't open plain"
        " http at all under a name that requires https.",
        "Put the gateway behind the proxy too, under its own https name that forwards WebSockets"
        f" to port {port}, and allow that name here. Its WebSocket address then begins with"
        " wss://.",
        asks=True,
        blocks=True,
    )


def _not_published_at(
    name: str, visitor: PageVisitor, gateway: PublishedGateway
) -> PageObstacle | None:
    """Return the obstacle if the gateway can't answer at this name, or None if it may answer."""
    bind = gateway.bind_address
    if bind in _EVERYWHERE or bind == name or not _address_of(bind):
        return None
    here = f"http://{_host(name)}:{gateway.port}"
    words = f"The gateway is published on {bind} only, so {here} does not answer."
    if ip_address(bind).is_loopback:
        return None if name in _LOOPBACK_NAMES else _on_loopback_only(words, name, visitor, gateway)
    address = _address_of(name)
    # A public address or a name may lead to the address on which the gateway is published.
    if name in _LOOPBACK_NAMES or (address and _is_private(address)):
        return _published_elsewhere(words, name, gateway)
    return None


def _on_loopback_only(
    words: str, name: str, visitor: PageVisitor, gateway: PublishedGateway
) -> PageObstacle:
    url = f"http://localhost:{gateway.port}"
    if visitor.local:
        return PageObstacle(
            "published_here_only", words, "Open this here:", url=f"{url}/", blocks=True
        )
    return PageObstacle(
        "published_there_only",
        words,
        f"Run this on your machine, keep it open, then open {url} there; no approval is needed.",
        command=_tunnel(name, gateway),
        blocks=True,
    )


def _published_elsewhere(words: str, name: str, gateway: PublishedGateway) -> PageObstacle:
    url, step, command = f"http://{gateway.bind_address}:{gateway.port}/", "Open this instead:", ""
    if name in _LOOPBACK_NAMES:
        step = f"Open {url} instead. If you use an SSH tunnel, add a tunnel for the gateway's port:"
        command = _tunnel("", gateway)
    return PageObstacle("published_elsewhere", words, step, command, url, blocks=True)


def _by_origin(name: str, gateway: PublishedGateway) -> PageObstacle:
    """Return how the gateway's page treats a browser that opens the page under this name."""
    port, origins = gateway.port, gateway.origins
    try:
        origin = parse_origin(origin_of("http", _host(name), port), port)
    except OriginRejected:
        return PageObstacle(
            "name_unknown",
            "The host name in your browser's address is not valid, so this can't be checked.",
            "Open Deploy Agent by this host's name or address.",
            blocks=True,
        )
    listed = origins is not None and ("*" in origins or origin in origins)
    if name in _LOOPBACK_NAMES and (listed or origins is None):
        words = "The gateway's page opens here without approval, because you use localhost."
        return PageObstacle("opens", words)
    if listed or _is_trusted(name):
        return PageObstacle("pairing", f"The gateway's page opens at {origin}; {_APPROVED_ONCE}.")
    return _origin_not_listed(origin, origins is not None)


def _origin_not_listed(origin: str, is_certain: bool) -> PageObstacle:
    if is_certain:
        return PageObstacle(
            "origin_refused",
            f"The gateway's page will say “Browser origin not allowed”: {origin} is not in its"
            " list of allowed origins.",
            "Allow this name.",
            origin=origin,
            blocks=True,
        )
    return PageObstacle(
        "origin_unknown",
        "Only the gateway may read its list of allowed origins, so we can't tell whether"
        f" {origin} is in it.",
        "If its page says “Browser origin not allowed”, allow this name.",
        origin=origin,
    )


def _perhaps_tunneled(gateway: PublishedGateway) -> PageObstacle:
    return PageObstacle(
        "perhaps_tunnelled",
        "If you use an SSH tunnel, add a tunnel for the gateway's port, then open"
        f" http://localhost:{gateway.port}:",
        command=_tunnel("", gateway),
    )


def _tunnel(name: str, gateway: PublishedGateway) -> str:
    """Return the SSH command for the visitor's own terminal. `name` is this host's name there."""
    bind = "127.0.0.1" if gateway.bind_address in _EVERYWHERE else gateway.bind_address
    host = name or gateway.public_host or gateway.host_name or "HOST"
    return f"ssh -N -L {gateway.port}:{bind}:{gateway.port} {host.strip('[]')}"


def _is_trusted(name: str) -> bool:
    """Return whether OpenClaw accepts its page at this name even if the origin is not listed."""
    address = _address_of(name)
    return _is_private(address) if address else name.endswith((".local", ".ts.net"))


def _is_private(address: str) -> bool:
    return any(ip_address(address) in network for network in _PRIVATE)


def _address_of(name: str) -> str | None:
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        return None


def _host(name: str) -> str:
    """Return a name as written in a URL."""
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
