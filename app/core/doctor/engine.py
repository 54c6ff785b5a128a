"""Docker Engine: does it answer, is Compose there, who may use it, does it come back."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell, on_paths, quoted

ENGINE = DoctorCheck(
    "engine",
    "Docker Engine",
    Area.ENGINE,
    "Everything that runs, runs in it. While it is away gateways can't be launched, watched or"
    " stopped.",
)
COMPOSE = DoctorCheck(
    "compose",
    "Docker Compose",
    Area.ENGINE,
    "Every launch and stop is a `docker compose` command; v1 (`docker-compose`) does not do.",
)
SOCKET = DoctorCheck(
    "socket",
    "Who may use the engine",
    Area.ENGINE,
    "Whoever may write to the engine's socket is as good as root on this host.",
)
TCP = DoctorCheck(
    "engine_tcp",
    "The engine on the network",
    Area.ENGINE,
    "An engine that listens on TCP gives root on this host to whoever reaches that port, and"
    " without TLS asks for nothing.",
)
LIMITS = DoctorCheck(
    "limits",
    "Limits of containers",
    Area.ENGINE,
    "Each gateway has a limit on memory and processes, so that one that runs wild does not take"
    " the others with it. Kernels can be built or started without that.",
)
BOOT = DoctorCheck(
    "boot",
    "After a reboot",
    Area.ENGINE,
    "What should run comes back only if the engine starts with the host and the containers'"
    " restart policy says so.",
)

# As in “WARNING: API is accessible on http://0.0.0.0:2375 without encryption.”
_API_AT = re.compile(r"API is accessible on (?:http|tcp)s?://(\S+)")
_SURE = ("always", "unless-stopped")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the engine says of itself; `trouble` is why it says nothing, by the error's code."""

    address: str
    version: str = ""
    api_version: str = ""
    system: str = ""
    trouble: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class SocketFacts:
    """The engine's socket. `members` are the users of its group, `joined` says that our user
    is among them, `held` that this very process has the group too.
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
    """`enabled` is None where the host does not tell. `policies` are by gateway's container."""

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
            f"{facts.address} takes calls and does not answer them.",
            "Restart it, if this stays. Gateways are restarted with it, unless live-restore is on.",
            shell.restart_engine(),
        )
    if facts.trouble == "engine_unreachable":
        return ENGINE.bad(
            f"Nothing answers at {facts.address}.",
            "Start it. Gateways that ran come back with it.",
            shell.start_engine(),
        )
    return ENGINE.bad(facts.words, "Look into its log.", _log(shell))


_SEE_SOCKET = "“Who may use the engine” says what to do."


def _log(shell: Shell) -> str:
    if shell.has_systemd:
        return shell.as_root("journalctl -u docker -n 50 --no-pager")
    return shell.as_root("tail -n 50 /var/log/dockerd.log /var/log/docker.log")


def compose_finding(version: str | None, shell: Shell) -> DoctorFinding:
    if version:
        return COMPOSE.good(f"Docker Compose {version}.")
    return COMPOSE.bad(
        "`docker compose version` finds none.",
        "The line puts it where Docker looks for it, or beside the project without root.",
        shell.make("setup"),
    )


def socket_finding(facts: SocketFacts, shell: Shell) -> DoctorFinding:
    if facts.mode & 0o002:
        return SOCKET.bad(
            f"Everybody on this host may: {facts.path} has mode {facts.mode & 0o777:04o}.",
            "Close it to others; the group stays.",
            shell.as_root(on_paths("chmod o-rwx", [facts.path])),
        )
    if facts.usable:
        return SOCKET.good(f"{_who(facts)}. This server's user, {shell.user}, is among them.")
    if facts.joined and not facts.held:
        return SOCKET.bad(
            f"{shell.user} is in the group {facts.group}, but this server was started by a log-in"
            " that is older than that.",
            "Start the server in a new log-in, or with this line.",
            quoted("sg", facts.group, "-c", shell.make("run")),
        )
    return SOCKET.bad(
        f"{_who(facts)}. This server's user, {shell.user}, may not.",
        f"Put the user into the group {facts.group}, log in anew and start the server again.",
        shell.as_root(quoted("usermod", "-aG", facts.group, shell.user)),
    )


def _who(facts: SocketFacts) -> str:
    members = listed(sorted(facts.members)) or "nobody"
    group = f" and the members of the group {facts.group} ({members})" if facts.mode & 0o020 else ""
    return f"{facts.owner}{group} may write to {facts.path}"


def addresses_in(warnings: Iterable[str]) -> list[str]:
    """Return the addresses at which the engine itself says that its API is open to all."""
    found = (_API_AT.search(each) for each in warnings)
    return [match[1] for match in found if match]


def tcp_finding(addresses: Sequence[str], shell: Shell) -> DoctorFinding:
    """`addresses` are those on which the engine listens over TCP."""
    if not addresses:
        return TCP.good("It listens on its socket alone.")
    return TCP.bad(
        f"It listens on {listed(addresses)}.",
        "The line shows where that is set. Take it out there, and restart the engine.",
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
        "On a Raspberry Pi add cgroup_enable=memory to /boot/firmware/cmdline.txt and reboot;"
        " elsewhere look for cgroup_disable in the kernel's command line.",
        "cat /proc/cmdline",
    )


def boot_finding(facts: BootFacts, shell: Shell) -> DoctorFinding:
    meanwhile = "on: gateways go on" if facts.live_restore else "off: gateways stop"
    restart = f"Live-restore is {meanwhile} while the engine itself is restarted."
    if lost := [name for name, policy in facts.policies if policy not in _SURE]:
        return BOOT.warning(
            f"{listed(lost)} would not come back: {'their' if len(lost) > 1 else 'its'} restart"
            " policy is not “always”.",
            "The line changes what runs; write restart: always into the docker-compose.yml too.",
            shell.docker("update", "--restart", "always", *lost),
        )
    if facts.enabled is None:
        return BOOT.unknown(
            f"Nothing here tells whether the engine starts with the host. {restart}"
        )
    if not facts.enabled:
        return BOOT.warning(
            f"docker.service is not enabled: the engine does not start with the host. {restart}",
            "Enable it.",
            shell.as_root("systemctl enable docker"),
        )
    running = counted(len(facts.policies), "gateway")
    return BOOT.good(f"The engine starts with the host, and so would {running}. {restart}")
