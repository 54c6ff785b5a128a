"""Page obstacles: a table of the obstacles for each kind of visitor of a gateway's page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.access.page_obstacles import PageObstacle, PageVisitor, PublishedGateway, obstacles_at
from app.core.settings.openclaw_config import OriginRejected, parse_origin

PORT = 30163
PAIR = (f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}")
LISTED = (*PAIR, f"http://gw.example:{PORT}")


def at(name: str, origins: tuple[str, ...] | None = PAIR, **more: object) -> list[PageObstacle]:
    here = {key: more.pop(key) for key in ("secure", "local") if key in more}
    published = PublishedGateway(PORT, origins, host_name="host1", **more)  # type: ignore[arg-type]
    return list(obstacles_at(PageVisitor(name, **here), published))


@pytest.mark.parametrize(
    ("name", "more", "codes"),
    [
        ("localhost", {}, ["opens", "perhaps_tunnelled"]),
        ("127.0.0.1", {}, ["opens", "perhaps_tunnelled"]),
        ("LOCALHOST", {}, ["opens", "perhaps_tunnelled"]),
        ("localhost", {"origins": None}, ["opens", "perhaps_tunnelled"]),
        ("localhost", {"origins": ("http://x:1",)}, ["origin_refused", "perhaps_tunnelled"]),
        ("[::1]", {}, ["origin_refused"]),
        ("127.0.1.1", {}, ["origin_refused"]),
        ("10.9.8.7", {}, ["pairing"]),
        ("172.31.0.1", {}, ["pairing"]),
        ("172.32.0.1", {}, ["origin_refused"]),
        ("192.168.1.5", {"origins": ("http://x:1",)}, ["pairing"]),
        ("100.64.0.9", {}, ["pairing"]),
        ("[fd00::5]", {}, ["pairing"]),
        ("host1.local", {}, ["pairing"]),
        ("host1.tail.ts.net", {}, ["pairing"]),
        ("203.0.113.9", {}, ["origin_refused"]),
        ("gw.example", {}, ["origin_refused"]),
        ("gw.example", {"origins": LISTED}, ["pairing"]),
        ("GW.example", {"origins": LISTED}, ["pairing"]),
        ("gw.example", {"origins": ("*",)}, ["pairing"]),
        ("gw.example", {"origins": None}, ["origin_unknown"]),
        ("localhost", {"public_host": "gw.example"}, ["origin_refused"]),
        ("", {}, ["name_unknown"]),
        ("a b", {}, ["name_unknown"]),
        ("localhost", {"bind_address": "127.0.0.1"}, ["opens", "perhaps_tunnelled"]),
        ("gw.example", {"bind_address": "127.0.0.1"}, ["published_there_only"]),
        ("10.9.8.7", {"bind_address": "127.0.0.1"}, ["published_there_only"]),
        ("gw.example", {"bind_address": "127.0.0.1", "local": True}, ["published_here_only"]),
        ("10.9.8.7", {"bind_address": "10.9.8.7"}, ["pairing"]),
        ("10.9.8.7", {"bind_address": "10.1.1.1"}, ["published_elsewhere"]),
        ("localhost", {"bind_address": "10.1.1.1"}, ["published_elsewhere"]),
        ("gw.example", {"bind_address": "10.1.1.1", "origins": LISTED}, ["pairing"]),
        ("203.0.113.9", {"bind_address": "10.1.1.1"}, ["origin_refused"]),
        ("10.9.8.7", {"bind_address": "0.0.0.0"}, ["pairing"]),
        ("10.9.8.7", {"bind_address": "nonsense"}, ["pairing"]),
        ("gw.example", {"secure": True}, ["https_page", "origin_refused"]),
        (
            "gw.example",
            {"secure": True, "origins": (*LISTED, "https://claw.example")},
            ["https_allowed", "pairing"],
        ),
    ],
)
def test_obstacles_at_each_visitor(name: str, more: dict[str, object], codes: list[str]) -> None:
    assert [wall.code for wall in at(name, **more)] == codes


def test_a_refused_origin_is_offered_as_browsers_send_it() -> None:
    [wall] = at("GW.example")

    assert wall.origin == f"http://gw.example:{PORT}"
    assert wall.blocks
    assert "Browser origin not allowed" in wall.words


def test_a_gateway_on_loopback_comes_with_a_tunnel_command() -> None:
    [wall] = at("gw.example", bind_address="127.0.0.1")

    assert wall.command == f"ssh -N -L {PORT}:127.0.0.1:{PORT} gw.example"
    assert f"http://localhost:{PORT}" in wall.next_step


def test_a_visitor_at_localhost_gets_a_tunnel_command() -> None:
    named = at("localhost")[1]
    public = obstacles_at(
        PageVisitor("localhost"), PublishedGateway(PORT, PAIR, public_host="localhost")
    )[1]
    elsewhere = at("localhost", bind_address="10.1.1.1")[0]

    assert named.command == f"ssh -N -L {PORT}:127.0.0.1:{PORT} host1"
    assert public.command.endswith(" localhost")
    assert elsewhere.command == f"ssh -N -L {PORT}:10.1.1.1:{PORT} host1"


def test_behind_a_tls_proxy_the_allowed_origin_is_the_link() -> None:
    wall = at("gw.example", (*PAIR, "https://claw.example:8443"), secure=True)[0]

    assert wall.url == "https://claw.example:8443/"
    assert "wss://claw.example:8443" in wall.words


@given(st.text(), st.text(), st.none() | st.lists(st.text()), st.booleans(), st.booleans())
def test_every_visitor_gets_a_statement_and_only_allowed_offers(
    name: str, bind: str, origins: list[str] | None, secure: bool, local: bool
) -> None:
    published = PublishedGateway(PORT, origins, bind)
    walls = obstacles_at(PageVisitor(name, secure, local), published)

    assert walls
    for wall in walls:
        if wall.origin:
            assert parse_origin(wall.origin, PORT) == wall.origin


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        (f"http://GW.example:{PORT}", f"http://gw.example:{PORT}"),
        (f"http://gw.example:{PORT}/", f"http://gw.example:{PORT}"),
        ("https://gw.example", "https://gw.example"),
        ("https://gw.example:443", "https://gw.example"),
        ("https://gw.example:8443", "https://gw.example:8443"),
        (f"http://10.9.8.7:{PORT}", f"http://10.9.8.7:{PORT}"),
        (f"http://[FD00::0005]:{PORT}", f"http://[fd00::5]:{PORT}"),
        ("https://xn--mller-kva.example", "https://xn--mller-kva.example"),
    ],
)
def test_an_origin_is_normalized_as_browsers_write_it(given: str, origin: str) -> None:
    assert parse_origin(given, PORT) == origin


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        "null",
        "gw.example",
        "http://gw.example",
        "http://gw.example:80",
        f"http://gw.example:{PORT + 1}",
        f"ws://gw.example:{PORT}",
        f"http://gw.example:{PORT}/chat",
        f"http://gw.example:{PORT}?x",
        f"http://gw.example:{PORT}#x",
        f"http://ana@gw.example:{PORT}",
        f"http://*.example:{PORT}",
        f"http://gw.example:{PORT}\n",
        f" http://gw.example:{PORT}",
        f"http://-gw.example:{PORT}",
        f"http://gw..example:{PORT}",
        f"http://300.1.1.1:{PORT}",
        f"http://1.2.3:{PORT}",
        f"http://0x7f.1:{PORT}",
        f"http://[::g]:{PORT}",
        f"http://müller.example:{PORT}",
        "https://gw.example:0",
        "https://gw.example:65536",
        "javascript://gw.example",
        "https://" + "a" * 300,
    ],
)
def test_an_invalid_origin_is_rejected(given: str) -> None:
    with pytest.raises(OriginRejected):
        parse_origin(given, PORT)
