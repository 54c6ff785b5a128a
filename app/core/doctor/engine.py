"""Checks of Docker Engine: response, Compose, access, limits, and what starts after a reboot."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell, on_paths, quoted

ENGINE = DoctorCheck(
    "engine",
    "Docker Engine",
    Area.ENGINE,
    "All gateways run in Docker Engine. Without it, gateways can't be launched, watched or"
    " stopped.",
)
COMPOSE = DoctorCheck(
    "compose",
    "Docker Compose",
    Area.ENGINE,
    "Every launch and stop is a `docker compose` command. Version 1 (`docker-compose`) does not"
    " work.",
)
SOCKET = DoctorCheck(
    "socket",
    "Who may use the engine",
    Area.ENGINE,
    "Anybody who may write to the engine's socket can become root on this host.",
)
TCP = DoctorCheck(
    "engine_tcp",
    "The engine on the network",
    Area.ENGINE,
    "If the engine listens on TCP, anybody who reaches that port can become root on this host;"
    " without TLS the engine does not even ask for a certificate.",
)
LIMITS = DoctorCheck(
    "limits",
    "Container limits",
    Area.ENGINE,
    "Each gateway has a memory and a process limit, so that a faulty gateway can't bring down"
    " the others. Some kernels are built or started without support for limits.",
)
BOOT = DoctorCheck(
    "boot",
    "After a reboot",
    Area.ENGINE,
    "Gateways start again only if the engine starts with the host and their restart policy"
    " allows it.",
)

# As in “WARNING: API is accessible on http://0.0.0.0:2375 without encryption.”
_API_AT = re.compile(r"API is accessible on (?:http|tcp)s?://(\S+)")
_SURE = ("always", "unless-stopped")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the engine reports about itself. `trouble` is the error's code if there is no answer."""

    address: str
    version: str = ""
    api_version: str = ""
    system: str = ""
    trouble: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class SocketFacts:
    """The engine's socket.

    `members` are the users in the socket's group. `joined` means that our user is one of these
    users, `held` that this process has the group already.
    """

    path: str
    mode: int
    owner: str
    group: str
    members: tuple[str, ...]
    usable: bool
    joined: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class BootFacts:
    """What starts after a reboot. `enabled` is None if unknown; `policies` is by container name."""

    enabled: bool | None
    live_restore: bool
    policies: tuple[tuple[str, str], ...] = ()


def engine_finding(facts: EngineFacts, shell: Shell) -> DoctorFinding:
    if not facts.trouble:
        return ENGINE.good(
            f"Docker Engine {facts.version} (API {facts.api_version}, {facts.system})"
            f" at {facts.address}."
        )
    if facts.trouble == "engine_denied":
        return ENGINE.bad(f"{facts.address} refuses the user {shell.user}.", _SEE_SOCKET)
    if facts.trouble == "engine_silent":
        return ENGINE.bad(
            f"{facts.address} accepts calls but does not answer them.",
            "If this lasts, restart the engine. Gateways restart too, unless live-restore is on.",
            shell.restart_engine(),
        )
    if facts.trouble == "engine_unreachable":
        return ENGINE.bad(
            f"Nothing answers at {facts.address}.",
            "Start the engine. Gateways that were running start with it.",
            shell.start_engine(),
        )
    return ENGINE.bad(facts.words, "Read the engine's log.", _log(shell))


_SEE_SOCKET = "“Who may use the engine” says what to do."


def _log(shell: Shell) -> str:
    if shell.has_systemd:
        return shell.as_root("journalctl -u docker -n 50 --no-pager")
    return shell.as_root("tail -n 50 /var/log/dockerd.log /var/log/docker.log")


def compose_finding(version: str | None, shell: Shell) -> DoctorFinding:
    if version:
        return COMPOSE.good(f"Docker Compose {version}.")
    return COMPOSE.bad(
        "`docker compose version` fails: Docker Compose is not installed.",
        "This command installs Compose where Docker looks for it; without root, in the project's"
        " folder.",
        shell.make("setup"),
    )


