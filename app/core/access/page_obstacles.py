"""Walls: what a gateway will say when its page is opened from where the reader stands.

Measured on OpenClaw 2026.9.6 in a container: a page of localhost that is among
the allowed origins is paired at once; one opened by a private address, `.local`
or `.ts.net` name is taken without being listed, and any other only when listed;
both have to be approved once. A list of one's own replaces the built-in pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from app.core.settings.openclaw_config import OriginRejected, origin_of, parse_origin

_LOOPBACK_NAMES = ("localhost", "127.0.0.1")
_EVERYWHERE = ("", "0.0.0.0")  # noqa: S104
# What OpenClaw takes for a private network, loopback left out.
_PRIVATE = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
_APPROVED_ONCE = "this browser has to be approved once; its request then shows on this page"


@dataclass(frozen=True, slots=True)
class PageVisitor:
    """From where somebody reads: by which name, over https, from this server's own loopback."""

    name: str
    secure: bool = False
    local: bool = False


@dataclass(frozen=True, slots=True)
class PublishedGateway:
    """Where a gateway can be reached. `origins` is None where they are not ours to read.

    `host_name` is what this host calls itself, for want of a better name.
    """

    port: int
    origins: Sequence[str] | None
    bind_address: str = ""
    public_host: str = ""
    host_name: str = ""


@dataclass(frozen=True, slots=True)
class PageObstacle:
    """One statement. `code` is stable; `blocks` says that the page can't be used as it is.

    `origin` may be allowed to mend it; where `asks`, the reader has to name it.
    """

    code: str
    words: str
    next_step: str = ""
    command: str = ""
    url: str = ""
    origin: str = ""
    asks: bool = False
    blocks: bool = False


def obstacles_at(standpoint: PageVisitor, published: PublishedGateway) -> tuple[PageObstacle, ...]:
    """Return what will happen when the reader follows the link to the gateway's page."""
    name = (published.public_host or standpoint.name).lower()
    found = [_behind_https(published)] if standpoint.secure else []
    closed = _closed(name, standpoint, published)
    found.append(closed or _by_origin(name, published))
    if name in _LOOPBACK_NAMES and not closed:
        found.append(_perhaps_tunnelled(published))
    return tuple(found)


def _behind_https(published: PublishedGateway) -> PageObstacle:
    port = published.port
    listed = next((each for each in published.origins or () if each.startswith("https://")), None)
    if listed:
        return PageObstacle(
            "https_allowed",
            f"Behind the TLS proxy the page {listed} is allowed; its WebSocket address is"
            f" wss{listed.removeprefix('https')}, and {_APPROVED_ONCE}.",
            url=f"{listed}/",
        )
    return PageObstacle(
        "https_page",
        "You opened Deploy Agent over https, and the gateway's own page is plain http at port"
        f" {port}: inside an https page browsers block ws:// addresses, and under a name that"
        " insists on https they don't open plain http at all.",
        f"Put the gateway behind the proxy too, under an https name of its own that passes"
        f" WebSockets on to port {port}, and allow that name here. Its WebSocket address is then"
        " wss://.",
        asks=True,
        blocks=True,
    )


def _closed(name: str, standpoint: PageVisitor, published: PublishedGateway) -> PageObstacle | None:
    """Return why nothing answers at the name, or None where something does as far as we know."""
    port, bind = published.port, published.bind_address
    address = _address_of(name)
    if bind in _EVERYWHERE or bind == name or not _address_of(bind):
        return None
    words = f"It is published on {bind} only, so http://{_host(name)}:{port} does not answer."
    if ip_address(bind).is_loopback:
        if name in _LOOPBACK_NAMES:
            return None
        if standpoint.local:
            url = f"http://localhost:{port}/"
            return PageObstacle(
                "published_here_only", words, "Open this here:", url=url, blocks=True
            )
        return PageObstacle(
            "published_there_only",
            words,
            "Run this on your machine, keep it open, then open"
            f" http://localhost:{port} there; no approval is needed.",
            command=_tunnel(name, published),
            blocks=True,
        )
    # A public address or a name may lead to the one that it is published on.
    if name in _LOOPBACK_NAMES or (address and _is_private(address)):
        url = f"http://{bind}:{port}/"
        if name not in _LOOPBACK_NAMES:
            return PageObstacle(
                "published_elsewhere", words, "Open this instead:", url=url, blocks=True
            )
        step = (
            f"Open {url} instead. If you came through an SSH tunnel, tunnel the gateway's port too:"
        )
        command = _tunnel("", published)
        return PageObstacle("published_elsewhere", words, step, command, url, blocks=True)
    return None


def _by_origin(name: str, published: PublishedGateway) -> PageObstacle:
    port, origins = published.port, published.origins
    try:
        origin = parse_origin(origin_of("http", _host(name), port), port)
    except OriginRejected:
        return PageObstacle(
            "name_unknown",
            "The name that you used can't stand in an address, so there is no telling.",
            "Open Deploy Agent by this host's name or address.",
            blocks=True,
        )
    listed = origins is not None and ("*" in origins or origin in origins)
    if name in _LOOPBACK_NAMES and (listed or origins is None):
        return PageObstacle(
            "opens",
            "The gateway's page opens at once here: a browser at localhost is approved by itself.",
        )
    if listed or _is_trusted(name):
        return PageObstacle("pairing", f"The gateway's page opens at {origin}; {_APPROVED_ONCE}.")
    if origins is None:
        return PageObstacle(
            "origin_unknown",
            f"Only the gateway may read its list of names, so whether {origin} is among them"
            " can't be told from here.",
            "If its page says “Browser origin not allowed”, allow this name.",
            origin=origin,
        )
    return PageObstacle(
        "origin_refused",
        f"The gateway's page will say “Browser origin not allowed”: {origin} is not among the"
        " names that it may be opened by.",
        "Allow this name.",
        origin=origin,
        blocks=True,
    )


def _perhaps_tunnelled(published: PublishedGateway) -> PageObstacle:
    return PageObstacle(
        "perhaps_tunnelled",
        "If you came through an SSH tunnel, tunnel the gateway's port too, then open"
        f" http://localhost:{published.port}:",
        command=_tunnel("", published),
    )


def _tunnel(name: str, published: PublishedGateway) -> str:
    """Return the line for the reader's own terminal; `name` is the one they came by."""
    bind = "127.0.0.1" if published.bind_address in _EVERYWHERE else published.bind_address
    host = name or published.public_host or published.host_name or "HOST"
    return f"ssh -N -L {published.port}:{bind}:{published.port} {host.strip('[]')}"


def _is_trusted(name: str) -> bool:
    """Say whether OpenClaw takes a page of its own at this name without having it listed."""
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
    """Return a name as it stands in an address."""
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
