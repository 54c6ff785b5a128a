"""Shell commands that work when pasted into a terminal of this host."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

# With more paths a command is too long to copy.
_MOST_PATHS = 30


@dataclass(frozen=True, slots=True)
class Shell:
    """What shell commands depend on: the host, and the user who runs the server.

    `settings` are the server's settings that our command line needs too. `settings_file` is the
    service's settings file, if the server runs as a service. `engine` is the engine's address if it
    is not the default address.
    """

    project: str
    user: str
    is_root: bool
    has_sudo: bool
    has_systemd: bool = False
    has_apt: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    settings_file: str = ""
    engine: str = ""

    def as_root(self, line: str) -> str:
        """Return the command run as root: with sudo or su, unless we are root."""
        if self.is_root:
            return line
        quoted = shlex.quote(line)
        simple = not any(sign in line for sign in "&|;<>$*")
        if self.has_sudo:
            return f"sudo {line}" if simple else f"sudo sh -c {quoted}"
        return f"su -c {quoted}"

    def deploy_agent(self, *words: str) -> str:
        """Return a call of our command line with this server's settings."""
        given = [f"DEPLOY_AGENT_{name.upper()}={quoted(value)}" for name, value in self.settings]
        return " ".join([*self._engine(), *given, quoted(f"{self.project}/deploy-agent", *words)])

    def docker(self, *words: str) -> str:
        """Return a call of Docker's command line for our engine."""
        return " ".join([*self._engine(), quoted("docker", *words)])

    def make(self, target: str) -> str:
        return quoted("make", "-C", self.project, target)

    def _engine(self) -> list[str]:
        return [f"DOCKER_HOST={quoted(self.engine)}"] if self.engine else []

    def start_engine(self) -> str:
        """Return the command that starts the engine, empty if we don't know how."""
        if self.engine:
            return self._own_service("start")
        if self.has_systemd:
            return self.as_root("systemctl start docker")
        return self.as_root(quoted(f"{self.project}/scripts/engine"))

    def restart_engine(self) -> str:
        """Return the command that restarts the engine, empty if we don't know how."""
        if self.engine:
            return self._own_service("restart")
        if self.has_systemd:
            return self.as_root("systemctl restart docker")
        # The engine was started by hand, and perhaps no longer responds to a milder signal.
        killed = "kill -9 $(cat /var/run/docker.pid) && sleep 2"
        return self.as_root(f"{killed} && {quoted(f'{self.project}/scripts/engine')}")

    def _own_service(self, verb: str) -> str:
        """Return the command for a user's own (rootless) engine."""
        own = self.has_systemd and self.engine.startswith("unix:///run/user/")
        return f"systemctl --user {verb} docker" if own else ""

    def keep_time(self) -> str:
        """Return the command that turns on clock synchronization, empty if we don't know how."""
        if self.has_systemd:
            return self.as_root("timedatectl set-ntp true")
        return self.as_root("apt-get install -y chrony") if self.has_apt else ""

    def setting(self, name: str, value: str) -> str:
        """Return the command that sets a setting for the server's next start."""
        assignment = f"DEPLOY_AGENT_{name}={value}"
        if not self.settings_file:
            return f"export {quoted(assignment)}"
        line = f"echo {quoted(assignment)} >> {quoted(self.settings_file)}"
        return self.as_root(f"{line} && systemctl restart deploy-agent")

    @property
    def setting_words(self) -> str:
        """A sentence on where to run the command of `setting`."""
        if self.settings_file:
            return (
                "This command changes the setting and restarts the server; gateways keep running."
            )
        return (
            "Run this command in the shell that starts the server, then restart the server there."
        )


def quoted(*words: str) -> str:
    return " ".join(map(shlex.quote, words))


def on_paths(command: str, paths: Sequence[str]) -> str:
    """Return a command with the first paths only, so that the command is short enough to copy."""
    return f"{command} {quoted(*paths[:_MOST_PATHS])}"
