"""The doctor's checks of Docker Engine, Compose and images."""

import pytest

from app.core.doctor import engine
from app.core.doctor.engine import BootFacts, EngineFacts, SocketFacts
from app.core.doctor.finding import DoctorVerdict
from app.core.doctor.images import ImageFacts, image_finding, images_finding
from app.core.doctor.shell import Shell
from tests.support.builders import NOW, before

SHELL = Shell("/srv", "ana", is_root=False, has_sudo=True, has_systemd=True)
SOCKET = SocketFacts("/run/docker.sock", 0o660, "root", "docker", ("bo", "ana"), usable=True)


def socket(**more: object) -> SocketFacts:
    values = {name: getattr(SOCKET, name) for name in SocketFacts.__slots__}
    return SocketFacts(**{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trouble", "fix"),
    [
        ("", ""),
        ("engine_unreachable", "sudo systemctl start docker"),
        ("engine_silent", "sudo systemctl restart docker"),
        ("engine_denied", ""),
        ("engine_refused", "sudo journalctl -u docker -n 50 --no-pager"),
    ],
)
def test_each_engine_error_has_its_fix_line(trouble: str, fix: str) -> None:
    found = engine.engine_finding(
        EngineFacts("unix:///run/docker.sock", "28.1", trouble=trouble, words="It said no."), SHELL
    )

    assert found.verdict is (DoctorVerdict.BAD if trouble else DoctorVerdict.GOOD)
    assert found.fix == fix
    assert "unix:///run/docker.sock" in found.seen or found.seen == "It said no."


def test_missing_compose_has_a_fix_line_that_installs_it() -> None:
    assert engine.compose_finding("v2.40.3", SHELL).verdict is DoctorVerdict.GOOD
    missing = engine.compose_finding(None, SHELL)
    assert (missing.verdict, missing.fix) == (DoctorVerdict.BAD, "make -C /srv setup")


def test_the_engine_sockets_users_are_named() -> None:
    found = engine.socket_finding(SOCKET, SHELL)

    assert found.verdict is DoctorVerdict.GOOD
    assert "the group docker (ana and bo)" in found.seen


def test_a_world_writable_engine_socket_is_reported_as_root_access() -> None:
    found = engine.socket_finding(socket(mode=0o666), SHELL)

    assert found.verdict is DoctorVerdict.BAD
    assert found.fix == "sudo chmod o-rwx /run/docker.sock"


@pytest.mark.parametrize(
    ("joined", "fix"),
    [(True, "sg docker -c 'make -C /srv run'"), (False, "sudo usermod -aG docker ana")],
)
def test_a_user_without_access_learns_how_to_get_it(joined: bool, fix: str) -> None:
    found = engine.socket_finding(socket(usable=False, joined=joined), SHELL)

    assert (found.verdict, found.fix) == (DoctorVerdict.BAD, fix)


def test_an_engine_api_on_the_network_is_bad() -> None:
    warnings = [
        "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n         Access",
        "WARNING: No swap limit support",
    ]

    assert engine.addresses_in(warnings) == ["0.0.0.0:2375"]
    assert engine.tcp_finding(["0.0.0.0:2375"], SHELL).verdict is DoctorVerdict.BAD
    assert engine.tcp_finding([], SHELL).verdict is DoctorVerdict.GOOD


def test_a_kernel_without_limits_is_a_warning() -> None:
    assert engine.limits_finding(True, True).verdict is DoctorVerdict.GOOD
    found = engine.limits_finding(False, True)
    assert found.verdict is DoctorVerdict.WARNING
    assert "does not limit memory." in found.seen


@pytest.mark.parametrize(
    ("enabled", "policy", "verdict", "fix"),
    [
        (True, "always", DoctorVerdict.GOOD, ""),
        (True, "unless-stopped", DoctorVerdict.GOOD, ""),
        (None, "always", DoctorVerdict.UNKNOWN, ""),
        (False, "always", DoctorVerdict.WARNING, "sudo systemctl enable docker"),
        (True, "no", DoctorVerdict.WARNING, "docker update --restart always a-openclaw-1"),
        (None, "on-failure", DoctorVerdict.WARNING, "docker update --restart always a-openclaw-1"),
    ],
)
def test_gateways_that_would_not_restart_are_a_warning(
    enabled: bool | None, policy: str, verdict: DoctorVerdict, fix: str
) -> None:
    facts = BootFacts(enabled, live_restore=False, policies=(("a-openclaw-1", policy),))
    found = engine.boot_finding(facts, SHELL)

    assert (found.verdict, found.fix) == (verdict, fix)


def test_an_image_is_shown_with_digest_and_age() -> None:
    here = ImageFacts("openclaw:1", "sha256:" + "a" * 64, "sha256:" + "b" * 64, before(7200), True)

    assert image_finding(here, NOW, SHELL).seen == (
        "openclaw:1 (sha256:bbbbbbbbbbbb, made 2 hours ago, built here)."
    )
    missing = image_finding(ImageFacts("ghcr.io/x/y:1"), NOW, SHELL)
    assert (missing.verdict, missing.fix) == (DoctorVerdict.WARNING, "docker pull ghcr.io/x/y:1")


def test_missing_images_are_listed_with_their_deployments() -> None:
    here, gone = ImageFacts("a:1", "sha256:1"), ImageFacts("b:1")
    users = {"a:1": ["Sales"], "b:1": ["Support", "Zoo"]}

    assert images_finding([here], users, NOW, SHELL).verdict is DoctorVerdict.GOOD
    found = images_finding([here, gone], users, NOW, SHELL)
    assert found.seen == "Not on this host: b:1, used by Support and Zoo."
    assert found.fix == "docker pull b:1"