def socket_finding(facts: SocketFacts, shell: Shell) -> DoctorFinding:
    if facts.mode & 0o002:
        return SOCKET.bad(
            f"Everybody on this host may use the engine: {facts.path} has mode"
            f" {facts.mode & 0o777:04o}.",
            "Close the socket to others; its group keeps access.",
            shell.as_root(on_paths("chmod o-rwx", [facts.path])),
        )
    if facts.usable:
        return SOCKET.good(f"{_who(facts)}. This server's user, {shell.user}, is among them.")
    if facts.joined and not facts.held:
        return SOCKET.bad(
            f"{shell.user} is in the group {facts.group}, but this server was started from a login"
            " session that began before the user joined the group.",
            "Start the server from a new login session, or with this command.",
            quoted("sg", facts.group, "-c", shell.make("run")),
        )
    return SOCKET.bad(
        f"{_who(facts)}. This server's user, {shell.user}, may not use it.",
        f"Add the user to the group {facts.group}, log in again and restart the server.",
        shell.as_root(quoted("usermod", "-aG", facts.group, shell.user)),
    )


def _who(facts: SocketFacts) -> str:
    members = listed(sorted(facts.members)) or "nobody"
    group = f" and the members of the group {facts.group} ({members})" if facts.mode & 0o020 else ""
    return f"{facts.owner}{group} may write to {facts.path}"


def addresses_in(warnings: Iterable[str]) -> list[str]:
    """Return the addresses at which the engine warns that its API is open to everybody."""
    found = (_API_AT.search(each) for each in warnings)
    return [match[1] for match in found if match]


def tcp_finding(addresses: Sequence[str], shell: Shell) -> DoctorFinding:
    """Report the TCP addresses on which the engine listens."""
    if not addresses:
        return TCP.good("The engine listens only on its socket.")
    return TCP.bad(
        f"The engine listens on {listed(addresses)}.",
        "This command shows where each address is set. Remove the addresses there and restart the"
        " engine.",
        shell.as_root(
            "grep -rsn tcp:// /etc/docker /etc/default/docker /etc/systemd/system"
            " /lib/systemd/system/docker.service"
        ),
    )


def limits_finding(memory: bool, processes: bool) -> DoctorFinding:
    missing = [
        word for word, is_there in (("memory", memory), ("processes", processes)) if not is_there
    ]
    if not missing:
        return LIMITS.good("The kernel limits memory and processes.")
    return LIMITS.warning(
        f"The kernel does not limit {listed(missing)}.",
        "On a Raspberry Pi, add cgroup_enable=memory to /boot/firmware/cmdline.txt and reboot."
        " Elsewhere, look for cgroup_disable in the kernel's command line.",
        "cat /proc/cmdline",
    )


def boot_finding(facts: BootFacts, shell: Shell) -> DoctorFinding:
    effect = "on: gateways keep running" if facts.live_restore else "off: gateways stop"
    restart = f"Live-restore is {effect} while the engine restarts."
    if lost := [name for name, policy in facts.policies if policy not in _SURE]:
        return BOOT.warning(
            f"{listed(lost)} would not start again: {'their' if len(lost) > 1 else 'its'} restart"
            " policy is not “always”.",
            "This command changes the running containers; also write restart: always into their"
            " docker-compose.yml.",
            shell.docker("update", "--restart", "always", *lost),
        )
    if facts.enabled is None:
        return BOOT.unknown(f"It is not known whether the engine starts with the host. {restart}")
    if not facts.enabled:
        return BOOT.warning(
            f"docker.service is not enabled: the engine does not start with the host. {restart}",
            "Enable the service.",
            shell.as_root("systemctl enable docker"),
        )
    gateways = counted(len(facts.policies), "running gateway")
    return BOOT.good(f"The engine starts with the host, and {gateways} with it. {restart}")
