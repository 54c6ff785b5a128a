"""Lines that repair something, as they work when they are pasted on this very host."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

# A longer line is no line to copy any more.
_MOST_PATHS = 30


@dataclass(frozen=True, slots=True)
class Shell:
    """What lines need to know of the host and of whoever runs the server.

    `settings` are those of the server's that the command line has to be given,
    `settings_file` is where the service reads its own, if it is one; `engine` is the engine's
    address where it is not the usual one.
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
        """Return the line as root runs it."""
        if self.is_root:
            return line
        quoted = shlex.quote(line)
        simple = not any(sign in line for sign in "&|;<>$*")
        if self.has_sudo:
            return f"sudo {line}" if simple else f"sudo sh -c {quoted}"
        return f"su -c {quoted}"

    def deploy_agent(self, *words: str) -> str:
        """Return a call of our own command line, with the settings of this server."""
        given = [f"DEPLOY_AGENT_{name.upper()}={quoted(value)}" for name, value in self.settings]
        return " ".join([*self._engine(), *given, quoted(f"{self.project}/deploy-agent", *words)])

    def docker(self, *words: str) -> str:
        """Return a call of Docker's command line, on the engine that is ours."""
        return " ".join([*self._engine(), quoted("docker", *words)])

    def make(self, target: str) -> str:
        return quoted("make", "-C", self.project, target)

    def _engine(self) -> list[str]:
        return [f"DOCKER_HOST={quoted(self.engine)}"] if self.engine else []

    def start_engine(self) -> str:
        """Return the line that starts the engine; empty for one that we don't know."""
        if self.engine:
            return self._own_service("start")
        if self.has_systemd:
            return self.as_root("systemctl start docker")
        return self.as_root(quoted(f"{self.project}/scripts/engine"))

    def restart_engine(self) -> str:
        """Return the line that restarts the engine; empty for one that we don't know."""
        if self.engine:
            return self._own_service("restart")
        if self.has_systemd:
            return self.as_root("systemctl restart docker")
        # One that was started by hand, and may not listen to less any more.
        killed = "kill -9 $(cat /var/run/docker.pid) && sleep 2"
        return self.as_root(f"{killed} && {quoted(f'{self.project}/scripts/engine')}")

    def _own_service(self, verb: str) -> str:
        """Return the line for an engine that is a user's own."""
        own = self.has_systemd and self.engine.startswith("unix:///run/user/")
        return f"systemctl --user {verb} docker" if own else ""

    def keep_time(self) -> str:
        """Return the line that lets the clock be kept right; empty where we know none."""
        if self.has_systemd:
            return self.as_root("timedatectl set-ntp true")
        return self.as_root("apt-get install -y chrony") if self.has_apt else ""

    def setting(self, name: str, value: str) -> str:
        """Return the line that gives the server a setting, for its next start."""
        assignment = f"DEPLOY_AGENT_{name}={value}"
        if not self.settings_file:
            return f"export {quoted(assignment)}"
        line = f"echo {quoted(assignment)} >> {quoted(self.settings_file)}"
        return self.as_root(f"{line} && systemctl restart deploy-agent")

    @property
    def setting_words(self) -> str:
        """Where that line belongs."""
        if self.settings_file:
            return "The line sets it and restarts the server; gateways go on."
        return "Run the line in the shell that starts the server, and start it again there."


def quoted(*words: str) -> str:
    """Return words as one shell reads them."""
    return " ".join(map(shlex.quote, words))


def on_paths(command: str, paths: Sequence[str]) -> str:
    """Return a command on paths, some at a time where there are many."""
    return f"{command} {quoted(*paths[:_MOST_PATHS])}"
